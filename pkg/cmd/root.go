package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/apply"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/completion"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/diff"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/harden"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/list"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/prune"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/psql"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/rotate"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/servers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/takeover"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/unbind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/version"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	program "github.com/kubectl-pgbind/kubectl-pgbind/pkg/version"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// traceLevel is the verbosity at which kubectl prints its requests.
const traceLevel = 6

// NewRootCommand returns the command tree. The root command without a command is a bind.
func NewRootCommand(streams genericiooptions.IOStreams) *cobra.Command {
	console := printers.NewConsole(streams.ErrOut)
	connection := client.NewConnection(printers.NewWarnings(console))
	streams.ErrOut = console
	root := newRoot(connection, streams)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	connection.AddFlags(root.PersistentFlags())
	addVerbosity(root, console)
	root.PersistentFlags().BoolVarP(&console.Quiet, "quiet", "q", false, "Print only results and warnings, no progress")
	root.CompletionOptions.DisableDefaultCmd = true
	groups := commandGroups(connection, streams)
	groups.Add(root)
	root.AddCommand(newOptionsCommand(streams))
	root.SetHelpCommand(newHelpCommand())
	helpAsKubectl(root, groups)
	command.UsageErrors(root)
	completion.Register(root, connection)
	return root
}

// newRoot returns the root command: the short form of bind.
func newRoot(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	options := bind.NewOptions(connection, streams)
	root := &cobra.Command{
		Use:   "pgbind [bind] TYPE/NAME...",
		Short: "Give workloads their own PostgreSQL users",
		Long: templates.LongDesc(`
			Give workloads their own PostgreSQL users, and check, rotate and remove them.

			"kubectl pgbind TYPE/NAME..." is short for "kubectl pgbind bind TYPE/NAME...". pgbind installs nothing in the cluster.`),
		Example: templates.Examples(`
			# Give the Deployment its own user in the database postgres of pod/postgresql-sfs-0
			kubectl pgbind deployment/postgresql-application`),
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl pgbind"},
		Args:          rejectUnknownCommand,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !anyChanged(cmd.LocalNonPersistentFlags()) {
				return cmd.Help()
			}
			return command.RunE(options)(cmd, args)
		},
	}
	options.AddFlags(root)
	root.Version = program.String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "Print the version of kubectl pgbind") // cobra's own text is not in our form
	return root
}

func anyChanged(set *pflag.FlagSet) bool {
	changed := false
	set.VisitAll(func(flag *pflag.Flag) { changed = changed || flag.Changed })
	return changed
}

// rejectUnknownCommand rejects a mistyped command, or another word for one, which would be taken for the type of a workload.
func rejectUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || strings.Contains(args[0], "/") {
		return nil
	}
	if _, ok := workload.TypeFor(args[0]); ok {
		return nil
	}
	if similar := suggestions(cmd, args[0]); len(similar) > 0 {
		return unknownCommand(cmd, args[0], similar)
	}
	return nil
}

// unknownCommand returns the error about a word that is no command, with the commands that it may mean.
func unknownCommand(cmd *cobra.Command, word string, similar []string) error {
	if len(similar) == 0 {
		return fmt.Errorf("unknown command %q for %q: see \"%[2]s --help\"", word, cmd.CommandPath())
	}
	var names []string
	for _, name := range similar {
		names = append(names, fmt.Sprintf("%q", name))
	}
	return fmt.Errorf("unknown command %q for %q: did you mean %s?", word, cmd.CommandPath(), strings.Join(names, " or "))
}

// suggestions returns the command that has the word as a synonym, or else the commands with a similar name.
func suggestions(root *cobra.Command, word string) []string {
	if word == "" {
		return nil // every name begins with it
	}
	for _, child := range root.Commands() {
		for _, synonym := range child.SuggestFor {
			if strings.EqualFold(word, synonym) {
				return []string{child.Name()}
			}
		}
	}
	return root.SuggestionsFor(word)
}

// commandGroups returns the commands in the order of the help.
func commandGroups(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) templates.CommandGroups {
	return templates.CommandGroups{
		{Message: "Binding Commands:", Commands: []*cobra.Command{
			bind.NewCommand(connection, streams),
			unbind.NewCommand(connection, streams),
			rotate.NewCommand(connection, streams),
			takeover.NewCommand(connection, streams),
			apply.NewCommand(connection, streams),
			prune.NewCommand(connection, streams),
			harden.NewCommand(connection, streams),
		}},
		{Message: "Inspection Commands:", Commands: []*cobra.Command{
			list.NewCommand(connection, streams),
			diff.NewCommand(connection, streams),
			check.NewCommand(connection, streams),
			audit.NewCommand(connection, streams),
			psql.NewCommand(connection, streams),
			servers.NewCommand(connection, streams),
		}},
		{Message: "Other Commands:", Commands: []*cobra.Command{
			completion.NewCommand(streams),
			version.NewCommand(streams),
		}},
	}
}

// addVerbosity adds the flag that prints SQL and traces requests to all commands.
func addVerbosity(root *cobra.Command, console *printers.Console) {
	flags := root.PersistentFlags()
	flags.IntVarP(
		&console.Verbosity, "v", "v", 0,
		"Verbosity: 1 prints the SQL that changes something, 6 also each request and each exec with its duration",
	)
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		if console.Verbosity >= traceLevel {
			cmd.SetContext(client.WithTrace(cmd.Context(), cmd.ErrOrStderr()))
		}
	}
}
