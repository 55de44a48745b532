package postgres

import (
	"encoding/hex"
	"strings"
)

// sessionOptions returns the start-up options of the administrator's sessions, in the form of PGOPTIONS. All supported
// servers know them. They win over what ALTER DATABASE and ALTER ROLE set, by which the owner of a database would
// otherwise decide how the administrator's SQL runs. opening.sql adds those of newer servers.
func sessionOptions() string {
	return strings.Join([]string{
		"-c role=none",
		"-c search_path=", // who may create a function or a schema could otherwise have the administrator run it by its name
		"-c default_transaction_read_only=off",
		`-c default_transaction_isolation=read\ committed`,
		"-c default_transaction_deferrable=off",
		"-c client_encoding=UTF8",
		"-c standard_conforming_strings=on",
		"-c jit=off", // to compile the queries of catalogs takes longer than they do
		"-c client_min_messages=warning",
		"-c DateStyle=ISO",
		"-c TimeZone=UTC",
		"-c password_encryption=scram-sha-256",
		"-c local_preload_libraries=",
		"-c lock_timeout=50s", // fifty binds at once on a busy machine take half a minute in turn
		"-c statement_timeout=60s",
		// What createuser makes need not outlive a crash of the server: the COMMIT of the script that completes the
		// role waits until both are kept.
		"-c synchronous_commit=off",
		"-c idle_in_transaction_session_timeout=60s",
	}, " ")
}

// opening is how a script for the administrator begins: psql is connected to some database then, and goes to the one that is meant.
func opening(database string, skipEventTriggers bool) *script {
	sc := new(script).set("options", escape(sessionOptions()), "conn", "dbname="+conninfo(database),
		"home", hex.EncodeToString([]byte(database)))
	return sc.set("skip_event_triggers", boolean(skipEventTriggers)).run("opening", "set_encoding")
}

// input is what psql reads as the administrator.
func (s *Server) input(sc *script) string {
	database := s.home()
	if sc.maintains {
		database = s.maintenance()
	}
	return opening(database, s.SkipEventTriggers).text.String() + sc.text.String()
}
