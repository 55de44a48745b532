package cmd

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// sources are the values that must not be on the command line, by the flags that name them.
type sources struct {
	admin, password, ca credentials.Source
}

// sources parses the flags. It does not read the values.
func (f *bindFlags) sources() (sources, error) {
	var s sources
	var errAdmin, errPassword, errCA error
	s.admin, errAdmin = named("--admin-password-from", f.database.adminPassword, credentials.ParsePasswordSource)
	s.password, errPassword = named("--password-from", f.login.password, credentials.ParsePasswordSource)
	s.ca, errCA = named("--ca-from", f.keys.ca, credentials.ParseCertificateSource)
	if s.admin.Kind == credentials.FromStdin && s.password == s.admin {
		return s, errors.New("--admin-password-from and --password-from cannot both read stdin: use secret/NAME:KEY for one of them")
	}
	return s, errors.Join(errAdmin, errPassword, errCA)
}

func named(flag, text string, parse func(string) (credentials.Source, error)) (credentials.Source, error) {
	source, err := parse(text)
	if err != nil {
		return source, fmt.Errorf("%s: %w", flag, err)
	}
	return source, nil
}

// read reads the values. The administrator's password is in the namespace of the database.
func (s sources) read(ctx context.Context, kube kubernetes.Interface, r *bindRun, o *binding.Options) error {
	o.From = v1alpha1.Sources{AdminPasswordFrom: lasting(s.admin), PasswordFrom: lasting(s.password), CAFrom: lasting(s.ca)}
	reader := &credentials.Reader{Kube: kube, Stdin: r.streams.In}
	var errAdmin, errPassword, errCA error
	o.AdminPassword, errAdmin = reader.Read(ctx, s.admin, o.Postgres.Namespace)
	o.Login.Password, errPassword = reader.Read(ctx, s.password, r.namespace)
	o.Keys.CA, errCA = reader.Read(ctx, s.ca, r.namespace)
	return errors.Join(errAdmin, errPassword, errCA)
}

// lasting returns the source in the form that is stored; empty for standard input.
func lasting(source credentials.Source) string {
	if source.Kind == credentials.FromStdin {
		return ""
	}
	return source.String()
}
