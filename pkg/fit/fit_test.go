package fit_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// fakeServer refuses statements by level, and records the roles that exist.
type fakeServer struct {
	t       *testing.T
	counted postgres.Counted
	refused map[postgres.Level]string // the text that the level refuses
	fails   error                     // of Explain
	roles   map[string]bool
	access  map[string]bool // access roles
	asked   []string        // the roles of Counted
	levels  []postgres.Level
}

func (f *fakeServer) Counted(_ context.Context, database string, roles []string) (*postgres.Counted, error) {
	assert.Equal(f.t, "shop", database)
	f.asked = roles
	return &f.counted, nil
}

func (f *fakeServer) CreateAll(_ context.Context, requests []postgres.Request) []postgres.Creation {
	require.Len(f.t, requests, 1)
	spec := requests[0].Role
	require.NoError(f.t, postgres.CheckRoleName(spec.Name))
	f.roles[spec.Name] = true
	result := &postgres.Result{}
	if !f.access[spec.Access.Role()] {
		f.access[spec.Access.Role()] = true
		result.Did = []string{"CREATE ROLE " + spec.Access.Role() + " NOLOGIN"}
	}
	return []postgres.Creation{{Made: true, Outcome: postgres.Outcome{Result: result}}}
}

func (f *fakeServer) Explain(_ context.Context, r postgres.Request, texts []string) ([]string, error) {
	require.True(f.t, f.roles[r.Role.Name])
	f.levels = append(f.levels, r.Role.Access.Level)
	states := make([]string, len(texts))
	for i, text := range texts {
		switch states[i] = "00000"; text {
		case f.refused[r.Role.Access.Level]:
			states[i] = postgres.InsufficientPrivilege
		case "COPY t TO STDOUT":
			states[i] = "42601"
		}
	}
	return states, f.fails
}

func (f *fakeServer) Holdings(_ context.Context, roles []postgres.LoginRole) []postgres.Found {
	return []postgres.Found{{Holdings: &postgres.Holdings{Roles: []postgres.RoleDependencies{{Role: roles[0].Name, OID: 7}}}}}
}

func (f *fakeServer) Disable(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return make([]postgres.Change, len(roles))
}

func (f *fakeServer) Sessions(_ context.Context, roles []postgres.LoginRole) []postgres.Count {
	return make([]postgres.Count, len(roles))
}

func (f *fakeServer) EndSessions(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return make([]postgres.Change, len(roles))
}

func (f *fakeServer) Drop(_ context.Context, roles []postgres.HeldRole) []postgres.Change {
	for _, role := range roles {
		delete(f.roles, role.Name)
	}
	return make([]postgres.Change, len(roles))
}

func (f *fakeServer) Purge(_ context.Context, roles []string) []postgres.Purged {
	delete(f.access, roles[0])
	return make([]postgres.Purged, 1)
}

func (f *fakeServer) Candidates(context.Context, server.Ref, server.Choice) ([]*server.Endpoint, error) {
	return []*server.Endpoint{{PodIP: "10.0.0.1", PodPort: 5432}}, nil
}

func run(t *testing.T, f *fakeServer, spec v1alpha1.BindingSpec) (fit.Fit, error) {
	t.Helper()
	f.t, f.roles = t, map[string]bool{}
	if f.access == nil {
		f.access = map[string]bool{}
	}
	spec.Workload, spec.Postgres, spec.DBName, spec.Schemas = "deployment.apps/web", "pod/pg-0", "shop", []string{"public"}
	streams := genericiooptions.IOStreams{Out: io.Discard, ErrOut: io.Discard}
	fitter := &fit.Fitter{
		Endpoints: f,
		Report:    printers.NewReport(streams, ""),
		Server:    func(*server.Endpoint, string) fit.Server { return f },
	}
	b := inventory.Entry{
		Namespace:  "ns",
		SecretName: "web",
		Marks:      secret.Marks{BindingSpec: spec, BindingStatus: v1alpha1.BindingStatus{ID: "abc", Role: "pgb_abc_1"}},
	}
	fits, err := fitter.Fit(t.Context(), []inventory.Entry{b})
	assert.Empty(t, f.roles, "no temporary role is left")
	if err != nil {
		return fit.Fit{}, err
	}
	return fits[0], nil
}

func counted(texts ...string) postgres.Counted {
	c := postgres.Counted{Schema: "public", Since: time.Unix(1000, 0)}
	for _, text := range texts {
		c.Statements = append(c.Statements, postgres.Statement{Text: text})
	}
	return c
}

func TestFit_FindsTheNarrowestLevelThatIsEnough(t *testing.T) {
	insert := "INSERT INTO t VALUES ($1)"
	for name, test := range map[string]struct {
		access          string
		server          *fakeServer
		enough          postgres.Level
		judged, skipped int
		reason          string
		tried           []postgres.Level
	}{
		"reads": {"all", &fakeServer{counted: counted("SELECT 1", "BEGIN")}, postgres.ReadOnly, 2, 0, "", []postgres.Level{postgres.ReadOnly}},
		"writes": {
			"all", &fakeServer{counted: counted(insert), refused: map[postgres.Level]string{postgres.ReadOnly: insert}},
			postgres.ReadWrite, 1, 0, "readonly is not enough for: " + insert, []postgres.Level{postgres.ReadOnly, postgres.ReadWrite},
		},
		"needs what it has": {
			"readwrite", &fakeServer{counted: counted(insert), refused: map[postgres.Level]string{postgres.ReadOnly: insert}},
			postgres.ReadWrite, 1, 0, "readonly is not enough for: " + insert, []postgres.Level{postgres.ReadOnly},
		},
		"owns":         {"all", &fakeServer{counted: counted("create  table t (id int)", "SELECT 1")}, postgres.All, 2, 0, "needs the owner: create table t (id int)", nil},
		"cannot tell":  {"all", &fakeServer{counted: counted("COPY t TO STDOUT", "SELECT 1")}, postgres.ReadOnly, 1, 1, "", []postgres.Level{postgres.ReadOnly}},
		"counts not":   {"all", &fakeServer{}, "", 0, 0, "CREATE EXTENSION pg_stat_statements in database shop", nil},
		"did nothing":  {"all", &fakeServer{counted: counted()}, "", 0, 0, "counted no statement", nil},
		"is narrowest": {"readonly", &fakeServer{counted: counted("SELECT 1")}, postgres.ReadOnly, 0, 0, "no level is narrower", nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := run(t, test.server, v1alpha1.BindingSpec{Access: test.access})
			require.NoError(t, err)
			assert.Equal(t, test.enough, found.Enough)
			assert.Equal(t, []int{test.judged, test.skipped}, []int{found.Judged, found.Skipped})
			assert.Contains(t, found.Reason, test.reason)
			assert.Equal(t, test.tried, test.server.levels)
			assert.Empty(t, test.server.access, "no access role is left")
		})
	}
}

func TestFit_IsolatedBinding(t *testing.T) {
	f := &fakeServer{counted: counted("SELECT 1")}
	found, err := run(t, f, v1alpha1.BindingSpec{Access: "all", Isolated: true})
	require.NoError(t, err)
	assert.Empty(t, found.Enough)
	assert.Contains(t, found.Reason, "isolated")
	assert.Nil(t, f.asked)
}

func TestFit_KeepsAnAccessRoleThatWasThere(t *testing.T) {
	access := postgres.Access{Database: "shop", Schemas: []string{"public"}, Level: postgres.ReadOnly}
	f := &fakeServer{counted: counted("SELECT 1"), access: map[string]bool{access.Role(): true}}
	_, err := run(t, f, v1alpha1.BindingSpec{Access: "all"})
	require.NoError(t, err)
	assert.True(t, f.access[access.Role()])
	all := access
	all.Level = postgres.All
	assert.Equal(t, []string{"pgb_abc_1", all.Role()}, f.asked, "the sessions of level all act as the access role")
}

func TestFit_DropsTheRoleAfterAnError(t *testing.T) {
	f := &fakeServer{counted: counted("SELECT 1"), fails: errors.New("broken")}
	_, err := run(t, f, v1alpha1.BindingSpec{Access: "all"})
	require.ErrorContains(t, err, "deployment.apps/web in namespace ns: plan statements as role")
	require.ErrorContains(t, err, "broken")
}
