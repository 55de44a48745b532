//go:build e2e

package privileges

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// narrow changes a binding from level "all" to narrower levels, one after the other. Its application defined default privileges for its
// login.
func (g *generated) narrow(b *bound) {
	g.t.Helper()
	g.creates(b, `SET ROLE NONE; ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT ALL ON TABLES TO PUBLIC;
		ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT ALL ON SEQUENCES TO newcomer; ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO newcomer`)
	for _, level := range []string{"readwrite", "readonly"} {
		g.all = append(g.all, &bound{access: b.access, login: b.login}) // its objects belong to its former access role
		b.level = level
		g.bind(b)
		g.state("Narrowed", []*bound{b}, light)
		g.t.Run("Narrowed/"+level+"/OwnName", func(t *testing.T) {
			own := g.in(t).admin(modelDatabase,
				"SELECT pg_describe_object('pg_default_acl'::regclass, d.oid, 0) FROM pg_default_acl d WHERE d.defaclrole = "+
					literal(b.login.Username)+"::regrole")
			assert.Empty(t, own, "default privileges that the login prepared in its own name")
		})
	}
}

// unbind removes the bindings. Nothing of their logins may be left.
func (g *generated) unbind(bindings []*bound, args ...string) {
	g.t.Helper()
	for _, b := range bindings {
		g.pgbind(append([]string{"unbind", "deployment/" + b.name, "--grace=0s"}, args...)...)
		g.former[b.login.Username] = true
	}
	require.Greater(g.t, len(g.former), len(bindings), "logins before a rotation, and the last ones")
	var list []string
	for login := range g.former {
		list = append(list, literal(login))
	}
	g.t.Run("Unbound", func(t *testing.T) {
		left := g.in(t).admin(modelDatabase, "SELECT rolname FROM pg_roles WHERE rolname IN ("+strings.Join(list, ", ")+")")
		assert.Empty(t, left, "login roles that are left")
	})
}

// grant is one privilege of a role.
type grant struct {
	object, privilege, grantee, grantor string
}

func (g *generated) grants() map[grant]bool {
	g.t.Helper()
	found := map[grant]bool{}
	for row := range strings.Lines(g.admin(modelDatabase, script(g.t, "grants"))) {
		var f []string
		require.NoError(g.t, json.Unmarshal([]byte(row), &f), row)
		found[grant{f[0], f[1], f[2], f[3]}] = true
	}
	return found
}

// leave unbinds with --purge. Each object that was there before the binds has the privileges again that it had then, but for those of the
// binding that stays.
func (g *generated) leave(bindings []*bound, stays *bound, before map[grant]bool) {
	g.t.Helper()
	var roles []string
	for _, b := range bindings {
		roles = append(roles, literal(b.access), literal(b.login.Username))
		if b.level == "all" { // an access role that owns something stays
			g.admin(modelDatabase, "REASSIGN OWNED BY "+quoted(b.access)+" TO "+quoted(ownerRole))
		}
	}
	g.unbind(bindings, "--purge")
	g.t.Run("Gone", func(t *testing.T) {
		g := g.in(t)
		assert.Empty(t, g.admin(modelDatabase, "SELECT rolname FROM pg_roles WHERE rolname IN ("+strings.Join(roles, ", ")+")"),
			"roles that are left")
		after := g.grants()
		known := map[string]bool{}
		for held := range before {
			known[held.object] = true
		}
		var differ []string
		for held := range after {
			if !before[held] && known[held.object] && held.grantee != stays.access {
				differ = append(differ, fmt.Sprintf("left: %+v", held))
			}
		}
		for held := range before {
			if !after[held] {
				differ = append(differ, fmt.Sprintf("lost: %+v", held))
			}
		}
		slices.Sort(differ)
		require.Greater(t, len(before), 3000, "privileges before the binds")
		expectNone(t, "privileges after unbind --purge", differ)
		t.Logf("Gone, PostgreSQL %s: %d privileges as before", g.version, len(before))
	})
}
