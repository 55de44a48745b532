package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// ErrStandby says that the server is a standby, which takes no writes.
var ErrStandby = errors.New("the server is a standby and takes no writes")

// ErrIncomplete says that the login role is absent, or cannot log in, so that it needs a password set.
var ErrIncomplete = errors.New("the login role is not complete")

// ErrExists says that a role of the name of the one that was to be made was there already.
var ErrExists = errors.New("a role of this name exists already")

// errCut says that the last word of a script is missing.
var errCut = errors.New("ended before it was through, so not all of it is known: run the command again")

// errDown says that no password would help.
var errDown = errors.New("the server takes no connections")

// MissingProgramError says that the container lacks a program.
type MissingProgramError struct {
	Program string
	Where   podexec.Container
	// Unstarted says that the container's runtime is the one that says so: the container may also have ended.
	Unstarted bool
}

func (e *MissingProgramError) Error() string {
	if e.Program == shell {
		return fmt.Sprintf("%s has no shell, which is needed to log in there with the administrator's password: choose another container with --postgres-container", e.Where)
	}
	if e.Unstarted {
		return fmt.Sprintf("%s could not start program %q: if its Pod was being replaced, run the command again, else choose the container that runs PostgreSQL with --postgres-container",
			e.Where, e.Program)
	}
	return fmt.Sprintf("%s has no program %q: choose the container that runs PostgreSQL with --postgres-container", e.Where, e.Program)
}

// AdminLoginError says that the administrator cannot log in. Nothing was done.
type AdminLoginError struct {
	Where   podexec.Container
	Role    string
	Message string // what psql said
	Hint    error  // why no other way was found; nil where none was looked for
	Err     error  // how psql ended
}

func (e *AdminLoginError) Error() string {
	text := fmt.Sprintf("psql in %s cannot log in as %q: %s", e.Where, e.Role, e.Message)
	switch {
	case e.Hint == nil:
		return text
	case errors.Is(e.Hint, errDown):
		return fmt.Sprintf("%s (%v): find the reason with kubectl logs, and run the command again when it is up", text, e.Hint)
	default:
		return fmt.Sprintf("%s (%v): give its password with --admin-password-from, or name another role with --admin-user", text, e.Hint)
	}
}

// Unwrap returns how psql ended.
func (e *AdminLoginError) Unwrap() error { return e.Err }

// SQLError is an error that the server answered.
type SQLError struct {
	State   string // SQLSTATE
	Message string // empty where the statement carried a secret
	OfRoles bool   // it is about a constraint of the catalog of roles
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

// helpFor tells what to do about the trouble of a server that no statement is to blame for; empty where it is not known.
func helpFor(state string) string {
	const again = " and run the command again"
	switch state {
	case "53100":
		return "the server's disk is full: free some space there" + again
	case "53200":
		return "the server has no memory left: free some" + again
	case "53300":
		return "the server has no connection left: end some, or raise max_connections," + again
	case "57P01", "57P02", "57P03":
		return "the server was stopped: run the command again when it is up"
	}
	return ""
}

// LockedError says that other sessions kept roles from being changed.
type LockedError struct {
	Holders []string // process, user and application
	Err     error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%v: %s holds the lock: wait for its end, or end it with pg_terminate_backend", e.Err, strings.Join(e.Holders, ", "))
}

// Unwrap returns the error that the lock led to.
func (e *LockedError) Unwrap() error { return e.Err }

// ForeignRoleError says that a role of the name that a binding needs exists and is not the binding's.
type ForeignRoleError struct {
	Role    string
	Verdict string // why: privileged, administered or foreign
}

func (e *ForeignRoleError) Error() string {
	reason := map[string]string{
		"privileged":   "it has attributes that no binding gives",
		"administered": "another role holds the ADMIN option on it",
	}[e.Verdict]
	if reason == "" {
		reason = "its comment does not carry this binding's mark"
	}
	return fmt.Sprintf("role %q exists and is not this binding's (%s): look at it with \\du+ in psql, and rename or drop it", e.Role, reason)
}

// ReservedSchemaError says that a schema is PostgreSQL's own or an extension's, so that no binding may use it.
type ReservedSchemaError struct{ Schema string }

func (e *ReservedSchemaError) Error() string {
	return fmt.Sprintf("schema %q belongs to PostgreSQL or to an extension, and no binding gets privileges there: name another one with --schema", e.Schema)
}

// VanishedError says that another run dropped an access role while it was granted privileges. Running the same again creates it again.
type VanishedError struct{ Role string }

func (e *VanishedError) Error() string {
	return fmt.Sprintf("another run dropped role %q meanwhile: run the command again", e.Role)
}

// Creator is a role that may create in a schema, or PUBLIC.
type Creator struct {
	Schema string `json:"schema"`
	Role   string `json:"role"`
}

func (c Creator) String() string { return fmt.Sprintf("%s in schema %s", c.Role, c.Schema) }

// SharedSchemaError says that a binding cannot be isolated in a schema, since others may create there.
type SharedSchemaError struct{ Creators []Creator }

func (e *SharedSchemaError) Error() string {
	names := make([]string, len(e.Creators))
	for i, c := range e.Creators {
		names[i] = c.String()
	}
	return fmt.Sprintf("an isolated binding shares no schema in which others may create, since the application runs what they create there (%s): use a schema of its own with --schema, or --force", strings.Join(names, ", "))
}

// LoginError says that the role is ready but a login with its password failed.
type LoginError struct{ Message string }

func (e *LoginError) Error() string { return "the login with the new password failed: " + e.Message }

// UnknownError says that the connection to a program broke: it may have done its work or not.
type UnknownError struct{ Err error }

func (e *UnknownError) Error() string { return "it is not known how it ended: " + e.Err.Error() }

// Unwrap returns what broke the connection.
func (e *UnknownError) Unwrap() error { return e.Err }
