//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"sync"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
)

// naming calls the exchanges of one run as those of every run of the command are called: without the names of the namespace and of the
// workloads, and equal ones numbered as they come. It is not always the same one of two workloads that comes first.
type naming struct {
	names *strings.Replacer
	mu    sync.Mutex
	seen  map[string]int
}

func (m *matrix) naming(workload string) *naming {
	return &naming{names: strings.NewReplacer("/namespaces/"+m.Name, "", workload+second, "NAME", workload, "NAME"), seen: map[string]int{}}
}

// point is what the next exchange is called.
func (n *naming) point(e faultproxy.Exchange) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	named := faultproxy.Exchange{Request: n.names.Replace(e.Request)}
	n.seen[named.Request]++
	named.Nth = n.seen[named.Request]
	return named.String()
}

// points are the exchanges that two undisturbed runs have, as the first one had them. What only one has was asked again, since something
// else in the cluster wrote to the workload meanwhile.
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
