package flags

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Server has the flags of a spec that select a server and its administrator, for commands that find the rest.
type Server struct {
	Spec v1alpha1.BindingSpec
	// Named means that the user named the server. An administrator's password is sent only to such a server.
	Named bool
}

// The servers that commands use if the user names none, as the help describes them.
const (
	ServerOfNamespace = "pod/postgresql-sfs-0, or else the only server in the namespace"
	ServersAll        = "all servers of the namespace"
	ServerOfBinding   = "the server of the binding"
	ServersOfCheck    = "the servers of the bindings, and to look for orphans also the only one in the namespace"
	ServerOfPsql      = "the server of the binding; with --admin and without a workload, the only one in the namespace"
)

// AddTo adds the flags. without describes the server that the command uses without them.
func (f *Server) AddTo(flags *pflag.FlagSet, without string) {
	addServerFlags(flags, &f.Spec, without)
	addAdminPasswordFlag(flags, &f.Spec)
}

// AddAdminUser adds only the flag that names the administrator.
func (f *Server) AddAdminUser(flags *pflag.FlagSet) { addAdminUserFlag(flags, &f.Spec) }

// addServerFlags adds the flags that select the server.
func addServerFlags(flags *pflag.FlagSet, s *v1alpha1.BindingSpec, without string) {
	flags.StringVar(&s.Postgres, "postgres", "",
		"Object that runs PostgreSQL: service/NAME, statefulset/NAME, deployment/NAME, pod/NAME, cluster/NAME of CloudNativePG, "+
			"or the name of a Pod (default: "+without+")")
	flags.StringVar(&s.PostgresNamespace, "postgres-namespace", "",
		"Namespace of the object that --postgres names (default: the namespace of the workload)")
	flags.StringVar(&s.PostgresContainer, "postgres-container", "",
		"Container that runs PostgreSQL (default: detected by annotation, name, image and port)")
	addAdminUserFlag(flags, s)
}

func addAdminUserFlag(flags *pflag.FlagSet, s *v1alpha1.BindingSpec) {
	flags.StringVar(&s.AdminUser, "admin-user", "", "Administrator role of the server (default: postgres)")
}

func addAdminPasswordFlag(flags *pflag.FlagSet, s *v1alpha1.BindingSpec) {
	flags.StringVar(
		&s.AdminPasswordFrom,
		"admin-password-from",
		"",
		"Administrator's password: secret/NAME:KEY in the database's namespace, "+
			"or stdin (default: none, or the password that the database's container has)",
	)
}

// Complete records whether the user named the server.
func (f *Server) Complete(cmd *cobra.Command) {
	f.Named = cmd.Flags().Changed("postgres") || cmd.Flags().Changed("postgres-namespace")
}

// Validate rejects invalid values, and a password for a server that the user did not name.
func (f *Server) Validate() error {
	if f.Spec.AdminPasswordFrom != "" && !f.Named {
		return defaults.ErrUnnamed
	}
	if _, err := f.adminPassword(); err != nil {
		return err
	}
	if _, err := f.Ref(""); err != nil {
		return fmt.Errorf("--postgres: %w", err)
	}
	return nil
}

// AdminUser returns the administrator role.
func (f *Server) AdminUser() string { return f.Spec.WithDefaults("").AdminUser }

// Ref returns the server that the flags name, which is in the workload's namespace if they name no other.
func (f *Server) Ref(workloadNamespace string) (server.Ref, error) {
	return server.RefOf(f.Spec.WithDefaults(workloadNamespace))
}

// Choice returns the flags that select a server's container.
func (f *Server) Choice() server.Choice { return server.ChoiceOf(f.Spec) }

// Administrator reads the password that the flags name. A Secret is read from the server's namespace.
func (f *Server) Administrator(ctx context.Context, c *client.Clients, stdin io.Reader, namespace string) (client.Administrator, error) {
	source, err := f.adminPassword()
	if err != nil {
		return client.Administrator{}, err
	}
	reader := &secret.Reader{Kube: c.Kube, Stdin: stdin}
	password, err := reader.Read(ctx, source, namespace)
	return client.Administrator{User: f.AdminUser(), Password: password}, err
}

// Administrators reads the administrator's password, if the flags name one, for the server that ref names.
func (f *Server) Administrators(ctx context.Context, c *client.Clients, ref server.Ref, stdin io.Reader) (*client.Administrators, error) {
	if f.Spec.AdminPasswordFrom == "" {
		return &client.Administrators{User: f.AdminUser()}, nil
	}
	admin, err := f.Administrator(ctx, c, stdin, ref.Namespace)
	if err != nil {
		return nil, err
	}
	candidates, err := server.NewFinder(c.Kube).Candidates(ctx, ref, f.Choice())
	return client.NewAdministrators(admin, candidates), err
}

// adminPassword returns where the administrator's password comes from.
func (f *Server) adminPassword() (secret.Source, error) {
	source, err := secret.ParsePasswordSource(f.Spec.AdminPasswordFrom)
	if err != nil {
		return source, fmt.Errorf("--admin-password-from: %w", err)
	}
	return source, nil
}
