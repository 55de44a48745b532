package check

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// server is one database server with its bindings.
type serverFacts struct {
	ref        server.Ref
	candidates []*server.Database // empty if err is set
	err        error
	facts      []*facts
	survey     *postgres.Survey
}

// findServers groups the bindings by server. Several references can mean the same server, which is then queried once.
func (c *Checker) findServers(ctx context.Context, all []facts, scope Scope) []*serverFacts {
	byRef := map[server.Ref][]*facts{}
	for i := range all {
		b := all[i].binding
		ref, err := server.ParseRef(b.Marks.Postgres, cmp.Or(b.Marks.PostgresNamespace, b.Namespace))
		if err != nil {
			all[i].serverErr = errors.New("the metadata does not name its server")
			continue
		}
		byRef[ref] = append(byRef[ref], &all[i])
	}
	extra := scope.Server != server.Ref{} && scope.Orphans != nil
	if _, asked := byRef[scope.Server]; extra && !asked {
		byRef[scope.Server] = nil
	}
	byLocation := map[string]*serverFacts{}
	for ref, facts := range byRef {
		s := c.find(ctx, ref)
		if ref == scope.Server && !scope.Required && len(facts) == 0 && apierrors.IsNotFound(s.err) {
			continue
		}
		location := ref.Namespace + "/" + ref.String()
		if len(s.candidates) > 0 {
			location = s.candidates[0].Location
		}
		if known, ok := byLocation[location]; ok {
			s = known
		}
		s.facts = append(s.facts, facts...)
		byLocation[location] = s
	}
	return inOrder(byLocation)
}

func inOrder(byLocation map[string]*serverFacts) []*serverFacts {
	var servers []*serverFacts
	for _, s := range byLocation {
		slices.SortFunc(s.facts, func(a, b *facts) int { return strings.Compare(a.binding.Marks.DBName, b.binding.Marks.DBName) })
		servers = append(servers, s)
	}
	slices.SortFunc(servers, func(a, b *serverFacts) int {
		return strings.Compare(a.ref.Namespace+a.ref.String(), b.ref.Namespace+b.ref.String())
	})
	return servers
}

func (c *Checker) find(ctx context.Context, ref server.Ref) *serverFacts {
	candidates, err := c.Databases.Candidates(ctx, ref, server.Choice{Container: c.Container})
	return &serverFacts{ref: ref, candidates: candidates, err: err}
}

// survey queries the first of the server's Pods that is not a standby.
func (c *Checker) survey(ctx context.Context, s *serverFacts) {
	for _, database := range s.candidates {
		s.survey, s.err = c.Server(database).Survey(ctx, s.questions(database), c.Prove)
		if !errors.Is(s.err, postgres.ErrStandby) {
			break
		}
	}
	if errors.Is(s.err, postgres.ErrStandby) && s.ref.Kind != server.KindPod {
		s.err = server.NoPrimary(s.ref, s.err)
	}
	for i, f := range s.facts {
		if s.survey == nil || s.err != nil && !s.survey.Answers[i].Login.Tried {
			f.serverErr = s.err
			continue
		}
		if role, ok := s.survey.Roles[f.binding.Marks.Role]; ok {
			f.role = &role
		}
		f.noDatabase = len(s.survey.Databases) > 0 && !slices.Contains(s.survey.Databases, f.binding.Marks.DBName)
		f.answer, f.trust = s.survey.Answers[i], s.survey.Trust
	}
	s.addLimits()
}

// questions returns a question for each binding of the server. It skips an expired login, which would only add a line to the
// server's log.
func (s *serverFacts) questions(database *server.Database) []postgres.Question {
	questions := make([]postgres.Question, len(s.facts))
	for i, f := range s.facts {
		questions[i] = postgres.Question{Role: f.binding.Marks.Role, Access: f.binding.AccessRole(), Extensions: f.binding.Marks.Extensions, Login: postgres.Login{
			Host: f.credentials.Host, HostComplete: true, PodIP: database.PodIP, Port: f.credentials.LoginPort(), PodPort: database.PodPort,
		}}
		if f.credentials.Username == f.binding.Marks.Role && !f.expired() {
			questions[i].Login.Password = f.credentials.Password
		}
	}
	return questions
}
