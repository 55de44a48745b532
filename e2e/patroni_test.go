//go:build e2e && patroni

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestPatroni binds on real Patroni clusters, while their leaders change.
func TestPatroni(t *testing.T) {
	t.Parallel()
	for _, l := range patroniLayouts() {
		t.Run(l.leader, func(t *testing.T) {
			t.Parallel()
			p := startPatroni(t, l)
			for _, test := range []struct {
				name string
				run  func(*patroni)
				on   bool
			}{
				{"commands of the document", (*patroni).testDocument, l.document != ""},
				{"a switchover after a bind", (*patroni).testSwitchover, true},
				{"bindings that name a Pod", (*patroni).testPod, true},
				{"binds after a switchover", (*patroni).testBindsAfterSwitchover, true},
				{"leaders that change during a command", (*patroni).testDisturbed, true},
				{"HAProxy and PgBouncer", (*patroni).testProxies, l.fronted},
				{"no leader", (*patroni).testNoLeader, true},
			} {
				if test.on {
					t.Run(test.name, func(t *testing.T) { test.run(p.in(t)) })
				}
			}
		})
	}
}

// dice returns random numbers from PGBIND_SEED, or from a new seed, and logs the seed.
func (p *patroni) dice() *rand.Rand {
	p.t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("PGBIND_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	p.t.Logf("PGBIND_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // no secret
}

func (p *patroni) testDocument() {
	p.idle("web")
	p.follow(howTo(p.document))
	_, err := p.Kubectl("delete", "deployment", "web").Output(p.ctx)
	require.NoError(p.t, err)
}

// testSwitchover requires that a binding outlives a planned change of the leader.
func (p *patroni) testSwitchover() {
	p.idle("web")
	p.bind("deployment/web", "--postgres=service/"+p.leader, "--dbname="+p.database)
	assert.Equal(p.t, p.host(), p.login(secretOf("web")).Host)
	p.reaches(secretOf("web"))

	former := p.healthy()
	require.NoError(p.t, p.switchover(former))
	assert.NotEqual(p.t, former, p.healthy())

	p.reaches(secretOf("web"))
	assert.Contains(p.t, p.bind("check", "deployment/web").Stdout, "OK")
}

// testPod binds by the name of the leader's Pod, which is a standby afterwards. Each command goes on to the primary,
// and check answers the same each time, one binding named by the Pod and the other one by the Service.
func (p *patroni) testPod() {
	p.idle("by-pod", "too")
	leader := p.healthy()
	bind := func(workload string) []string {
		return []string{"deployment/" + workload, "--postgres=pod/" + leader, "--dbname=" + p.database}
	}
	p.bind(bind("by-pod")...)
	require.NoError(p.t, p.switchover(leader))
	require.NotEqual(p.t, leader, p.healthy())

	var checks sync.WaitGroup
	answers := make([]harness.Result, p.checks)
	for worker := range 4 {
		checks.Go(func() {
			for i := worker; i < len(answers); i += 4 {
				answers[i], _ = p.Pgbind("check").Run(p.ctx)
			}
		})
	}
	checks.Wait()
	for _, answer := range answers {
		assert.Zero(p.t, answer.Code, answer.Stdout+answer.Stderr)
		assert.Equal(p.t, answers[0].Stdout, answer.Stdout)
	}
	refused := p.run(p.Pgbind(bind("too")...))
	assert.Equal(p.t, 1, refused.Code)
	assert.Contains(p.t, refused.Stderr, "standby")
	p.bind(bind("by-pod")...)
	p.bind("rotate", "deployment/by-pod", "--settle=1s")
	p.reaches(secretOf("by-pod"))
	p.bind("unbind", "deployment/by-pod")
	assert.Equal(p.t, "0", p.onPrimary("SELECT count(*) FROM pg_shdescription WHERE description LIKE '%by-pod%'"))
}

// bindsAfterSwitchover is how many workloads each cluster binds in the seconds after a switchover.
const bindsAfterSwitchover = 7

// testBindsAfterSwitchover binds while labels and endpoints may still lead to the former leader.
func (p *patroni) testBindsAfterSwitchover() {
	dice, failed := p.dice(), 0
	for n := range bindsAfterSwitchover {
		workload := fmt.Sprintf("after-%d", n)
		p.idle(workload)
		ref := []string{"service/" + p.leader, "statefulset/" + p.name}[n%2]
		require.NoError(p.t, p.switchover(p.healthy()))
		delay := time.Duration(dice.IntN(3000)) * time.Millisecond
		time.Sleep(delay)

		result := p.run(p.Pgbind("deployment/"+workload, "--postgres="+ref, "--dbname="+p.database))

		p.requireNoPassword(result.Stdout + result.Stderr)
		p.t.Logf("%s, %s after the switchover: exit %d: %s", ref, delay, result.Code, result.Stderr)
		if result.Code != 0 {
			failed++
			p.requireNothing(workload)
			continue
		}
		assert.Equal(p.t, p.host(), p.login(secretOf(workload)).Host)
		p.reaches(secretOf(workload))
	}
	assert.Less(p.t, failed, bindsAfterSwitchover, "one bind at least succeeded")
	p.t.Logf("%d binds, of which %d failed", bindsAfterSwitchover, failed)
}

// requireNothing requires that a failed bind left neither a Secret nor a role.
func (p *patroni) requireNothing(workload string) {
	p.t.Helper()
	assert.NotContains(p.t, p.kubectl("get", "secrets", "--output=name"), secretOf(workload))
	names := p.kubectl("get", "secrets", "--selector=app.kubernetes.io/managed-by=kubectl-pgbind", "--output=name")
	assert.Equal(
		p.t, strconv.Itoa(len(strings.Fields(names))),
		p.onPrimary(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\_%' AND rolcanlogin`),
		"login roles, of which each has a Secret: %s", names,
	)
}

// testNoLeader requires clear errors, and nothing that stays, where no server takes writes.
func (p *patroni) testNoLeader() {
	p.idle("waiting")
	bind := []string{"deployment/waiting", "--postgres=service/" + p.leader, "--dbname=" + p.database}
	leader := p.healthy()
	configure := func(body string) {
		_, err := p.rest(leader, "PATCH", "config", body)
		require.NoError(p.t, err)
	}
	configure(`{"standby_cluster": {"host": "no-such-host", "port": 5432}}`)
	p.eventually("all servers are standbys", func() bool {
		answer, err := p.inSQL(leader, "postgres", "SELECT pg_is_in_recovery()")
		return err == nil && answer == "t"
	})
	result := p.run(p.Pgbind(bind...))
	assert.Equal(p.t, 1, result.Code)
	assert.Contains(p.t, result.Stderr, "has no primary now")
	assert.NotContains(p.t, result.Stderr, "--admin-password-from")
	configure(`{"standby_cluster": null}`)
	p.requireNothing("waiting")
	p.bind(bind...)
	p.reaches(secretOf("waiting"))
}
