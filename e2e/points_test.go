//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"sync"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
)

// naming gives the exchanges of a run the same names in every run of the command: without the names of the namespace and of the workloads.
// Equal exchanges get numbers, because the order of two workloads varies.
type naming struct {
	names *strings.Replacer
	mu    sync.Mutex
	seen  map[string]int
}

func (m *matrix) naming(workload string) *naming {
	return &naming{names: strings.NewReplacer("/namespaces/"+m.Name, "", workload+second, "NAME", workload, "NAME"), seen: map[string]int{}}
}

// point returns the name of the next exchange.
func (n *naming) point(e faultproxy.Exchange) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	named := faultproxy.Exchange{Request: n.names.Replace(e.Request)}
	n.seen[named.Request]++
	named.Nth = n.seen[named.Request]
	return named.String()
}

// points returns the exchanges that two undisturbed runs have in common, in the order of the first. Others are repetitions, because a
// controller wrote to the workload meanwhile.
func (m *matrix) points(first, other *trial) []faultproxy.Exchange {
	m.t.Helper()
	points, others := m.undisturbed(first), m.undisturbed(other)
	common := slices.DeleteFunc(slices.Clone(points), func(e faultproxy.Exchange) bool {
		return !slices.ContainsFunc(others, func(o faultproxy.Exchange) bool { return o.Request == e.Request })
	})
	m.t.Logf("%s: %d requests in both of two undisturbed runs; left out are %d of the first and %d of the second",
		m.name, len(common), len(points)-len(common), len(others)-len(common))
	return common
}
