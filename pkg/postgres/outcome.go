package postgres

import (
	"errors"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// outcome turns what a script reported into an error, or nil if it came to its end and the login was made.
func (s *Server) outcome(out *output, execErr error, run string) error {
	switch {
	case out.Server != nil && out.Server.Standby:
		return ErrStandby
	case out.Refused != nil:
		return &ForeignRoleError{Role: out.Refused.Role, Verdict: out.Refused.Verdict}
	case out.Shared:
		return &SharedSchemaError{Creators: out.Creators}
	case out.Reserved != "":
		return &ReservedSchemaError{Schema: out.Reserved}
	case out.Vanished != "":
		return &VanishedError{Role: out.Vanished}
	case out.Incomplete != "":
		return ErrIncomplete
	case out.End == run && out.Login != nil:
		return s.afterEnd(out, execErr)
	case out.Committed && out.Login == nil && execErr != nil:
		return loginError(out, execErr)
	case execErr != nil:
		return s.scriptError(out, execErr)
	}
	return s.cut()
}

// afterEnd judges the login without a password that is tried last: psql ends with an error where the server asks for one, as it should.
func (s *Server) afterEnd(out *output, execErr error) error {
	switch known := out.Login.Method != "" || out.Trust; {
	case known || exited(execErr):
		return nil
	case execErr == nil:
		return s.cut()
	}
	return &LoginError{Message: fmt.Sprintf("it could not be found out whether the server asks for the password: %v", execErr)}
}

// verified says that the server asked for the password.
func (o *output) verified() bool { return !o.Trust && o.Login.Method != "trust" }

func loginError(out *output, execErr error) error {
	var exit *podexec.ExitError
	if !errors.As(execErr, &exit) {
		return execErr
	}
	return &LoginError{Message: lastWords(out, exit)}
}

// scriptError explains a psql that failed before the login.
func (s *Server) scriptError(out *output, execErr error) error {
	var exit *podexec.ExitError
	var login *AdminLoginError
	if !errors.As(execErr, &exit) || errors.As(execErr, &login) {
		return execErr
	}
	if sqlErr := out.sqlError(); sqlErr != nil {
		return fmt.Errorf("psql in %s: %w", s.Container, sqlErr)
	}
	return fmt.Errorf("psql in %s failed: %s", s.Container, lastWords(out, exit))
}

// lastWords is what psql said of its end. One that was killed says nothing.
func lastWords(out *output, exit *podexec.ExitError) string {
	if said := lastMessage(out.stderr); said != "" {
		return said
	}
	return fmt.Sprintf("it ended with %v and told nothing: see whether its Pod was stopped, and run the command again", exit)
}
