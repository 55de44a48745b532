package cmd

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// bindFlags are the flags of a bind as they are typed.
type bindFlags struct {
	database  databaseFlags
	access    accessFlags
	login     loginFlags
	keys      keyFlags
	reference referenceFlags
	rollout   rolloutFlags
	result    *resultFlags
	secret    string
	manager   string
}

func newBindCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &bindFlags{result: newResultFlags()}
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
		Args:          bindArgs,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			namespace, _, err := connection.ToRawKubeConfigLoader().Namespace()
			if err != nil {
				return fmt.Errorf("find the namespace: %w", err)
			}
			options, err := flags.toOptions(cmd, namespace)
			if err != nil {
				return err
			}
			sources, err := flags.sources()
			if err != nil {
				return err
			}
			if _, err := flags.result.ToPrinter(); err != nil {
				return err
			}
			cmd.SilenceUsage = true
			return runBind(cmd.Context(), &bindRun{connection: connection, streams: streams, namespace: namespace, args: args, sources: sources, result: flags.result}, options)
		},
	}
	flags.addTo(cmd)
	return cmd
}

// bindArgs leaves the reading of workloads to package workload, and stops a mistyped command before it is taken for one.
func bindArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if _, ok := workload.TypeFor(args[0]); ok {
		return suggestType(cmd, args)
	}
	return errors.Join(suggestCommand(cmd, args[0]), suggestType(cmd, args))
}

func (f *bindFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.database.addTo(flags)
	f.access.addTo(flags)
	f.login.addTo(flags)
	f.keys.addTo(flags)
	f.reference.addTo(flags)
	f.rollout.addTo(flags)
	f.result.addTo(cmd)
	flags.StringVar(&f.secret, "secret", "", "Name of the Secret (default: the binding's present one, else postgresql-secret-2, -3 and so on)")
	cmdutil.AddFieldManagerFlagVar(cmd, &f.manager, "kubectl-pgbind")
	cmdutil.AddDryRunFlag(cmd)
}

// toOptions turns what was typed into what a bind needs; its errors are errors of usage.
func (f *bindFlags) toOptions(cmd *cobra.Command, namespace string) (binding.Options, error) {
	options := binding.Options{Database: f.database.dbname, AdminUser: f.database.adminUser, Choice: f.database.choice(), Secret: f.secret, FieldManager: f.manager}
	ref, err := f.database.ref(namespace)
	if err != nil {
		return options, err
	}
	options.Postgres = ref
	strategy, err := cmdutil.GetDryRunStrategy(cmd)
	if err != nil {
		return options, err
	}
	options.DryRun = strategy
	f.rollout.apply(&options)
	return options, errors.Join(f.access.apply(&options), f.login.apply(&options), f.keys.apply(&options), f.reference.apply(&options))
}

// resultSuffix is what kubectl says after the result of a dry run.
func resultSuffix(d cmdutil.DryRunStrategy) string {
	return map[cmdutil.DryRunStrategy]string{cmdutil.DryRunClient: " (dry run)", cmdutil.DryRunServer: " (server dry run)"}[d]
}

// bindRun is one call of the command.
type bindRun struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams
	namespace  string
	args       []string
	sources    sources
	result     *resultFlags
}

// bindGC lets the heap of a bind grow to 16 MB before garbage is collected: one is over by then, and would spend a fifth of its processor time on it.
const bindGC = 400

func runBind(ctx context.Context, r *bindRun, options binding.Options) error {
	debug.SetGCPercent(bindGC)
	clients, err := newClients(r.connection, options.FieldManager)
	if err != nil {
		return err
	}
	workloads, err := clients.workloads.Get(ctx, r.namespace, r.args)
	if len(workloads) > 1 && options.Login.Username != "" {
		return errors.New("--username names the user of one workload: bind them one by one")
	}
	if err := r.sources.read(ctx, clients.kube, r, &options); err != nil {
		return err
	}
	errs := eachError(err, func(err error) error { return ifNotFound(err, r.namespace) })
	report := newReport(r.streams, resultSuffix(options.DryRun))
	report.objects = r.result.objects()
	pipeline := &binding.Pipeline{
		Workloads: clients.workloads, Databases: target.NewFinder(clients.kube), Kube: clients.kube, Metadata: clients.metadata,
		Server: clients.bindServer, Progress: report, ServerConcurrency: 1,
	}
	// It goes on after an error, as kubectl does, but not after a signal.
	for _, w := range workloads {
		item := &binding.Item{Workload: w, Options: options, Report: report}
		if err := errors.Join(pipeline.Run(ctx, []*binding.Item{item}), item.Err); err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if report.objects {
		errs = append(errs, r.result.print(r.streams, report.bindings))
	}
	return utilerrors.NewAggregate(errs)
}
