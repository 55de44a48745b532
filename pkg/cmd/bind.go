package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const defaultTimeout = 5 * time.Minute

// bindFlags are the flags of a bind as they are typed.
type bindFlags struct {
	database   databaseFlags
	secret     string
	containers []string
	access     string
	schemas    []string
	wait       bool
	timeout    time.Duration
	manager    string
}

func newBindCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &bindFlags{}
	cmd := &cobra.Command{
		Use:   "pgbind TYPE/NAME...",
		Short: "Give a workload its own PostgreSQL user",
		Long: templates.LongDesc(`
			Give a workload its own PostgreSQL user.

			It runs createuser and psql in the database Pod, proves that the new user can log in over the network, writes host, user name
			and password to a Secret, and refers to the Secret from the workload's pod template. Said twice it changes nothing. When a step
			fails, what was made is taken back.`),
		Example: templates.Examples(`
			# Give the Deployment its own user in the database postgres of pod/postgresql-sfs-0
			kubectl pgbind deployment/postgresql-application

			# Bind to another database of another Pod, with a chosen name for the Secret
			kubectl pgbind deployment/web --postgres pod/pg-0 --dbname shop --secret shop-database`),
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl pgbind"},
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			options, err := flags.toOptions(connection)
			if err != nil {
				return err
			}
			cmd.SilenceUsage = true
			return runBind(cmd.Context(), &bindRun{connection: connection, streams: streams, manager: flags.manager, args: args}, options)
		},
	}
	flags.addTo(cmd.Flags())
	return cmd
}

func (f *bindFlags) addTo(flags *pflag.FlagSet) {
	f.database.addTo(flags)
	flags.StringVar(&f.secret, "secret", "", "Name of the Secret (default: the binding's present one, else postgresql-secret-2, -3 and so on)")
	flags.StringSliceVarP(&f.containers, "container", "c", nil, "Container that gets the Secret, repeatable; '*' for all (default: the default-container annotation's, else the only one)")
	flags.StringVar(&f.access, "access", string(postgres.All), "What the user may do: all, readwrite or readonly")
	flags.StringSliceVar(&f.schemas, "schema", []string{"public"}, "Schema that the user may use, repeatable")
	flags.BoolVar(&f.wait, "wait", true, "Wait until the workload's Pods have the Secret")
	flags.DurationVar(&f.timeout, "timeout", defaultTimeout, "How long to wait for the Pods")
	flags.StringVar(&f.manager, "field-manager", "kubectl-pgbind", "Name of the manager used to track field ownership")
}

// toOptions turns what was typed into what a bind needs; its errors are errors of usage.
func (f *bindFlags) toOptions(connection *genericclioptions.ConfigFlags) (bind.Options, error) {
	level, err := postgres.ParseLevel(f.access)
	if err != nil {
		return bind.Options{}, err
	}
	namespace, _, err := connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return bind.Options{}, fmt.Errorf("find the namespace: %w", err)
	}
	ref, err := f.database.ref(namespace)
	if err != nil {
		return bind.Options{}, err
	}
	return bind.Options{
		Postgres: ref, Choice: f.database.choice(), Database: f.database.dbname, AdminUser: f.database.adminUser,
		Level: level, Schemas: f.schemas, Secret: f.secret, Containers: f.containers, Wait: f.wait, Timeout: f.timeout,
	}, nil
}

// bindRun is one call of the command.
type bindRun struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams
	manager    string
	args       []string
}

func runBind(ctx context.Context, r *bindRun, options bind.Options) error {
	namespace, _, err := r.connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return fmt.Errorf("find the namespace: %w", err)
	}
	clients, err := newClients(r.connection, r.manager)
	if err != nil {
		return err
	}
	workloads, err := clients.workloads.Get(ctx, namespace, r.args)
	if err != nil {
		return err
	}
	binder := &bind.Binder{
		Workloads: clients.workloads, Databases: target.NewFinder(clients.kube), Kube: clients.kube, Report: newReport(r.streams),
		Roles: clients.roles,
	}
	return eachWorkload(workloads, func(w *workload.Workload) error { return binder.Bind(ctx, w, options) })
}

// eachWorkload goes on after an error, as kubectl does, and returns all errors.
func eachWorkload(workloads []*workload.Workload, do func(*workload.Workload) error) error {
	var errs []error
	for _, w := range workloads {
		if err := do(w); err != nil {
			errs = append(errs, err)
		}
	}
	return utilerrors.NewAggregate(errs)
}
