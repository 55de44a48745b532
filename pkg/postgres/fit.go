package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Counted is what the extension pg_stat_statements counted for some roles in one database.
type Counted struct {
	Schema     string    // of the extension; empty: the server does not count statements there
	Since      time.Time // when counting began; zero: the server does not report it (before 14)
	Discards   int64     // how often the server discarded the statements executed least, because it had no room for more (before 14: unknown)
	Statements []Statement
}

// Statement is one that roles executed.
type Statement struct {
	Text string `json:"text"` // with parameters in place of literals
}

// counting is the report about the counters.
type counting struct {
	Schema   string     `json:"schema"`
	Since    *time.Time `json:"since"`
	Discards int64      `json:"discards"`
}

// Counted reads the statements that the server counted for the roles, at most a thousand. Nothing changes. Errors:
// ErrStandby, *SQLError and those of psql.
func (s *Server) Counted(ctx context.Context, database string, roles []string) (*Counted, error) {
	sc := new(script).set("run", scriptRun).run("begin_session").enter(database)
	out, err := s.report(ctx, sc.set("names", sc.json(roles)).run("statements_schema", "statements", "end"))
	if err != nil {
		return nil, err
	}
	counted := &Counted{}
	for _, report := range out.reports {
		var line struct {
			Counting  *counting  `json:"counting"`
			Statement *Statement `json:"statement"`
		}
		if err := json.Unmarshal(report, &line); err != nil {
			return nil, fmt.Errorf("read what psql reported: %w", err)
		}
		if c := line.Counting; c != nil {
			counted.Schema, counted.Discards = c.Schema, c.Discards
			if c.Since != nil {
				counted.Since = *c.Since
			}
		}
		appendIf(&counted.Statements, line.Statement)
	}
	return counted, nil
}

// InsufficientPrivilege is the SQLSTATE of a statement that the role may not execute.
const InsufficientPrivilege = "42501"

// Explain logs in as the role of the request, which must exist, and has the server plan each statement as this role,
// without executing it. It returns an SQLSTATE for each: 00000, InsufficientPrivilege, or the reason why the server
// cannot tell. A text with a semicolon can be several statements, and gets 42601, a syntax error. Errors: *SQLError and
// those of psql.
func (s *Server) Explain(ctx context.Context, r Request, texts []string) ([]string, error) {
	const several = "42601"
	states := make([]string, len(texts))
	var asked []int
	explained := []string{}
	for i, text := range texts {
		if strings.Contains(text, ";") {
			states[i] = several
			continue
		}
		asked, explained = append(asked, i), append(explained, text)
	}
	sc := new(script)
	sc.set("run", scriptRun, "texts", sc.json(explained), "path", sc.json(r.Role.Access.Schemas)).run("begin_session")
	sc.address(r.Login, r.Role.Name, r.Role.Access.Database).password(r.Login.Password).run("login", "plan_statements", "end")
	out, err := s.report(ctx, sc)
	if err != nil {
		return nil, err
	}
	for _, report := range out.reports {
		var line struct {
			States []string `json:"states"`
		}
		if json.Unmarshal(report, &line) != nil || line.States == nil {
			continue
		}
		if len(line.States) != len(asked) {
			return nil, errors.New("the server did not plan every statement")
		}
		for n, i := range asked {
			states[i] = line.States[n]
		}
		return states, nil
	}
	return nil, errors.New("the server planned no statement")
}

// NeedsNothing reports whether a statement needs no privilege on any object of the database: it begins with one of the
// commands for sessions and transactions.
func (s Statement) NeedsNothing() bool { return s.begins(sessionCommands()) }

// NeedsOwner reports whether a statement creates, changes or maintains objects, which only their owner can: it needs the level all.
func (s Statement) NeedsOwner() bool { return s.begins(ownerCommands()) }

func (s Statement) begins(commands []string) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(s.Text, " \t\r\n("), " ")
	return slices.Contains(commands, strings.ToUpper(strings.TrimSpace(word)))
}

func sessionCommands() []string {
	return []string{
		"ABORT",
		"BEGIN",
		"CLOSE",
		"COMMIT",
		"DEALLOCATE",
		"DISCARD",
		"END",
		"EXECUTE",
		"FETCH",
		"LISTEN",
		"MOVE",
		"NOTIFY",
		"PREPARE",
		"RELEASE",
		"RESET",
		"ROLLBACK",
		"SAVEPOINT",
		"SET",
		"SHOW",
		"START",
		"UNLISTEN",
	}
}

func ownerCommands() []string {
	return []string{
		"ALTER",
		"ANALYZE",
		"CLUSTER",
		"COMMENT",
		"CREATE",
		"DROP",
		"GRANT",
		"REFRESH",
		"REINDEX",
		"REVOKE",
		"TRUNCATE",
		"VACUUM",
	}
}
