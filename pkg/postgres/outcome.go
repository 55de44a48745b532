package postgres

import (
	"errors"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// outcome returns the error that a script reported, or nil if the script ended and the login succeeded.
func (s *Server) outcome(out *output, execErr error, run string) error {
	switch {
	case out.Server != nil && out.Server.Standby:
		return ErrStandby
	case out.Refused != nil:
		return out.Refused.err()
	case out.Shared:
		return &SharedSchemaError{Creators: out.Creators}
	case len(out.Exposed) > 0:
		return &ExposedSchemaError{Creators: out.Exposed}
	case out.Reserved != "":
		return &ReservedSchemaError{Schema: out.Reserved}
	case out.Context != nil:
		return &SettingError{Name: out.Setting, Context: *out.Context}
	case out.Vanished != "":
		return &VanishedError{Role: out.Vanished}
	case len(out.Incomplete) > 0:
		return ErrIncomplete
	case out.Gone != "":
		return &GoneError{Role: out.Gone}
	case out.End == run && out.Login != nil:
		return s.afterEnd(out, execErr)
	case out.Committed && out.Login == nil && execErr != nil:
		return loginError(out, execErr)
	case execErr != nil:
		return s.scriptError(out, execErr)
	}
	return s.cut()
}

// afterEnd evaluates the last step, the login without a password: psql fails if the server requires a password, as it should.
func (s *Server) afterEnd(out *output, execErr error) error {
	switch known := out.Login.Method != "" || out.Trust; {
	case known || exited(execErr):
		return nil
	case execErr == nil:
		return s.cut()
	}
	return &LoginError{Message: fmt.Sprintf("cannot find out whether the server requires the password: %v", execErr)}
}

// verified reports whether the server required the password.
func (o *output) verified() bool { return !o.Trust && o.Login.Method != "trust" }

func loginError(out *output, execErr error) error {
	var exit *podexec.ExitError
	if !errors.As(execErr, &exit) {
		return execErr
	}
	return &LoginError{Message: lastWords(out, exit), Resets: out.Copied, Full: out.Full}
}

// scriptError returns the error of a psql that failed before the login.
func (s *Server) scriptError(out *output, execErr error) error {
	var exit *podexec.ExitError
	var login *AdminLoginError
	if !errors.As(execErr, &exit) || errors.As(execErr, &login) {
		return execErr
	}
	sqlErr := out.sqlError()
	switch {
	case sqlErr != nil && out.Setting != "":
		return &SettingError{Name: out.Setting, Err: sqlErr}
	case sqlErr != nil:
		return fmt.Errorf("psql in %s: %w", s.Container, sqlErr)
	}
	return fmt.Errorf("psql in %s failed: %s", s.Container, lastWords(out, exit))
}

// lastWords returns the last message of psql. If psql was killed, there is none.
func lastWords(out *output, exit *podexec.ExitError) string {
	if last := lastMessage(out.stderr); last != "" {
		return last
	}
	return fmt.Sprintf("it ended with %v and no message: check whether its Pod was stopped, and run the command again", exit)
}
