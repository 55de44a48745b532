//go:build e2e && patroni

package e2e

import (
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// change is how the leader changes during a command.
type change struct {
	name string
	do   func(p *patroni, leader string) error
	lose bool // asynchronous replication may lose the last commits
}

// disturbed is a command during which the leader changes.
type disturbed struct {
	name    string
	command func(workload string) []string
	stdin   func(p *patroni, workload string) string
	bound   bool // the workload is bound before
	leaves  bool // a binding
}

func (p *patroni) disturbedCommands() []disturbed {
	nothing := func(*patroni, string) string { return "" }
	return []disturbed{
		{"bind", p.binding, nothing, false, true},
		{"rotate", rotation, nothing, true, true},
		{"unbind", unbinding, nothing, true, false},
		{"check", func(workload string) []string { return []string{"check", "deployment/" + workload} }, nothing, true, true},
		{"apply", func(string) []string { return []string{"apply", "--filename=-", "--wait=false"} }, (*patroni).file, false, true},
	}
}

func (p *patroni) binding(workload string) []string {
	return []string{"deployment/" + workload, "--postgres=statefulset/" + p.name, "--dbname=" + p.database}
}

// file is a file with one binding.
func (p *patroni) file(workload string) string {
	return "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/" + workload + ", postgres: statefulset/" + p.name + ", dbname: " + p.database + "}\n"
}

// testDisturbed changes the leader in the middle of each command: with a switchover, and by killing the server.
func (p *patroni) testDisturbed() {
	dice, failed, lost := p.dice(), 0, 0
	p.idle("measured")
	started := time.Now()
	p.bind(p.binding("measured")...)
	usual := time.Since(started)
	changes := []change{
		{"switchover", (*patroni).switchover, false},
		{"kill", (*patroni).kill, !p.sync},
	}
	for _, c := range changes {
		for _, d := range p.disturbedCommands() {
			workload := d.name + "-" + c.name
			p.idle(workload)
			if d.bound {
				p.bind(p.binding(workload)...)
			}
			leader := p.healthy()
			delay := time.Duration(dice.Float64() * float64(usual))
			changed := make(chan error, 1)
			go func() {
				time.Sleep(delay)
				changed <- c.do(p, leader)
			}()

			result := p.run(p.Pgbind(d.command(workload)...).Stdin(d.stdin(p, workload)))

			require.NoError(p.t, <-changed, "the change of the leader itself")
			assert.NotEqual(p.t, leader, p.healthy(), "another leader")
			p.t.Logf("%s %s after %s: exit %d: %s", d.name, c.name, delay.Round(time.Millisecond), result.Code, result.Stderr)
			p.requireNoPassword(result.Stdout + result.Stderr)
			if result.Code != 0 {
				failed++
				p.clearly(workload, result)
				result = p.run(p.Pgbind(d.command(workload)...).Stdin(d.stdin(p, workload)))
				require.Zero(p.t, result.Code, "the second run: %s%s", result.Stdout, result.Stderr)
			}
			if c.lose && p.repaired(workload, d) {
				lost++
			}
			p.complete(workload, d, result)
		}
	}
	p.t.Logf(
		"%d commands, of which %d failed and %d lost what an asynchronous standby did not have; each took about %s",
		2*len(p.disturbedCommands()), failed, lost, usual,
	)
}

// clearly requires that an error says what it is about.
func (p *patroni) clearly(workload string, result harness.Result) {
	p.t.Helper()
	text := result.Stderr + result.Stdout
	assert.Regexp(
		p.t,
		`(error: |Unknown|LoginFailed|NoRole).*(`+workload+`|`+p.Name+`|`+p.name+`-\d)`,
		strings.ReplaceAll(text, "\n", " "),
		"names an object",
	)
	assert.NotRegexp(p.t, goDump, text)
}

// repaired binds again if the failover lost the role, and returns whether it did. Check must have found that.
func (p *patroni) repaired(workload string, d disturbed) bool {
	p.t.Helper()
	if !d.leaves || p.hasRole(workload) {
		return false
	}
	result := p.run(p.Pgbind("check", "deployment/"+workload))
	assert.Equal(p.t, 1, result.Code)
	assert.Contains(p.t, result.Stdout, "does not exist")
	p.bind(p.binding(workload)...)
	return true
}

// hasRole reports whether the primary has the login role of the workload's Secret.
func (p *patroni) hasRole(workload string) bool {
	p.t.Helper()
	return p.onPrimary("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname = '"+p.login(secretOf(workload)).Username+"'") == "1"
}

// complete requires what the command promised: a login that works at the right host, or nothing of the binding.
func (p *patroni) complete(workload string, d disturbed, result harness.Result) {
	p.t.Helper()
	if !d.leaves {
		assert.NotContains(p.t, p.kubectl("get", "secrets", "--output=name"), secretOf(workload)+"\n")
		return
	}
	if p.sync && !strings.Contains(result.Stderr, "is not on a synchronous standby yet") {
		assert.True(p.t, p.hasRole(workload), "a role that was reported as bound outlives the failover")
	}
	assert.Equal(p.t, p.host(), p.login(secretOf(workload)).Host)
	p.reaches(secretOf(workload))
	check := p.run(p.Pgbind("check", "deployment/"+workload))
	assert.Zero(p.t, check.Code, "check: %s%s", check.Stdout, check.Stderr)
}
