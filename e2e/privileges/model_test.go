//go:build e2e

package privileges

import (
	"testing"
)

// TestModel compares what the bindings of a generated database can use with the table of levels, in both directions and in each state of
// a binding.
func TestModel(t *testing.T) {
	t.Parallel()
	for _, version := range versions(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			testModel(newGenerated(t, version))
		})
	}
}

func testModel(g *generated) {
	both := []string{"shop", oddSchema}
	first := &bound{name: "first", level: "all", schemas: []string{"shop"}}
	alone := &bound{name: "alone", level: "all", schemas: []string{"shop"}, alone: true}
	second := &bound{name: "second", level: "all", schemas: []string{oddSchema}}
	var ours []*bound
	for _, level := range levels() {
		ours = append(ours, &bound{name: level, level: level, schemas: both})
	}
	for _, b := range append([]*bound{first, alone, second}, ours...) {
		g.idle(b.name)
	}
	for _, b := range []*bound{first, alone} {
		g.bind(b)
		g.all = append(g.all, b)
	}
	g.creates(first, g.fill("shop", `t1"`, "objects"))
	g.creates(alone, g.fill("shop", `i1"`, "objects"))
	before := g.grants()
	for _, b := range ours {
		g.bind(b)
	}
	g.all = append(g.all, ours...)
	g.state("Bound", ours, thorough)
	g.state("Bound", []*bound{first}, sampled)
	g.control(ours[0])
	g.more(first, alone, second, ours)
	g.state("More", append(ours, first), later)

	for _, b := range append(ours, first) {
		g.bind(b)
	}
	g.covered = true
	g.state("Again", ours, light)
	g.admin(modelDatabase, "SET ROLE newcomer;"+g.fill("shop", "later still", "objects"))
	for _, b := range ours {
		g.pgbind("rotate", "deployment/"+b.name)
		g.read(b)
	}
	g.state("Rotated", ours, light)
	g.narrow(ours[2])
	g.unbind(ours)
	for i, b := range ours {
		b.level = levels()[i]
		b.login.Username = ""
		g.bind(b)
	}
	g.state("NewBind", ours, sampled)
	g.leave(ours, second, before)
}

// more creates more objects of each owner, some of them of roles that own nothing yet.
func (g *generated) more(first, alone, second *bound, ours []*bound) {
	g.t.Helper()
	g.bind(second)
	g.all = append(g.all, second)
	g.creates(second, g.fill(oddSchema, laterPrefix+"t2", "objects"))
	g.creates(first, g.fill("shop", laterPrefix+"t1", "objects"))
	g.creates(alone, g.fill("shop", laterPrefix+"i1", "objects"))
	g.creates(ours[2], g.fill("shop", laterPrefix+"own", "objects")+`CREATE SCHEMA "app's own";`+g.fill("app's own", "own", "objects"))
	g.admin(modelDatabase, g.fill("shop", laterPrefix+`su"`, "objects", "super"))
	for _, role := range []string{"model super", ownerRole, "newcomer"} {
		g.admin(modelDatabase, "SET ROLE "+quoted(role)+";"+g.fill("shop", laterPrefix+role, "objects"))
	}
}

// state compares all that the bindings can use with the model.
func (g *generated) state(name string, bindings []*bound, of extent) {
	for _, b := range bindings {
		g.t.Run(name+"/"+b.name, func(t *testing.T) {
			total, g := g.tried, g.in(t)
			g.tried = &totals{}
			facts := g.facts(b)
			m := g.model(b, facts["matrix"])
			g.expectMatrix(m, b, of == later)
			g.expectRoles(b, facts)
			g.expectDefaults(b, m, facts["defaults"])
			g.expectInformation(b, m)
			g.expectAttempts(b, m, of)
			total.add(*g.tried)
			t.Logf("%s, PostgreSQL %s, level %s: %d objects, %d privileges, %d attempts", name, g.version, b.level, g.tried.objects,
				g.tried.privileges, g.tried.attempts)
		})
	}
}
