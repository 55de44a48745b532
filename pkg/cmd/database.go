package cmd

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// databaseFlags select a database: its server and its address.
type databaseFlags struct {
	postgres      string
	namespace     string
	container     string
	dbname        string
	adminUser     string
	adminPassword string
	host          string
	port          int32
	clusterDomain string
}

func (f *databaseFlags) addTo(flags *pflag.FlagSet) {
	f.addServer(flags)
	f.addAdminPassword(flags)
	flags.StringVar(&f.dbname, "dbname", "postgres", "Database that the workload uses")
	flags.StringVar(&f.host, "host", "", "Host name in the Secret (default: the host name of a Service of the database Pod)")
	flags.Int32Var(&f.port, "port", 0, "Port of the host (default: the port of the Service)")
	flags.StringVar(&f.clusterDomain, "cluster-domain", "", "DNS domain of the cluster (default: read from the database Pod)")
}

// addServer adds the flags that select the server.
func (f *databaseFlags) addServer(flags *pflag.FlagSet) {
	flags.StringVar(&f.postgres, "postgres", "pod/postgresql-sfs-0", "Object that runs PostgreSQL: pod/NAME, statefulset/NAME or service/NAME")
	flags.StringVar(&f.namespace, "postgres-namespace", "", "Namespace of that object (default: the namespace of the workload)")
	flags.StringVar(&f.container, "postgres-container", "",
		"Container that runs PostgreSQL (default: detected by annotation, name, image and port)")
	flags.StringVar(&f.adminUser, "admin-user", "postgres", "Administrator role that creates the user")
}

func (f *databaseFlags) addAdminPassword(flags *pflag.FlagSet) {
	flags.StringVar(&f.adminPassword, "admin-password-from", "", "Administrator's password: secret/NAME:KEY in the database's namespace, "+
		"or stdin (default: none, or the password that the database's container has)")
}

func (f *databaseFlags) ref(workloadNamespace string) (target.Ref, error) {
	return target.ParseRef(f.postgres, cmp.Or(f.namespace, workloadNamespace))
}

func (f *databaseFlags) choice() target.Choice {
	return target.Choice{Container: f.container, Host: f.host, Port: f.port, ClusterDomain: f.clusterDomain}
}

// named returns the server that the flags name, and whether the user set it: an administrator's password is sent only to that server.
func (f *databaseFlags) named(cmd *cobra.Command, namespace string) (ref target.Ref, byUser bool, err error) {
	byUser = cmd.Flags().Changed("postgres") || cmd.Flags().Changed("postgres-namespace")
	if f.adminPassword != "" && !byUser {
		return ref, false, errors.New("--admin-password-from needs --postgres: the password is sent only to a database that you name")
	}
	ref, err = f.ref(namespace)
	return ref, byUser, err
}

// administrator reads the password that the flags name. A Secret is read from the server's namespace.
func (f *databaseFlags) administrator(ctx context.Context, c *clients, stdin io.Reader, namespace string) (administrator, error) {
	source, err := named("--admin-password-from", f.adminPassword, credentials.ParsePasswordSource)
	if err != nil {
		return administrator{}, err
	}
	reader := &credentials.Reader{Kube: c.kube, Stdin: stdin}
	password, err := reader.Read(ctx, source, namespace)
	return administrator{f.adminUser, password}, err
}
