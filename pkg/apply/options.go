package apply

import (
	"errors"
	"fmt"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Options is what a document says, in the words of a bind. How it is done (rollout, dry run, adoption) is taken from base. An error
// names file, line and field.
func Options(d *manifest.Document, base bind.Options) (bind.Options, error) {
	o, spec := base, d.Spec.WithDefaults(d.Namespace)
	var err error
	if o.Postgres, err = target.ParseRef(spec.Postgres, spec.PostgresNamespace); err != nil {
		return o, fmt.Errorf("%s: %w", d.At("spec", "postgres"), err)
	}
	if o.Level, err = postgres.ParseLevel(spec.Access); err != nil {
		return o, fmt.Errorf("%s: %w", d.At("spec", "access"), err)
	}
	if inject := workload.Inject(spec.Inject); (inject == workload.InjectVolume) != (spec.MountPath != "") {
		return o, fmt.Errorf("%s: inject volume and mountPath need each other", d.At("spec", "mountPath"))
	}
	o.Choice = target.Choice{Container: spec.PostgresContainer, Host: spec.Host, Port: spec.Port, ClusterDomain: spec.ClusterDomain}
	o.Database, o.AdminUser = spec.DBName, spec.AdminUser
	o.Schemas, o.Isolated, o.Secret = spec.Schemas, spec.Isolated, spec.Secret
	o.Reference.Inject, o.Reference.Containers = workload.Inject(spec.Inject), spec.Containers
	o.Reference.Prefix, o.Reference.MountPath, o.Reference.Exact = spec.EnvPrefix, spec.MountPath, true
	return o, nil
}

// refuseDoubles refuses two documents about one binding, or one Secret.
func refuseDoubles(items []*Item) error {
	first := map[any]*Item{}
	var errs []error
	for _, item := range items {
		d := item.Document
		type binding struct{ namespace, workload, postgres, database string }
		type secret struct{ namespace, name string }
		keys := []any{binding{d.Namespace, d.Spec.Workload, item.Options.Postgres.Namespace + "/" + item.Options.Postgres.String(), item.Options.Database}}
		if d.Spec.Secret != "" {
			keys = append(keys, secret{d.Namespace, d.Spec.Secret})
		}
		for _, key := range keys {
			if other, again := first[key]; again {
				errs = append(errs, fmt.Errorf("%s: this is the binding, or the Secret, of %s", d.At("spec"), other.Document.At("spec")))
				break
			}
			first[key] = item
		}
	}
	return errors.Join(errs...)
}
