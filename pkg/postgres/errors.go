package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// ErrStandby reports that the server is a standby, which accepts no writes.
var ErrStandby = errors.New("the server is a standby and accepts no writes")

// OnPrimary calls do for the members of a server in turn, until one of them does not report ErrStandby, and returns the
// error of that member. If all of them are standbys, it returns the error of the last one. Without members, it returns an error.
func OnPrimary[T any](members []T, do func(T) error) error {
	err := errors.New("no Pod of the server is known")
	for _, member := range members {
		if err = do(member); !errors.Is(err, ErrStandby) {
			break
		}
	}
	return err
}

// NoDatabaseError reports that the server does not have the database.
type NoDatabaseError struct {
	Database string
	Existing []string // the databases that it has
}

func (e *NoDatabaseError) Error() string {
	const shown = 10
	existing := e.Existing
	if len(existing) > shown {
		existing = append(slices.Clone(existing[:shown]), fmt.Sprintf("and %d more", len(e.Existing)-shown))
	}
	return fmt.Sprintf("database %q does not exist; the server has %s", e.Database, strings.Join(existing, ", "))
}

// ErrIncomplete reports that the login role does not exist or cannot log in, so that it needs a new password.
var ErrIncomplete = errors.New("the login role is not complete")

// ErrExists reports that a role of the name to create already exists.
var ErrExists = errors.New("a role of this name already exists")

// errCut reports that the last word of a script is missing.
var errCut = errors.New("returned truncated output: run the command again")

// errDown reports that the server accepts no connections, so that no password helps.
var errDown = errors.New("the server accepts no connections")

// IsUnavailable reports whether the server was a standby, or stopped, so that another one can be the primary now.
func IsUnavailable(err error) bool {
	if errors.Is(err, ErrStandby) {
		return true
	}
	login, sql := (*AdminLoginError)(nil), (*SQLError)(nil)
	if errors.As(err, &login) {
		return errors.Is(login.Hint, errDown)
	}
	return errors.As(err, &sql) && slices.Contains([]string{"25006", "57P01", "57P02", "57P03"}, sql.State)
}

// EventTriggerError reports an error in a database with event triggers, which can be its cause.
type EventTriggerError struct {
	Triggers []string // each with its function
	Err      error
}

func (e *EventTriggerError) Error() string {
	return fmt.Sprintf("%v; the cause can be an event trigger: %s; its function runs with an empty search_path: "+
		"have it name schemas, or skip event triggers with --skip-event-triggers", e.Err, strings.Join(e.Triggers, "; "))
}

func (e *EventTriggerError) Unwrap() error { return e.Err }

// MissingProgramError reports that the container lacks a program.
type MissingProgramError struct {
	Program string
	Where   podexec.Container
	// Unstarted means that the container runtime reported the error. It is also possible that the container has ended.
	Unstarted bool
}

func (e *MissingProgramError) Error() string {
	if e.Program == shell {
		return fmt.Sprintf("%s has no shell, which is required to log in with the administrator's password: "+
			"choose another container with --postgres-container", e.Where)
	}
	if e.Unstarted {
		return fmt.Sprintf("%s could not start program %q: if its Pod is being replaced, run the command again; "+
			"otherwise choose the container that runs PostgreSQL with --postgres-container", e.Where, e.Program)
	}
	return fmt.Sprintf("%s has no program %q: choose the container that runs PostgreSQL with --postgres-container", e.Where, e.Program)
}

// AdminLoginError reports that the administrator cannot log in. Nothing changed.
type AdminLoginError struct {
	Where   podexec.Container
	Role    string
	Message string // of psql
	Hint    error  // why there is no other way to log in; nil: not looked for
	Err     error  // of psql
}

func (e *AdminLoginError) Error() string {
	text := fmt.Sprintf("psql in %s cannot log in as %q: %s", e.Where, e.Role, e.Message)
	switch {
	case e.Hint == nil:
		return text
	case errors.Is(e.Hint, errDown):
		return fmt.Sprintf(
			"%s (%v): find the cause with kubectl logs, and run the command again when the server accepts connections",
			text, e.Hint,
		)
	default:
		return fmt.Sprintf(
			"%s (%v): pass its password with --admin-password-from, or choose another administrator with --admin-user",
			text, e.Hint,
		)
	}
}

// Unwrap returns the error of psql.
func (e *AdminLoginError) Unwrap() error { return e.Err }

// SQLError is an error that the server returned.
type SQLError struct {
	State   string // SQLSTATE
	Message string // empty if the statement contained a secret
	OfRoles bool   // whether it is about a constraint of the catalog of roles
}

func (e *SQLError) Error() string {
	text := "SQLSTATE " + e.State
	if e.Message != "" {
		text = fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.State)
	}
	if help := helpFor(e.State); help != "" {
		text += ": " + help
	}
	return text
}

// helpFor returns what to do about an error that the statement did not cause; empty: unknown.
func helpFor(state string) string {
	const again = " and run the command again"
	switch state {
	case "53100":
		return "the server's disk is full: free some space" + again
	case "53200":
		return "the server is out of memory or locks: free memory or raise max_locks_per_transaction," + again
	case "53300":
		return "the server has no free connection: close some or raise max_connections," + again
	case "57P01", "57P02", "57P03":
		return "the server stopped: run the command again when it accepts connections"
	}
	return ""
}

// LockedError reports that other sessions prevented a change of roles.
type LockedError struct {
	Holders []string // process, user and application
	Err     error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf(
		"%v: %s holds the lock: wait until it ends, or terminate it with pg_terminate_backend", e.Err,
		strings.Join(e.Holders, ", "),
	)
}

// Unwrap returns the error that the lock caused.
func (e *LockedError) Unwrap() error { return e.Err }

// BlockedError reports that other sessions lock tables that had to be handed over.
type BlockedError struct {
	Blocked []Unfinished
	Err     error
}

func (e *BlockedError) Error() string {
	var blocked []string
	for _, b := range e.Blocked {
		blocked = append(blocked, fmt.Sprintf("%s (waits for %s)", b.Statement, strings.Join(b.Blockers, "; ")))
	}
	return fmt.Sprintf("%v: %s: wait until these sessions end, or terminate them with pg_terminate_backend, and run the command again",
		e.Err, strings.Join(blocked, ", "))
}

// Unwrap returns the error of the statement that waited.
func (e *BlockedError) Unwrap() error { return e.Err }

// ReservedSchemaError reports that a schema belongs to PostgreSQL or to an extension. No binding gets privileges there.
type ReservedSchemaError struct{ Schema string }

func (e *ReservedSchemaError) Error() string {
	return fmt.Sprintf("schema %q belongs to PostgreSQL or to an extension, and no binding gets privileges there: "+
		"choose another schema with --schema", e.Schema)
}

// VanishedError reports that another run dropped the access role while this run granted privileges to it. The next try creates it again.
type VanishedError struct{ Role string }

func (e *VanishedError) Error() string {
	return fmt.Sprintf("another run dropped role %q: run the command again", e.Role)
}

// Creator is a role, or PUBLIC, that can create objects in a schema.
type Creator struct {
	Schema string `json:"schema"`
	Role   string `json:"role"`
}

func (c Creator) String() string { return fmt.Sprintf("%s in schema %s", c.Role, c.Schema) }

// SharedSchemaError reports that a binding cannot be isolated in a schema because other roles can create objects there.
type SharedSchemaError struct{ Creators []Creator }

func (e *SharedSchemaError) Error() string {
	names := make([]string, len(e.Creators))
	for i, c := range e.Creators {
		names[i] = c.String()
	}
	return fmt.Sprintf(
		"a binding cannot be isolated in a schema in which other roles can create objects, because the application can run them (%s): "+
			"use a separate schema with --schema, or --force",
		strings.Join(names, ", "),
	)
}

// LoginError reports that the role exists but the login with its password failed.
type LoginError struct {
	Message string
	Resets  []string // statements that remove the settings of the former role, which the role has as well
	Full    int      // the role's limit of connections, if the application uses all of them; 0: it does not
}

func (e *LoginError) Error() string {
	text := "the login with the new password failed: " + e.Message
	if e.Full > 0 {
		text += fmt.Sprintf(
			"; the application uses all %d connections of the role, and the verification needs one: close one, or raise --connection-limit",
			e.Full,
		)
	}
	if len(e.Resets) > 0 {
		text += "; the role has the settings of the one that it replaces: if one of them prevents the login, remove it and run the command again: " +
			strings.Join(
				e.Resets,
				"; ",
			)
	}
	return text
}

// UnknownError reports that the connection to a program broke, so that it is unknown whether the program succeeded.
type UnknownError struct{ Err error }

func (e *UnknownError) Error() string { return "the result is unknown: " + e.Err.Error() }

// Unwrap returns the error of the connection.
func (e *UnknownError) Unwrap() error { return e.Err }
