// Package audit is the command "kubectl pgbind audit".
package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// Options select servers and how the report is printed.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	scope     flags.Namespaces
	server    flags.Server
	failOn    string
	output    string
	noHeaders bool

	audit  audit.Options
	fail   audit.Severity
	format printers.AuditFormat
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Report who uses which server, as which role",
		Long: templates.LongDesc(`
			Report which workloads use the PostgreSQL servers of a namespace, as which roles, and what is wrong with it. It also reports what pgbind
			did not create.

			For each server, it reads roles, sessions and rules in one session of the administrator, and finds the Pod of each session by its
			address. Then it looks in pod templates for workloads that have no session now. It prints who uses which server, and the findings, the
			worst first, with a command that fixes each. docs/findings.md explains them.

			It changes nothing. It reads the values of Secrets only with --read-secrets, and never prints them. It reports what it cannot read.

			The exit code is 1 if a finding is as bad as --fail-on or worse, and 2 after an error.`),
		Example: templates.Examples(`
			# Audit the servers of the current namespace
			kubectl pgbind audit

			# Audit one server, with the workloads of all namespaces
			kubectl pgbind audit -A --postgres statefulset/pg --postgres-namespace data

			# Write a page for a browser
			kubectl pgbind audit -A -o html > audit.html

			# Fail a pipeline on warnings
			kubectl pgbind audit --fail-on warning -o junit > audit.xml`),
		Args: cobra.NoArgs,
		RunE: command.RunE(o),
	}
	o.addTo(cmd)
	return cmd, o
}

func (o *Options) addTo(cmd *cobra.Command) {
	set := cmd.Flags()
	o.scope.AddTo(cmd)
	o.server.AddTo(set, flags.ServersAll)
	set.BoolVar(
		&o.audit.ReadSecrets, "read-secrets", false,
		"Also read the values of the Secrets that pod templates name, to compare the logins in them",
	)
	set.StringVar(
		&o.failOn, "fail-on", string(audit.Critical),
		"Exit with 1 if a finding is as bad as this or worse. One of: (critical, warning, info, none)",
	)
	set.StringVarP(&o.output, "output", "o", "", "Output format. One of: ("+strings.Join(printers.AuditFormats(), ", ")+")")
	flags.CompleteOutput(cmd, printers.AuditFormats())
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc(
		"fail-on",
		cobra.FixedCompletions([]string{"critical", "warning", "info", "none"}, cobra.ShellCompDirectiveNoFileComp),
	)
	set.BoolVar(&o.noHeaders, "no-headers", false, "When using the default output format, don't print headers")
}

// Complete turns the flags into options of an audit, and rejects values that it cannot parse.
func (o *Options) Complete(cmd *cobra.Command, _ []string) (err error) {
	if o.fail, err = audit.ParseSeverity(o.failOn); err != nil {
		return fmt.Errorf("read --fail-on: %w", err)
	}
	if o.format, err = printers.ParseAuditFormat(o.output, o.noHeaders); err != nil {
		return err
	}
	o.format.WithNamespace, o.format.FailOn = o.scope.All, o.fail
	o.server.Complete(cmd)
	if o.audit.Namespace, err = o.scope.Namespace(o.connection); err != nil {
		return err
	}
	o.audit.Container, o.audit.AdminFlags = o.server.Spec.PostgresContainer, adminFlags(&o.server.Spec)
	if o.server.Spec.Postgres == "" {
		return nil
	}
	current, err := flags.NamespaceOf(o.connection)
	if err != nil {
		return err
	}
	ref, err := o.server.Ref(current)
	o.audit.Ref = &ref
	return err
}

// Validate rejects flags that do not fit together.
func (o *Options) Validate() error {
	if o.server.Spec.Postgres == "" && o.server.Spec.AdminPasswordFrom == "" && o.server.Spec.PostgresNamespace != "" {
		return errors.New("--postgres-namespace needs --postgres: name the server in that namespace")
	}
	o.server.Named = o.server.Spec.Postgres != "" // the namespace alone names no server here
	return o.server.Validate()
}

// adminFlags returns the flags of the administrator, to be repeated in commands.
func adminFlags(s *v1alpha1.BindingSpec) []string {
	var words []string
	for _, flag := range []struct{ name, value, preset string }{
		{"--postgres-container", s.PostgresContainer, ""}, {"--admin-user", s.AdminUser, v1alpha1.DefaultAdminUser},
		{"--admin-password-from", s.AdminPasswordFrom, secret.FromStdin},
	} {
		if flag.value != "" && flag.value != flag.preset {
			words = append(words, flag.name, flag.value)
		}
	}
	return words
}

// Run prints the report. Every error has the exit code of an error, so that a script can distinguish it from a finding.
func (o *Options) Run(ctx context.Context) error { return command.WithCode(command.Usage, o.run(ctx)) }

func (o *Options) run(ctx context.Context) error {
	auditor, err := o.auditor(ctx)
	if err != nil {
		return err
	}
	report, err := auditor.Audit(ctx, o.audit)
	if report == nil {
		return err
	}
	if len(report.Servers) == 0 && o.format.Human() {
		if err == nil {
			for _, f := range report.Findings { // what was not seen, such as a server that is not ready
				fmt.Fprintf(o.streams.ErrOut, "Warning: %s\n", f.Message)
			}
			fmt.Fprintln(o.streams.ErrOut, "No PostgreSQL servers found: name one with --postgres, or use -A.")
		}
	} else if printErr := o.format.Print(report, o.streams.Out); printErr != nil {
		return errors.Join(err, printErr)
	}
	if err == nil && report.Worst(o.fail) {
		return &command.Error{Code: command.Failed}
	}
	return err
}

func (o *Options) auditor(ctx context.Context) (*audit.Auditor, error) {
	clients, err := client.New(o.connection)
	if err != nil {
		return nil, err
	}
	// its password is that of the server that the user named, which is the only one then
	admin := client.Administrator{User: o.server.AdminUser()}
	if o.audit.Ref != nil {
		if admin, err = o.server.Administrator(ctx, clients, o.streams.In, o.audit.Ref.Namespace); err != nil {
			return nil, err
		}
	}
	return factory.NewAuditor(clients, o.connection, admin), nil
}
