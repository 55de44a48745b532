package audit

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// workloadRef names what owns a Pod: the workload that pgbind can bind, and what owns that.
type workloadRef struct{ namespace, name, owner string }

// podIndex finds Pods by their addresses.
type podIndex struct {
	byIP  map[netip.Addr]*corev1.Pod
	nodes map[netip.Addr]string    // also those that only Pods report
	hosts map[string][]*corev1.Pod // Pods in the network of a node, by its name
}

// newPodIndex indexes Pods that have not ended. nodes are the addresses of nodes, as far as they could be read.
func newPodIndex(pods []corev1.Pod, nodes map[netip.Addr]string) *podIndex {
	i := &podIndex{byIP: map[netip.Addr]*corev1.Pod{}, nodes: map[netip.Addr]string{}, hosts: map[string][]*corev1.Pod{}}
	for n := range pods {
		pod := &pods[n]
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		for _, ip := range pod.Status.HostIPs {
			i.addNode(ip.IP, pod.Spec.NodeName)
		}
		i.addNode(pod.Status.HostIP, pod.Spec.NodeName)
		if pod.Spec.HostNetwork {
			i.hosts[pod.Spec.NodeName] = append(i.hosts[pod.Spec.NodeName], pod)
			continue
		}
		for _, ip := range pod.Status.PodIPs {
			if addr, err := netip.ParseAddr(ip.IP); err == nil {
				i.byIP[addr.Unmap()] = pod
			}
		}
	}
	for addr, name := range nodes {
		i.nodes[addr] = name
	}
	return i
}

func (i *podIndex) addNode(ip, name string) {
	if addr, err := netip.ParseAddr(ip); err == nil {
		i.nodes[addr.Unmap()] = name
	}
}

// join turns the sessions of a server into accesses, one for each source, role and database.
func (f *facts) join() []Access {
	var found []Access
	at := map[[4]string]int{}
	for _, s := range f.audit.Sessions {
		a := f.source(s.Address)
		a.Server, a.Role, a.Database, a.Superuser = f.server.Name, s.Role, s.Database, f.superuser(s.Role)
		key := [4]string{a.Namespace, a.Workload, a.Role, a.Database}
		n, known := at[key]
		if !known {
			n = len(found)
			at[key], found = n, append(found, a)
		}
		found[n].count(s)
	}
	return found
}

// count adds sessions of the same access.
func (a *Access) count(s postgres.AuditSession) {
	a.Sessions += s.Count
	if a.Oldest.IsZero() || s.Oldest.Before(a.Oldest) {
		a.Oldest = s.Oldest
	}
	for list, value := range map[*[]string]string{&a.Addresses: s.Address, &a.Applications: s.Application} {
		if at, known := slices.BinarySearch(*list, value); !known && value != "" {
			*list = slices.Insert(*list, at, value)
		}
	}
}

// source says what the address belongs to.
func (f *facts) source(address string) Access {
	addr, err := netip.ParseAddr(address)
	addr = addr.Unmap()
	if err != nil || addr.IsLoopback() { // the socket, or the Pod's own network
		return Access{Source: FromServer, Namespace: f.server.Namespace, Workload: "pod/" + f.server.Pod}
	}
	if pod := f.cluster.index.byIP[addr]; pod != nil {
		w := f.cluster.workloadOf(pod)
		a := Access{Source: FromWorkload, Namespace: pod.Namespace, Workload: w.name, Owner: w.owner}
		switch {
		case server.PoolerOf(pod) != "": // operators give it the labels of the server
			a.Source = FromPooler
		case server.LocationOf(pod) == f.server.Name:
			a.Source, a.Workload, a.Owner = FromServer, "pod/"+pod.Name, ""
		}
		return a
	}
	if node, ok := f.cluster.index.nodes[addr]; ok {
		return Access{Source: FromNode, Workload: "node/" + node}
	}
	return Access{Source: FromUnknown, Workload: addr.String()}
}

// withoutSessions returns the workloads whose pod templates name the server, or a Secret with a login of it, and that have no session now.
func (f *facts) withoutSessions(sessions []Access) []Access {
	active := map[[2]string]bool{}
	for _, a := range sessions {
		active[[2]string{a.Namespace, a.Workload}] = true
	}
	logins := f.logins(sessions)
	var found []Access
	for _, t := range f.cluster.templates {
		if active[[2]string{t.workload.namespace, t.workload.name}] {
			continue
		}
		if a, ok := f.accessBy(t, logins); ok {
			a.Server, a.Source, a.Superuser = f.server.Name, FromWorkload, f.superuser(a.Role)
			a.Namespace, a.Workload, a.Owner = t.workload.namespace, t.workload.name, t.workload.owner
			found = append(found, a)
		}
	}
	return found
}

// accessBy says why a template uses the server, and as whom as far as that is known.
func (f *facts) accessBy(t template, logins secretRoles) (a Access, ok bool) {
	for _, name := range t.secrets {
		if role := logins[name]; role != "" {
			return Access{Role: role, Reason: "uses secret/" + name.Name}, true
		}
	}
	for _, h := range t.hosts {
		if !f.services.match(h, t.workload.namespace) {
			continue
		}
		a = Access{Reason: "names host " + h.name}
		for _, user := range t.users {
			if f.role(user) != nil {
				a.Role = user
			}
		}
		return a, true
	}
	return a, false
}

// logins returns which Secret holds the login of which role of this server: by the metadata of bindings, by the values
// if they were read, and because workloads that use the Secret have sessions as one role alone.
func (f *facts) logins(sessions []Access) secretRoles {
	roles := map[[2]string][]string{}
	for _, a := range sessions {
		if key := [2]string{a.Namespace, a.Workload}; a.Source == FromWorkload && !slices.Contains(roles[key], a.Role) {
			roles[key] = append(roles[key], a.Role)
		}
	}
	logins, several := secretRoles{}, secretRoles{}
	for _, t := range f.cluster.templates {
		for _, role := range roles[[2]string{t.workload.namespace, t.workload.name}] {
			for _, name := range t.secrets {
				if known := logins[name]; known != "" && known != role {
					several[name] = role
				}
				logins[name] = role
			}
		}
	}
	for name := range several {
		delete(logins, name)
	}
	for _, l := range f.cluster.secretLogins {
		if f.uses(l) {
			logins[l.secret] = l.user
		}
	}
	for _, b := range f.cluster.bindings {
		if f.role(b.role) != nil {
			logins[b.secret] = b.role
		}
	}
	return logins
}

// uses reports whether the login in a Secret is one of this server.
func (f *facts) uses(l secretLogin) bool {
	if f.role(l.user) == nil {
		return false
	}
	if len(l.hosts) == 0 {
		return !f.superuser(l.user) // every server has a postgres
	}
	return slices.ContainsFunc(l.hosts, func(name string) bool { return f.services.match(host{name, true}, l.secret.Namespace) })
}

func sortAccesses(accesses []Access) {
	slices.SortStableFunc(accesses, func(a, b Access) int {
		return cmp.Or(
			strings.Compare(a.Server, b.Server), -compareBool(a.Superuser, b.Superuser), cmp.Compare(b.Sessions, a.Sessions),
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Workload, b.Workload),
			strings.Compare(a.Role, b.Role), strings.Compare(a.Database, b.Database),
		)
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
