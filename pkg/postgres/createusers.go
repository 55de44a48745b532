package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// Creation is what became of one login role; see CreateUser.
type Creation struct {
	Exists bool
	Err    error
}

// CreateUsers is CreateUser for many roles, in one exec as long as nothing stands in the way. Roles for which that fails are made one by one, so that each
// has its own error. The answers are in the order of the roles.
func (s *Server) CreateUsers(ctx context.Context, roles []string) []Creation {
	creations := make([]Creation, len(roles))
	var created map[int]bool
	var err error
	if len(roles) > 1 && !strings.ContainsAny(strings.Join(roles, ""), "\r\n\x00") {
		created, err = s.createusers(ctx, roles)
	}
	for i, role := range roles {
		switch {
		case created[i]:
		case errors.Is(err, errCut):
			creations[i].Exists, creations[i].Err = s.wasMade(ctx, role)
		case lost(err):
			creations[i].Err = err
		default:
			creations[i].Exists, creations[i].Err = s.CreateUser(ctx, role)
		}
	}
	return creations
}

// lost says that it was the way to the container that failed, not a program in it.
func lost(err error) bool {
	var exit *podexec.ExitError
	var missing *MissingProgramError
	return err != nil && !errors.As(err, &exit) && !errors.As(err, &missing)
}

// createusers runs createuser in a loop and returns the numbers of the roles that it made.
func (s *Server) createusers(ctx context.Context, roles []string) (map[int]bool, error) {
	loop, err := shellFiles.ReadFile("sh/createusers.sh")
	if err != nil {
		return nil, fmt.Errorf("read the script that makes several roles: %w", err)
	}
	p := createuserProgram()
	p.by, p.stdin = []string{shell, "-c", string(loop), shell}, strings.Join(roles, "\n")+"\n"
	stdout, _, err := s.run(ctx, p)
	created := map[int]bool{}
	whole, parseErr := parseCreated(stdout, created)
	if err == nil && !whole {
		err = &UnknownError{Err: errors.Join(fmt.Errorf("createuser %w", errCut), parseErr)}
	}
	s.wayTold = s.wayTold || len(created) > 0
	return created, err
}

// parseCreated reads the numbers of the roles that were made; whole says that the loop came to its end.
func parseCreated(stdout *bytes.Buffer, created map[int]bool) (whole bool, err error) {
	out, err := parse(stdout)
	for _, report := range out.reports {
		if number, ok := numberOf(report, "created"); ok {
			created[number] = true
		}
	}
	return out.End == "createusers", err
}
