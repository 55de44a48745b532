package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Creation is the result for one role of CreateAll.
type Creation struct {
	Made bool // CreateAll created the role; after an *UnknownError it may have
	Outcome
}

// CreateAll creates login roles of one database, without login and password, and completes them as BindAll does, all in one exec as long as
// nothing stands in the way. The errors are those of Bind, and ErrExists if a role of this name was there: whose it is, Bind finds out. The
// answers are in the order of the requests.
func (s *Server) CreateAll(ctx context.Context, requests []Request) []Creation {
	creations := make([]Creation, len(requests))
	requests = slices.Clone(requests)
	outcomes := make([]Outcome, len(requests))
	b := newBatch(requests, upTo(len(requests)))
	created, err := s.createBatch(ctx, b)
	var left []int
	for i, r := range requests {
		creations[i].Made, outcomes[i].Err = s.creation(ctx, r.Role.Name, created[i], err)
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

// creation finds out whether the exec that ended with err created a role. If the end of the exec is unknown, a role
// that exists counts as created by it. A role that does not exist is created alone, so that its error is not mixed with
// those of others.
func (s *Server) creation(ctx context.Context, role string, created bool, err error) (made bool, _ error) {
	cut := errors.Is(err, errCut)
	switch {
	case created:
		return true, nil
	case lost(err) && !cut:
		return false, err
	case s.shellless: // nothing has run yet
		err = s.createRole(ctx, role)
		return err == nil, err
	}
	switch facts, err := s.inspect(ctx, role); {
	case err != nil && cut:
		return false, &UnknownError{Err: err}
	case err != nil:
		return false, err
	case facts.Found.Role && cut:
		return true, nil
	case facts.Found.Role:
		return false, ErrExists
	}
	err = s.createRole(ctx, role)
	return err == nil, err
}

// createRole creates one role, in an exec of its own. The error is ErrExists if a role of this name exists.
func (s *Server) createRole(ctx context.Context, role string) error {
	before := s.auth
	_, stderr, err := s.run(ctx, program{name: "createuser", args: append(strings.Fields(createuserOptions), "--", role)})
	s.loginWorked = s.loginWorked || err == nil
	if !exited(err) {
		return err
	}
	facts, err := s.inspect(ctx, role)
	switch {
	case err != nil:
		return err
	case facts.Found.Role:
		return ErrExists
	case !facts.Found.CreatesRole:
		return fmt.Errorf("role %q may not create roles: name one that may with --admin-user", s.User)
	case s.auth != before:
		// psql could log in, and createuser could not.
		return s.createRole(ctx, role)
	}
	err = fmt.Errorf("createuser failed: %s", lastMessage(stderr))
	if len(facts.Holders) > 0 {
		return &LockedError{Holders: facts.Holders, Err: err}
	}
	if facts.Server != nil && facts.Server.Superuser {
		return err
	}
	return s.createPlainRole(ctx, role, err)
}

// createPlainRole creates a role that createuser could not create, without naming attributes.
func (s *Server) createPlainRole(ctx context.Context, role string, failure error) error {
	_, err := s.reportOnce(ctx, new(script).set("role", role, "run", scriptRun).run("begin_session", "create_role", "end"))
	if unknown := (*UnknownError)(nil); err == nil || errors.As(err, &unknown) || errors.Is(err, errCut) {
		return err
	}
	return fmt.Errorf("%w: choose another administrator with --admin-user", failure)
}

// lost says that it was the way to the container that failed, not a program in it.
func lost(err error) bool {
	var missing *MissingProgramError
	return err != nil && !exited(err) && !errors.As(err, &missing)
}

// createBatch runs createuser for each role, and then psql if all were created, and returns the numbers of those that were. The batch has a
// session if psql had one.
func (s *Server) createBatch(ctx context.Context, b *batch) (created map[int]bool, err error) {
	var roles []string
	for _, r := range b.requests {
		roles = append(roles, r.Role.Name)
	}
	sc, err := b.script()
	if writable := err == nil && !strings.ContainsAny(strings.Join(roles, ""), "\r\n\x00"); !writable {
		return nil, nil // the request that is not says so itself
	}
	input := strings.Join(roles, "\n") + "\n\n" + s.input(sc)
	stdout, stderr, err := s.runPSQL(ctx, []string{"createusers"}, []string{s.User, createuserOptions}, input)
	out, parseErr := parse(stdout)
	out.stderr = stderr
	created, whole := out.created()
	s.loginWorked = s.loginWorked || out.Server != nil
	switch {
	case err == nil && (!whole || parseErr != nil):
		err = &UnknownError{Err: errors.Join(fmt.Errorf("createuser %w", errCut), parseErr)}
	case whole && len(created) == len(roles) && !unanswered(out, err):
		b.session, b.err = out, err
		b.split()
	}
	return created, err
}

// created is the numbers of the roles that were created; whole says that the loop came to its end.
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
