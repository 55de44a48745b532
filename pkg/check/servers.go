package check

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// serverFacts is one database server with its bindings.
type serverFacts struct {
	ref        server.Ref
	location   string             // as in server.Endpoint, or the reference if there are no candidates
	candidates []*server.Endpoint // empty if err is set
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
	var servers []*serverFacts
	for _, ref := range slices.SortedFunc(maps.Keys(byRef), compareRefs) {
		s := c.find(ctx, ref, byRef[ref])
		if ref == scope.Server && !scope.Required && len(s.facts) == 0 && apierrors.IsNotFound(s.err) {
			continue
		}
		same := func(known *serverFacts) bool { return known.location == s.location }
		if i := slices.IndexFunc(servers, same); i >= 0 {
			servers[i].join(s)
			continue
		}
		servers = append(servers, s)
	}
	for _, s := range servers {
		slices.SortStableFunc(s.facts, func(a, b *facts) int { return strings.Compare(a.binding.Marks.DBName, b.binding.Marks.DBName) })
	}
	return servers
}

// compareRefs sorts references, with Pods last: another reference to the same server says more about it.
func compareRefs(a, b server.Ref) int {
	last := func(ref server.Ref) int {
		if ref.Kind == server.KindPod {
			return 1
		}
		return 0
	}
	return cmp.Or(last(a)-last(b), strings.Compare(a.Namespace+"/"+a.String(), b.Namespace+"/"+b.String()))
}

// find finds the server of a reference. A Pod that the metadata names stands for its server, whose primary can be another Pod by now.
func (c *Checker) find(ctx context.Context, ref server.Ref, of []*facts) *serverFacts {
	s := &serverFacts{ref: ref, location: ref.Namespace + "/" + ref.String(), facts: of}
	choice := server.Choice{Container: c.Container}
	if len(of) > 0 {
		choice.Location = of[0].binding.Marks.Location
	}
	if s.candidates, s.err = c.Endpoints.Candidates(ctx, ref, choice); len(s.candidates) > 0 {
		s.location = s.candidates[0].Location
	}
	return s
}

// join adds the bindings and the candidates of another reference to the same server.
func (s *serverFacts) join(other *serverFacts) {
	s.facts = append(s.facts, other.facts...)
	for _, e := range other.candidates {
		known := func(c *server.Endpoint) bool { return c.Pod.Namespace == e.Pod.Namespace && c.Pod.Name == e.Pod.Name }
		if !slices.ContainsFunc(s.candidates, known) {
			s.candidates = append(s.candidates, e)
		}
	}
}

// survey queries the first of the server's Pods that is not a standby, unless the server was not found.
func (c *Checker) survey(ctx context.Context, s *serverFacts) {
	if s.err == nil {
		s.err = postgres.OnPrimary(s.candidates, func(endpoint *server.Endpoint) (err error) {
			s.survey, err = c.Server(endpoint).Survey(ctx, s.questions(endpoint), c.Prove)
			return err
		})
	}
	if errors.Is(s.err, postgres.ErrStandby) && (s.ref.Kind != server.KindPod || len(s.candidates) > 1) {
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
func (s *serverFacts) questions(endpoint *server.Endpoint) []postgres.Question {
	questions := make([]postgres.Question, len(s.facts))
	for i, f := range s.facts {
		questions[i] = postgres.Question{
			Role:       f.binding.Marks.Role,
			Access:     f.binding.AccessRole(),
			Extensions: f.binding.Marks.Extensions,
			Login: postgres.Login{
				Host:         f.credentials.Host,
				HostComplete: true,
				PodIP:        endpoint.PodIP,
				Port:         f.credentials.LoginPort(),
				PodPort:      endpoint.PodPort,
			},
		}
		if f.credentials.Username == f.binding.Marks.Role && !f.expired() {
			questions[i].Login.Password = f.credentials.Password
		}
	}
	return questions
}
