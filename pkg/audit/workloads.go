package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// superuserWorkloads reports workloads and poolers that log in as a superuser.
func superuserWorkloads(f *facts) []Finding {
	type key struct{ namespace, workload, role string }
	uses := map[key][]Access{}
	for _, a := range f.accesses {
		if a.Superuser && (a.Source == FromWorkload || a.Source == FromPooler) {
			uses[key{a.Namespace, a.Workload, a.Role}] = append(uses[key{a.Namespace, a.Workload, a.Role}], a)
		}
	}
	var found []Finding
	for k, accesses := range uses {
		finding := Finding{
			Code:      SuperuserWorkload,
			Severity:  Critical,
			Namespace: k.namespace,
			Object:    k.workload,
			Message: fmt.Sprintf(
				"%s as superuser %s, who can read and change everything and run programs on the server",
				usage(accesses), k.role,
			),
		}
		if accesses[0].Source == FromWorkload {
			finding.Fix = f.takeover(k.namespace, databaseOf(accesses), k.workload)
		}
		found = append(found, finding)
	}
	return found
}

// usage says how accesses use the server: their sessions and databases, or why it is known without a session.
func usage(accesses []Access) string {
	count, databases := 0, map[string]bool{}
	for _, a := range accesses {
		count += a.Sessions
		if a.Database != "" {
			databases[a.Database] = true
		}
	}
	if count == 0 {
		return "no session now, but its pod template " + accesses[0].Reason
	}
	text := report.Number(count, "session")
	if names := slices.Sorted(maps.Keys(databases)); len(names) == 1 {
		text += " in database " + names[0]
	} else if len(names) > 1 {
		text += " in databases " + strings.Join(names, ", ")
	}
	return text
}

// databaseOf returns the database with most sessions, and not postgres if there is another.
func databaseOf(accesses []Access) string {
	best := slices.MaxFunc(accesses, func(a, b Access) int {
		return cmp.Or(
			compareBool(a.Database != "postgres", b.Database != "postgres"), cmp.Compare(a.Sessions, b.Sessions),
			cmp.Compare(b.Database, a.Database),
		)
	})
	return best.Database
}

// sharedRoles reports roles that several workloads use. For a superuser there is a finding for each workload already.
func sharedRoles(f *facts) []Finding {
	var found []Finding
	for role, workloads := range usersOf(f.accesses) {
		if len(workloads) < 2 {
			continue
		}
		keys := slices.SortedFunc(maps.Keys(workloads), func(a, b [2]string) int {
			return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
		})
		var names []string
		for _, key := range keys {
			names = append(names, fmt.Sprintf("%s in namespace %s (%s)", key[1], key[0], usage(workloads[key])))
		}
		finding := Finding{Code: SharedRole, Severity: Warning, Object: "role/" + role.name,
			Message: fmt.Sprintf("%s use it: a new password has to reach all of them at once, and the server cannot tell them apart: %s",
				report.Number(len(names), "workload"), strings.Join(names, "; "))}
		others := slices.DeleteFunc(slices.Clone(keys), func(key [2]string) bool { return f.cluster.isBoundTo(key[0], key[1], role.name) })
		switch {
		case len(others) == 0: // each has the metadata of a binding with it, which somebody copied
		case len(others) == len(keys):
			finding.Fix = f.takeover(keys[0][0], databaseOf(workloads[keys[0]]), ofFirstNamespace(keys)...)
		default:
			finding.Message += "; it is the login of a binding, which the others use too"
			finding.Fix = f.bind(others[0][0], databaseOf(workloads[others[0]]), ofFirstNamespace(others)...)
		}
		found = append(found, finding)
	}
	return found
}

// ofFirstNamespace returns the workloads in the namespace of the first one.
func ofFirstNamespace(keys [][2]string) (workloads []string) {
	for _, key := range keys {
		if key[0] == keys[0][0] {
			workloads = append(workloads, key[1])
		}
	}
	return workloads
}

// serverRole is a role of a server.
type serverRole struct{ server, name string }

func roleOf(a Access) serverRole { return serverRole{a.Server, a.Role} }

// usersOf returns the workloads, by namespace and name, that use each role that is no superuser, with their accesses.
func usersOf(accesses []Access) map[serverRole]map[[2]string][]Access {
	users := map[serverRole]map[[2]string][]Access{}
	for _, a := range accesses {
		if a.Source != FromWorkload || a.Role == "" || a.Superuser {
			continue
		}
		if users[roleOf(a)] == nil {
			users[roleOf(a)] = map[[2]string][]Access{}
		}
		key := [2]string{a.Namespace, a.Workload}
		users[roleOf(a)][key] = append(users[roleOf(a)][key], a)
	}
	return users
}

// unexplainedSessions reports sessions whose address belongs to no Pod.
func unexplainedSessions(f *facts) []Finding {
	var found []Finding
	for _, a := range f.accesses {
		finding := Finding{Code: UnknownAddress, Severity: Warning, Object: "address/" + a.Workload}
		what := fmt.Sprintf("%s as role %s", usage([]Access{a}), a.Role)
		address := strings.Join(a.Addresses, ", ")
		switch {
		case a.Source == FromUnknown && f.cluster.namespace != "":
			finding.Message = fmt.Sprintf("%s from an address of no Pod in namespace %s", what, f.cluster.namespace)
			finding.Fix = report.Command(
				slices.Concat(
					[]string{"kubectl", "pgbind", "audit", "-A", "--postgres", f.ref.String(), "--postgres-namespace", f.ref.Namespace},
					f.admin,
				)...)
		case a.Source == FromUnknown:
			finding.Message = what + " from an address of no Pod: it has ended, or is outside of the cluster"
			finding.Fix = f.sql(
				"",
				"SELECT pid, usename, datname, application_name, backend_start FROM pg_stat_activity WHERE client_addr = '"+a.Workload+"'",
			)
		case a.Source == FromNode:
			node := strings.TrimPrefix(a.Workload, "node/")
			finding.Code, finding.Severity, finding.Object = NodeAddress, Info, a.Workload
			finding.Message = fmt.Sprintf(
				"%s from %s, an address of this node: a Pod in its network%s, or one whose address was translated",
				what, address, f.hostPods(node),
			)
			finding.Fix = report.Command("kubectl", "get", "pods", "-A", "-o", "wide", "--field-selector", "spec.nodeName="+node)
		default:
			continue
		}
		if a.Superuser {
			finding.Severity = Critical
			finding.Message = strings.Replace(finding.Message, " as role ", " as superuser ", 1)
		}
		found = append(found, finding)
	}
	return found
}

// hostPods names the Pods in the network of a node.
func (f *facts) hostPods(node string) string {
	var names []string
	for _, pod := range f.cluster.index.hosts[node] {
		names = append(names, pod.Name)
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], fmt.Sprintf("%d more", len(names)-5))
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// poolers reports connection poolers, which hide the workloads behind them.
func poolers(f *facts) []Finding {
	uses := map[[2]string][]Access{}
	for _, a := range f.accesses {
		if a.Source == FromPooler {
			uses[[2]string{a.Namespace, a.Workload}] = append(uses[[2]string{a.Namespace, a.Workload}], a)
		}
	}
	var found []Finding
	for key, accesses := range uses {
		roles := map[string]bool{}
		for _, a := range accesses {
			roles[a.Role] = true
		}
		product := "pooler"
		if pod := f.podAt(accesses[0].Addresses[0]); pod != nil {
			product = server.PoolerOf(pod)
		}
		found = append(found, Finding{
			Code:      Pooler,
			Severity:  Info,
			Namespace: key[0],
			Object:    key[1],
			Message: fmt.Sprintf(
				"%s is a pooler: %s as %s; the workloads behind it are known only if their pod templates name it",
				product, usage(accesses), strings.Join(slices.Sorted(maps.Keys(roles)), ", "),
			),
			Fix: report.Command("kubectl", "logs", key[1], "-n", key[0], "--tail=100"),
		})
	}
	return found
}
