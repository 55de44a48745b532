package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// Creation is what became of one role that Create was to make; see there.
type Creation struct {
	Made bool
	Outcome
}

// CreateAll is Create for many login roles of one database, in one exec as long as nothing stands in the way. Roles that it does not make are
// made one by one, so that each has its own error, and what is left is done as BindAll does. The answers are in the order of the requests.
func (s *Server) CreateAll(ctx context.Context, requests []Request) []Creation {
	creations := make([]Creation, len(requests))
	if len(requests) == 1 {
		made, result, err := s.Create(ctx, requests[0].Binding, requests[0].Login)
		creations[0] = Creation{made, Outcome{result, err}}
		return creations
	}
	requests = slices.Clone(requests)
	outcomes := make([]Outcome, len(requests))
	b := newBatch(requests, allOf(requests))
	created, err := s.createBatch(ctx, b)
	var left []int
	for i, r := range requests {
		creations[i].Made, outcomes[i].Err = s.creation(ctx, r.Binding.Role, created[i], err)
		if creations[i].Made {
			left = append(left, i)
		}
	}
	if b.session != nil {
		left = b.conclude(ctx, s, outcomes)
		forgetAddresses(requests, left)
	}
	s.bindAll(ctx, requests, left, outcomes)
	for i := range creations {
		creations[i].Outcome = outcomes[i]
	}
	return creations
}

// creation is what became of one of several roles; err is the end of the exec that was to make them.
func (s *Server) creation(ctx context.Context, role string, created bool, err error) (made bool, _ error) {
	if created {
		return true, nil
	}
	var exists bool
	switch {
	case errors.Is(err, errCut):
		exists, err = s.wasMade(ctx, role)
	case !lost(err):
		exists, err = s.CreateUser(ctx, role)
	}
	if err == nil && exists {
		err = ErrExists
	}
	return err == nil, err
}

// lost says that it was the way to the container that failed, not a program in it.
func lost(err error) bool {
	var exit *podexec.ExitError
	var missing *MissingProgramError
	return err != nil && !errors.As(err, &exit) && !errors.As(err, &missing)
}

// createBatch runs createuser in a loop, and psql when all roles are made, and returns the numbers of those that are. The batch has a session
// if psql had one.
func (s *Server) createBatch(ctx context.Context, b *batch) (created map[int]bool, err error) {
	var roles []string
	for _, r := range b.requests {
		roles = append(roles, r.Binding.Role)
	}
	sc, err := b.script()
	if writable := err == nil && !strings.ContainsAny(strings.Join(roles, ""), "\r\n\x00"); !writable {
		return nil, nil // the request that is not says so itself
	}
	p := s.createuserThenPsql("createusers")
	p.stdin = strings.Join(roles, "\n") + "\n\n" + s.input(sc)
	stdout, stderr, err := s.runDrained(ctx, p)
	out, parseErr := parse(stdout)
	out.stderr = stderr
	created, whole := out.created()
	s.wayTold = s.wayTold || len(created) > 0
	switch {
	case err == nil && (!whole || parseErr != nil):
		err = &UnknownError{Err: errors.Join(fmt.Errorf("createuser %w", errCut), parseErr)}
	case whole && len(created) == len(roles) && !unanswered(out, err):
		b.session, b.err = out, err
		b.split()
	}
	return created, err
}

// created is the numbers of the roles that were made; whole says that the loop came to its end.
func (o *output) created() (numbers map[int]bool, whole bool) {
	numbers = map[int]bool{}
	for _, report := range o.reports {
		var loop struct{ Created *[]int }
		if json.Unmarshal(report, &loop) != nil || loop.Created == nil {
			continue
		}
		for _, number := range *loop.Created {
			numbers[number] = true
		}
		return numbers, true
	}
	return numbers, false
}

// createuserThenPsql is createuser and psql, run by a script of the sh folder that is told how many words createuser has.
func (s *Server) createuserThenPsql(by ...string) program {
	p, psql := createuserProgram(), s.psqlProgram()
	p.by = append([]string{"create"}, by...)
	p.told = []string{strconv.Itoa(len(s.command(p)))}
	p.args = append(p.args, s.command(psql)...)
	p.env = append(p.env, psql.env...)
	return p
}
