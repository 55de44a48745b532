package binding

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// NewItem reads what a document says. How it is done (rollout, dry run, adoption) is taken from base. An error names file, line and field.
func NewItem(d *manifest.Document, base Options) (*Item, error) {
	item := &Item{Document: d}
	var errOptions, errSources error
	item.Options, errOptions = optionsOf(d, base)
	item.sources, errSources = sourcesOf(d)
	return item, errors.Join(errOptions, errSources)
}

// optionsOf is what a document says, in the words of a bind.
func optionsOf(d *manifest.Document, base Options) (Options, error) {
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
	o.Database, o.AdminUser, o.From = spec.DBName, spec.AdminUser, spec.Sources
	o.Schemas, o.Isolated, o.Secret = spec.Schemas, spec.Isolated, spec.Secret
	o.Login.Username, o.RevokePublic, o.Keys.SSLMode = spec.Username, spec.RevokePublic, spec.SSLMode
	if spec.Expires != nil {
		o.Login.Until = spec.Expires.Time
	}
	for _, key := range spec.Keys {
		if key == v1alpha1.KeyServiceBinding {
			o.Keys.ServiceBinding = true
			continue
		}
		o.Keys.Keys = append(o.Keys.Keys, credentials.Key(key))
	}
	o.Reference.Inject, o.Reference.Containers = workload.Inject(spec.Inject), spec.Containers
	o.Reference.Prefix, o.Reference.MountPath, o.Reference.Exact = spec.EnvPrefix, spec.MountPath, true
	return o, nil
}

// sources are the values that no file holds, by the fields that say where they are.
type sources struct{ admin, password, ca credentials.Source }

func sourcesOf(d *manifest.Document) (s sources, err error) {
	if s.admin, err = credentials.ParsePasswordSource(d.Spec.AdminPasswordFrom); err != nil {
		return s, fmt.Errorf("%s: %w", d.At("spec", "adminPasswordFrom"), err)
	}
	if s.password, err = credentials.ParsePasswordSource(d.Spec.PasswordFrom); err != nil {
		return s, fmt.Errorf("%s: %w", d.At("spec", "passwordFrom"), err)
	}
	if s.ca, err = credentials.ParseCertificateSource(d.Spec.CAFrom); err != nil {
		return s, fmt.Errorf("%s: %w", d.At("spec", "caFrom"), err)
	}
	return s, nil
}

// read fills in what the sources hold; the administrator's password is in the database's namespace.
func (s sources) read(ctx context.Context, kube kubernetes.Interface, namespace string, o *Options) error {
	reader := &credentials.Reader{Kube: kube}
	var errAdmin, errPassword, errCA error
	o.AdminPassword, errAdmin = reader.Read(ctx, s.admin, o.Postgres.Namespace)
	o.Login.Password, errPassword = reader.Read(ctx, s.password, namespace)
	o.Keys.CA, errCA = reader.Read(ctx, s.ca, namespace)
	return errors.Join(errAdmin, errPassword, errCA)
}

// refuseDoubles refuses two documents about one binding, or one Secret.
func refuseDoubles(items []*Item) error {
	first := map[any]*Item{}
	var errs []error
	for _, item := range items {
		d := item.Document
		if d == nil {
			continue
		}
		type secret struct{ namespace, name string }
		keys := []any{item.key()}
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
