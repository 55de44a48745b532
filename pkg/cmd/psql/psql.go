// Package psql is the command "kubectl pgbind psql".
package psql

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/psql"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Options select the session.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	server flags.Server
	secret string
	admin  bool

	namespace string
	workload  []string // as it was typed
	args      []string // of psql
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams}
	cmd := &cobra.Command{
		Use:        "psql [TYPE/NAME | binding/NAME] [-- ARGS]",
		SuggestFor: []string{"connect", "shell", "exec"},
		Short:      "Run psql as the user of a binding",
		Long: templates.LongDesc(`
			Run psql as the user of a binding, in the container of its database.

			psql logs in like the application: over the network, with the Secret's password, which it reads from its input when the server
			asks for it. On a terminal it is interactive, as with kubectl exec -it. Otherwise psql reads a script from standard input, and its
			exit code is returned. psql writes nothing in the container, and the history is lost at the end of the session. Arguments after --
			are passed to psql. They are part of the request, which the API server may log, so pass SQL that contains a secret on standard
			input.

			This command gives access to the database's Pod and is not a sandbox: everyone who can run it can run any program in that Pod, and
			psql itself can run programs there. In the database, the role limits what the user can do.`),
		Example: templates.Examples(`
			# Open psql as the Deployment's user
			kubectl pgbind psql deployment/web

			# Run one statement
			kubectl pgbind psql deployment/web -- -c 'SELECT 1'

			# Run a script, up to the first error
			kubectl pgbind psql deployment/web -- -v ON_ERROR_STOP=1 < script.sql

			# Open psql as the superuser of pod/pg-0
			kubectl pgbind psql --admin --postgres pod/pg-0`),
		RunE: command.RunE(o),
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "" {
			err = fmt.Errorf("%w: options of psql go after --: %s deployment/web -- -c 'SELECT 1'", err, cmd.CommandPath())
			return command.WithCode(command.Usage, err)
		}
		return cmd.Parent().FlagErrorFunc()(cmd, err)
	})
	o.server.AddTo(cmd.Flags(), flags.ServerOfPsql)
	cmd.Flags().StringVar(&o.server.Spec.DBName, "dbname", "", "Database for --admin without a workload (default: postgres)")
	cmd.Flags().StringVar(&o.secret, "secret", "", "Name of the binding's Secret, if the workload has several bindings")
	cmd.Flags().BoolVar(&o.admin, "admin", false, "Log in as the administrator instead of the binding's user; "+
		"without a workload, on the server that --postgres names, or the only one in the namespace")
	return cmd, o
}

// Complete separates the workload from the arguments of psql, and finds the namespace.
func (o *Options) Complete(cmd *cobra.Command, args []string) (err error) {
	o.workload = args
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		o.workload, o.args = args[:dash], args[dash:]
	}
	bindings, workloads := inventory.Split(o.workload)
	if len(bindings) > 0 && (len(bindings)+len(workloads) > 1 || o.secret != "") {
		return errors.New("psql opens one binding: name it once")
	}
	if len(bindings) == 1 && bindings[0] != "" {
		o.workload, o.secret = nil, bindings[0]
	}
	o.server.Complete(cmd)
	o.namespace, err = flags.NamespaceOf(o.connection)
	return err
}

// Validate rejects invalid values and contradictions.
func (o *Options) Validate() error {
	switch number := workload.Number(o.workload); {
	case number > 1:
		return errors.New("psql takes one workload: pass arguments of psql after --")
	case len(o.workload) > 0:
		if err := inventory.CheckArgs(o.workload); err != nil {
			return err
		}
	}
	if o.server.Spec.DBName != "" && (!o.admin || len(o.workload) > 0 || o.secret != "") {
		return errors.New("--dbname needs --admin without a workload: a binding has one database; " +
			"choose the binding with --secret, or change the database in psql with \\connect")
	}
	if o.server.Spec.AdminPasswordFrom == "stdin" {
		return errors.New("psql reads standard input: use --admin-password-from secret/NAME:KEY")
	}
	return o.server.Validate()
}

// Run opens psql, and ends with its exit code.
func (o *Options) Run(ctx context.Context) error {
	err := o.open(ctx)
	if exit := (*podexec.ExitError)(nil); errors.As(err, &exit) {
		return &command.Error{Code: exit.Code}
	}
	return err
}

func (o *Options) open(ctx context.Context) error {
	clients, err := client.New(o.connection)
	if err != nil {
		return err
	}
	request := psql.Request{Namespace: o.namespace, Workload: o.workload, Secret: o.secret}
	if o.admin && len(o.workload) == 0 && o.secret == "" {
		q := defaults.Request{Namespace: o.namespace, Spec: o.server.Spec}
		if o.server.Spec, err = factory.NewResolver(clients, o.streams).Server(ctx, q); err != nil {
			return err
		}
	}
	ref, err := o.server.Ref(o.namespace)
	if err != nil {
		return err
	}
	opener, err := o.opener(ctx, clients, ref)
	if err != nil {
		return err
	}
	if o.admin {
		return opener.OpenAdmin(ctx, request, psql.Target{Ref: ref, Database: o.database()}, o.args)
	}
	return opener.Open(ctx, request, o.args)
}

// database returns the database of a session as the administrator.
func (o *Options) database() string { return o.server.Spec.WithDefaults("").DBName }

func (o *Options) opener(ctx context.Context, clients *client.Clients, named server.Ref) (*psql.Opener, error) {
	admins, err := o.server.Administrators(ctx, clients, named, o.streams.In)
	if err != nil {
		return nil, err
	}
	return &psql.Opener{
		Kube: clients.Kube, Workloads: clients.Workloads, Inventory: clients.Inventory(), Endpoints: server.NewFinder(clients.Kube),
		Container: o.server.Spec.PostgresContainer,
		Server: func(e *server.Endpoint) psql.Server {
			server := clients.Server(e, admins.Of(e), o.database())
			server.Exec = clients.Exec // an interactive session has no limit
			return psql.OnTerminal(server, o.streams)
		},
	}, nil
}
