package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// addLimits compares the limits of all bindings of the server with its connections. Two login roles of a binding count once.
func (s *serverFacts) addLimits() {
	if s.survey == nil {
		return
	}
	limits, sum := map[string]int{}, 0
	for _, role := range s.survey.Roles {
		if role.Marked && role.CanLogin {
			limits[role.Owner.ID] = max(limits[role.Owner.ID], role.ConnectionLimit)
		}
	}
	for _, limit := range limits {
		sum += limit
	}
	var largest *facts
	for _, f := range s.facts {
		f.available = s.survey.Connections
		if f.limit() > 0 && (largest == nil || f.limit() > largest.limit()) {
			largest = f
		}
	}
	if largest != nil && sum > largest.available {
		largest.promised = sum
	}
}

// limit returns how many connections the login role can have; -1 for no limit.
func (f *facts) limit() int {
	if f.role == nil {
		return -1
	}
	return f.role.ConnectionLimit
}

// checkLimits compares the login role's limit and settings with the spec, and the limit with the Pods and with the server.
func (f *facts) checkLimits() (found []Finding) {
	if f.serverErr != nil || f.noDatabase || f.role == nil {
		return nil
	}
	if want := f.binding.Marks.ConnectionLimit; want != nil && int(*want) != f.limit() {
		found = append(
			found,
			f.finding(Mismatch, fmt.Sprintf("role %q has %s instead of %s", f.role.Name, limitText(f.limit()), limitText(int(*want))),
				rebind(f.binding)),
		)
	}
	if differ := f.otherSettings(); len(differ) > 0 {
		found = append(found, f.finding(Mismatch,
			fmt.Sprintf("sessions of role %q do not begin with %s", f.role.Name, strings.Join(differ, ", ")), rebind(f.binding)))
	}
	if f.limit() > 0 && f.replicas > f.limit() {
		found = append(found, f.finding(TooFewConnections, fmt.Sprintf("%s has %d Pods, but role %q has %s",
			f.binding.Marks.Workload, f.replicas, f.role.Name, limitText(f.limit())), f.limitTo(f.replicas)))
	}
	return append(found, f.checkServerLimit()...)
}

// checkServerLimit compares limits with the connections of the server that are not reserved.
func (f *facts) checkServerLimit() []Finding {
	switch {
	case f.available == 0:
		return nil
	case f.limit() > f.available:
		return one(f.finding(Overcommitted, fmt.Sprintf("role %q has %s, but the server has %d connections for all roles",
			f.role.Name, limitText(f.limit()), f.available), f.limitTo(f.available)))
	case f.promised > f.available:
		return one(
			f.finding(
				Overcommitted,
				fmt.Sprintf("the connection limits of the bindings on this server add up to %d, but the server has %d connections "+
					"for all roles", f.promised, f.available),
				byHand(look(f.binding, "SELECT rolname, rolconnlimit FROM pg_catalog.pg_roles WHERE rolconnlimit > 0 ORDER BY 2 DESC")),
			),
		)
	}
	return nil
}

// otherSettings returns the settings of the spec that the role does not have in the binding's database.
func (f *facts) otherSettings() (differ []string) {
	wanted, present := f.binding.Marks.Settings, f.role.Settings[f.binding.Marks.DBName]
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		value, set := present[name]
		if !set || !postgres.SameSetting(name, value, wanted[name]) {
			differ = append(differ, name+"="+wanted[name])
		}
	}
	return differ
}

// limitTo returns the fix that gives the binding another limit.
func (f *facts) limitTo(limit int) Fix {
	number := int32(limit) //nolint:gosec // a number of Pods or connections
	return changed(f.binding, Change{ConnectionLimit: &number})
}

func limitText(limit int) string {
	if limit < 0 {
		return "no connection limit"
	}
	return fmt.Sprintf("a connection limit of %d", limit)
}
