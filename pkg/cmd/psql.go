package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/session"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

func newPsqlCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &psqlFlags{connection: connection, streams: streams}
	cmd := &cobra.Command{
		Use:   "psql [TYPE/NAME] [-- ARGS]",
		Short: "Run psql as the user of a binding",
		Long: templates.LongDesc(`
			Run psql as the user of a binding, in the container of its database.

			psql logs in like the application: over the network, with the Secret's password, which it reads from its input when the server
			asks for it. On a terminal it is interactive, as with kubectl exec -it. Otherwise psql reads a script from standard input, and its
			exit code is returned. Nothing is written in the container, and the history is lost at the end of the session. Arguments after --
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
		RunE: func(cmd *cobra.Command, args []string) error {
			workload, psqlArgs := args, []string(nil)
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				workload, psqlArgs = args[:dash], args[dash:]
			}
			if err := flags.complete(cmd); err != nil {
				return err
			}
			cmd.SilenceUsage = true
			err := flags.run(cmd.Context(), workload, psqlArgs)
			if exit := (*podexec.ExitError)(nil); errors.As(err, &exit) {
				return &exitError{code: exit.Code}
			}
			return err
		},
	}
	flags.addTo(cmd)
	return cmd
}

// psqlFlags select the session.
type psqlFlags struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams
	database   databaseFlags
	secret     string
	admin      bool
}

func (f *psqlFlags) addTo(cmd *cobra.Command) {
	f.database.addServer(cmd.Flags())
	f.database.addAdminPassword(cmd.Flags())
	cmd.Flags().StringVar(&f.database.dbname, "dbname", "postgres", "Database for --admin without a workload")
	cmd.Flags().StringVar(&f.secret, "secret", "", "Name of the binding's Secret, if the workload has several bindings")
	cmd.Flags().BoolVar(&f.admin, "admin", false, "Log in as the administrator instead of the binding's user; "+
		"without a workload, on the server that --postgres names")
}

// complete rejects invalid combinations of flags.
func (f *psqlFlags) complete(cmd *cobra.Command) error {
	switch {
	case f.database.adminPassword == "":
		return nil
	case f.database.adminPassword == "stdin":
		return errors.New("psql reads standard input: use --admin-password-from secret/NAME:KEY")
	case !cmd.Flags().Changed("postgres") && !cmd.Flags().Changed("postgres-namespace"):
		return errUnnamed
	}
	return nil
}

func (f *psqlFlags) run(ctx context.Context, workload, args []string) error {
	namespace, _, err := f.connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return fmt.Errorf("find the namespace: %w", err)
	}
	ref, err := f.database.ref(namespace)
	if err != nil {
		return err
	}
	opener, err := f.opener(ctx, ref)
	if err != nil {
		return err
	}
	request := session.Request{Namespace: namespace, Workload: workload, Secret: f.secret}
	if f.admin {
		return opener.OpenAdmin(ctx, request, session.Target{Ref: ref, Database: f.database.dbname}, args)
	}
	return opener.Open(ctx, request, args)
}

func (f *psqlFlags) opener(ctx context.Context, named target.Ref) (*session.Opener, error) {
	clients, err := newClients(f.connection, "kubectl-pgbind")
	if err != nil {
		return nil, err
	}
	reader, err := newReader(f.connection)
	if err != nil {
		return nil, err
	}
	admins, err := f.database.administrators(ctx, clients, named, f.streams.In)
	if err != nil {
		return nil, err
	}
	return &session.Opener{
		Kube: clients.kube, Workloads: clients.workloads, Inventory: reader, Databases: target.NewFinder(clients.kube),
		Container: f.database.container,
		Server: func(d *target.Database) session.Server {
			server := clients.server(d, admins.of(d), f.database.dbname)
			server.Exec = clients.exec // an interactive session has no limit
			return terminalServer{server, f.streams}
		},
	}, nil
}
