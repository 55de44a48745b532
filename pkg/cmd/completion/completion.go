// Package completion completes command lines. k8s.io/kubectl/pkg/util/completion does the same for kubectl, but its import loads all
// translations of kubectl at each start of the program, and its requests have no time limit.
package completion

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// limit is the time for the requests of one completion: a shell that hangs is worse than one that does not complete.
const limit = 2 * time.Second

// completer completes command lines. It prints no errors and omits what it cannot read.
type completer struct {
	connection *genericclioptions.ConfigFlags
}

// lister returns the possible values at a place of the command line, after the arguments.
type lister func(ctx context.Context, cmd *cobra.Command, args []string) []string

// Register completes workloads and flag values of the command and of its subcommands.
func Register(root *cobra.Command, connection *genericclioptions.ConfigFlags) {
	c := &completer{connection}
	root.ValidArgsFunction = c.bindableWorkload
	c.register(root)
}

func (c *completer) register(cmd *cobra.Command) {
	switch {
	case !cmd.HasParent():
	case cmd.Name() == "bind":
		cmd.ValidArgsFunction = c.bindableWorkload
	case strings.Contains(cmd.Use, "TYPE/NAME"):
		cmd.ValidArgsFunction = c.workload(bound)
	case cmd.ValidArgsFunction == nil:
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	values := c.flagValues()
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		complete := values[flag.Name]
		if complete == nil && wantsFile(flag) {
			return
		}
		if complete == nil {
			complete = cobra.NoFileCompletions
		}
		// The only error means that the flag already has a completion function, which then stays.
		_ = cmd.RegisterFlagCompletionFunc(flag.Name, complete)
	})
	for _, child := range cmd.Commands() {
		c.register(child)
	}
}

// flagValues maps names of flags to their values. A name has the same meaning in every command.
func (c *completer) flagValues() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		"access": fixed(string(postgres.All), string(postgres.ReadWrite), string(postgres.ReadOnly)),
		"inject": fixed(string(workload.InjectEnvFrom), string(workload.InjectEnv), string(workload.InjectVolume),
			string(workload.InjectNone)),
		"sslmode":            fixed("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
		"dry-run":            fixed("none", "client", "server"),
		"key":                fixed("port", "database", "uri", "jdbc", "pgpass", "servicebinding"),
		"preset":             fixed(keys.PresetNames()...),
		"namespace":          limited(c.namespaces),
		"postgres-namespace": limited(c.namespaces),
		"context":            limited(c.contexts),
		"cluster":            limited(c.clusters),
		"user":               limited(c.users),
		"secret":             limited(c.secrets),
		"dbname":             limited(c.databases),
		"postgres":           limited(c.servers),
		"container":          limited(c.containers),
	}
}

// wantsFile reports whether the flag's value is, or can be, the name of a file or directory. Such flags keep the shell's completion.
func wantsFile(flag *pflag.Flag) bool {
	_, marked := flag.Annotations[cobra.BashCompFilenameExt]
	names := []string{"template", "kubeconfig", "cache-dir", "certificate-authority", "client-certificate", "client-key"}
	return marked || slices.Contains(names, flag.Name)
}

func fixed(values ...string) cobra.CompletionFunc {
	return limited(func(context.Context, *cobra.Command, []string) []string { return slices.Clone(values) })
}

// limited completes with the values of list that start with the typed word, within the time limit.
func limited(list lister) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), limit)
		defer cancel()
		values := slices.DeleteFunc(list(ctx, cmd, args), func(value string) bool { return !strings.HasPrefix(value, typed) })
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}
