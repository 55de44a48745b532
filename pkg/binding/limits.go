package binding

import (
	"maps"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// limits returns what the login role gets. A setting of an earlier bind that is not wanted any more is reset. Metadata,
// which can be forged, only names settings that a user can request.
func (p *Plan) limits() postgres.Limits {
	l := postgres.Limits{Connections: p.spec.ConnectionLimit, Keep: p.spec.ConnectionLimit != nil && p.requested.ConnectionLimit == nil}
	for _, settings := range []map[string]string{p.previous.Settings, p.requested.Settings, p.spec.Settings} {
		for name := range settings {
			value := p.spec.Settings[name]
			if postgres.CheckSetting(name, value) != nil || name == searchPath && value == "" && p.role.Creates.Path != nil {
				continue // a bind that creates a schema or extensions sets its own search path
			}
			if l.Settings == nil {
				l.Settings = map[string]string{}
			}
			l.Settings[name] = value
		}
	}
	return l
}

const searchPath = "search_path"

// validateLimits checks the limit of connections and the settings of a spec, in the order of their names.
func validateLimits(spec v1alpha1.BindingSpec, check func(string, error)) {
	if spec.ConnectionLimit != nil {
		check("connectionLimit", postgres.CheckConnectionLimit(*spec.ConnectionLimit))
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Settings)) {
		check("settings", postgres.CheckSetting(name, spec.Settings[name]))
	}
}
