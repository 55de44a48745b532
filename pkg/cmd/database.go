package cmd

import (
	"cmp"

	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// databaseFlags name a database: where its server runs, and how it is reached.
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
	flags.StringVar(&f.host, "host", "", "Host name for the Secret (default: that of the Service of the database Pod)")
	flags.Int32Var(&f.port, "port", 0, "Port of the host (default: the Service's)")
	flags.StringVar(&f.clusterDomain, "cluster-domain", "", "DNS domain of the cluster (default: read in the database Pod)")
}

// addServer adds the flags that name the server.
func (f *databaseFlags) addServer(flags *pflag.FlagSet) {
	flags.StringVar(&f.postgres, "postgres", "pod/postgresql-sfs-0", "Where PostgreSQL runs: pod/NAME, statefulset/NAME or service/NAME")
	flags.StringVar(&f.namespace, "postgres-namespace", "", "Namespace in which PostgreSQL runs (default: the workload's)")
	flags.StringVar(&f.container, "postgres-container", "", "Container that runs PostgreSQL (default: found by annotation, name, image and port)")
	flags.StringVar(&f.adminUser, "admin-user", "postgres", "Role that makes the user")
}

func (f *databaseFlags) addAdminPassword(flags *pflag.FlagSet) {
	flags.StringVar(&f.adminPassword, "admin-password-from", "", "Where that role's password is: secret/NAME:KEY in the database's namespace, or stdin (default: none is needed, or the database's container has it)")
}

func (f *databaseFlags) ref(workloadNamespace string) (target.Ref, error) {
	return target.ParseRef(f.postgres, cmp.Or(f.namespace, workloadNamespace))
}

func (f *databaseFlags) choice() target.Choice {
	return target.Choice{Container: f.container, Host: f.host, Port: f.port, ClusterDomain: f.clusterDomain}
}
