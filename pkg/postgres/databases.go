package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Contents is what a server contains.
type Contents struct {
	Version   int      // as server_version_num: 150004
	Standby   bool     // it accepts no writes now
	Databases []string // that accept connections, without templates, in the order of their names
}

// endOfDatabases is the last word of the script.
const endOfDatabases = "databases"

// Databases reads the version and the databases of the server in one exec, also of a standby. It changes nothing. Errors: ErrNoServer,
// *MissingProgramError, *UnknownError, and those of psql and the server.
func (s *Server) Databases(ctx context.Context) (*Contents, error) {
	cut := func(err error) bool { return errors.Is(err, errCut) }
	out, err := repeat(ctx, cut, func() (*output, error) {
		out, err := s.psql(ctx, databasesScript())
		if err == nil && out != nil && out.End != endOfDatabases && (out.Server == nil || !out.Server.Standby) {
			return out, s.cut()
		}
		return out, err
	})
	if out == nil || out.Server == nil {
		return nil, auditError(out, err)
	}
	if err != nil {
		return nil, s.surveyError(out, err)
	}
	found := &Contents{Version: out.Server.Version, Standby: out.Server.Standby}
	for _, text := range out.reports {
		var line struct {
			Databases []string `json:"databases"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("read what psql reported: %w", err)
		}
		found.Databases = append(found.Databases, line.Databases...)
	}
	return found, nil
}

// databasesScript reads the databases first, because a session on a standby ends.
func databasesScript() *script {
	return new(script).set("run", endOfDatabases).run("databases", "begin_session", "end")
}

// VersionText returns a server_version_num as people write it: 15.4.
func VersionText(number int) string { return fmt.Sprintf("%d.%d", number/10000, number%10000) }
