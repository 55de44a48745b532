package harden

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// fakeServer has the privileges of PUBLIC until they are revoked.
type fakeServer struct {
	standby    bool
	grants     []postgres.PublicGrant
	unread     map[string]error
	unfinished []postgres.Unfinished
	stays      bool // a REVOKE has no effect

	revoked []postgres.PublicGrant
	asked   []string
}

func (f *fakeServer) Databases(context.Context) (*postgres.Contents, error) {
	return &postgres.Contents{Standby: f.standby, Databases: []string{"postgres", "shop"}}, nil
}

func (f *fakeServer) PublicGrants(_ context.Context, databases []string) ([]postgres.PublicGrant, map[string]error, error) {
	f.asked = databases
	return f.grants, f.unread, nil
}

func (f *fakeServer) RevokePublic(_ context.Context, grants []postgres.PublicGrant) ([]string, []postgres.Unfinished, error) {
	f.revoked = grants
	if !f.stays {
		f.grants = nil
	}
	return []string{"REVOKE"}, f.unfinished, nil
}

var (
	onShop     = postgres.PublicGrant{What: "CONNECT on database shop", Close: "a", May: true, Database: "shop", In: "postgres"}
	onPostgres = postgres.PublicGrant{What: "CONNECT on database postgres", Close: "b", May: false, Database: "postgres", In: "postgres"}
	onSchema   = postgres.PublicGrant{What: "CREATE on schema public", Close: "c", May: true, In: "shop"}
)

func plan(t *testing.T, database string, servers ...*fakeServer) (*Hardener, *Plan, string, error) {
	t.Helper()
	streams, _, _, errOut := genericiooptions.NewTestIOStreams()
	candidates := make([]*server.Endpoint, len(servers))
	next := 0
	h := &Hardener{Report: printers.NewReport(streams, ""), Server: func(*server.Endpoint) Server {
		next++
		return servers[next-1]
	}}
	p, err := h.Plan(t.Context(), candidates, database)
	return h, p, errOut.String(), err
}

func TestPlan_ListsWhatTheAdministratorCanRevoke(t *testing.T) {
	primary := &fakeServer{
		grants: []postgres.PublicGrant{onShop, onPostgres, onSchema},
		unread: map[string]error{"closed": errors.New("refused")},
	}
	_, p, warnings, err := plan(t, "", &fakeServer{standby: true}, primary)
	require.NoError(t, err)
	assert.Equal(t, []postgres.PublicGrant{onShop, onSchema}, p.Grants)
	assert.Equal(t, []postgres.PublicGrant{onPostgres}, p.Kept)
	assert.Equal(t, []string{"postgres", "shop"}, primary.asked)
	assert.Contains(t, warnings, `skipping database "closed": refused`)
	assert.Empty(t, primary.revoked)

	_, p, _, err = plan(t, "shop", primary)
	require.NoError(t, err)
	assert.Equal(t, []postgres.PublicGrant{onShop, onSchema}, p.Grants)
	assert.Empty(t, p.Kept, "a privilege on another database is not its business")
	assert.Equal(t, []string{"shop"}, primary.asked)

	_, _, _, err = plan(t, "absent", primary)
	require.ErrorContains(t, err, `database "absent" does not exist`)
	_, _, _, err = plan(t, "", &fakeServer{standby: true})
	require.ErrorIs(t, err, postgres.ErrStandby)
}

func TestRevoke_VerifiesWhatItDid(t *testing.T) {
	s := &fakeServer{grants: []postgres.PublicGrant{onShop, onPostgres}}
	h, p, _, err := plan(t, "", s)
	require.NoError(t, err)
	require.NoError(t, h.Revoke(t.Context(), p))
	assert.Equal(t, []postgres.PublicGrant{onShop}, s.revoked)

	s = &fakeServer{grants: []postgres.PublicGrant{onShop}, stays: true}
	h, p, _, err = plan(t, "", s)
	require.NoError(t, err)
	require.ErrorContains(t, h.Revoke(t.Context(), p), "PUBLIC still has CONNECT on database shop")

	s = &fakeServer{grants: []postgres.PublicGrant{onShop}, unfinished: []postgres.Unfinished{{Statement: "REVOKE x"}}}
	h, p, _, err = plan(t, "", s)
	require.NoError(t, err)
	require.ErrorContains(t, h.Revoke(t.Context(), p), "run the same command again")
}
