//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// datagrams counts the datagrams that the database's Pod has sent: queries to the cluster's DNS, because the server itself sends none from
// version 15 on.
func (f *fixture) datagrams() int {
	f.t.Helper()
	counters := f.run(f.inPod(lesson.DatabasePod, `awk '$1 == "Udp:" { print $5 }' /proc/net/snmp`)).Stdout
	all := lines(counters)
	require.Len(f.t, all, 2, counters)
	require.Equal(f.t, "OutDatagrams", all[0])
	number, err := strconv.Atoi(all[1])
	require.NoError(f.t, err)
	return number
}

func TestApplyLooksTheDatabasesNameUpOnceASession(t *testing.T) {
	t.Parallel()
	const number = 20
	for name, headless := range map[string]bool{"headless": true, "clusterIP": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLesson(t, harness.WithoutClaim)
			if !headless {
				f.kubectl("expose", "pod/"+lesson.DatabasePod, "--name=pg", "--port=5432", "--selector=app=postgresql-a")
			}
			before := f.datagrams()
			result := f.apply(f.bindings(t.TempDir(), f.manyLabelled(number)...))
			assert.Len(t, verbsOf(result, "bound"), number)
			assert.NotContains(t, result.Stderr, "does not answer from the database Pod")
			assert.Equal(t, !headless, strings.HasPrefix(f.login(firstSecret).Host, "pg."))
			asked := f.datagrams() - before
			assert.Positive(t, asked, "the name is part of what is verified")
			assert.Less(t, asked, number)
		})
	}
}

func TestApplyTellsOfEachBindingThatTheNameLeadsNowhere(t *testing.T) {
	t.Parallel()
	const number = 5
	f := newLesson(t, harness.WithoutClaim)
	specs := f.manyLabelled(number)
	for i := range specs {
		specs[i] += ", clusterDomain: nowhere.cluster.local"
	}
	result := f.apply(f.bindings(t.TempDir(), specs...))
	assert.Len(t, verbsOf(result, "bound"), number)
	assert.Equal(
		t, number,
		strings.Count(result.Stderr, "svc.nowhere.cluster.local, which does not answer from the database Pod"),
		result.Stderr,
	)
}
