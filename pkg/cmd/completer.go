package cmd

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// completionTime limits a request for completion: a shell that hangs is worse than one that does not complete.
const completionTime = 2 * time.Second

// completer completes command lines. It prints no errors and omits what it cannot read.
type completer struct {
	connection *genericclioptions.ConfigFlags
}

// line is an incomplete command line: the command, and the arguments before the word to complete.
type line struct {
	cmd  *cobra.Command
	args []string
}

// candidates returns the possible next words of a line.
type candidates func(ctx context.Context, l line) []string

// completeTree registers completion of workloads and of flag values for every command.
func (c *completer) completeTree(root *cobra.Command) {
	flags := c.flagValues()
	for _, cmd := range commandsOf(root) {
		switch {
		case cmd == root:
			cmd.ValidArgsFunction = c.bindableWorkload
		case strings.Contains(cmd.Use, "TYPE/NAME"):
			cmd.ValidArgsFunction = c.workload(bound)
		case cmd.ValidArgsFunction == nil:
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) { complete(cmd, flag, flags[flag.Name]) })
	}
}

// complete registers completion of a flag's values. Flags whose values are files keep the shell's completion.
func complete(cmd *cobra.Command, flag *pflag.Flag, values candidates) {
	if cmd.Flag(flag.Name) != flag || values == nil && wantsFile(flag) {
		return
	}
	if values == nil {
		values = fixed()
	}
	// The only error means that the flag already has a completion function, which then stays.
	_ = cmd.RegisterFlagCompletionFunc(flag.Name, func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		return startingWith(typed, values(ctx, line{cmd, args})), cobra.ShellCompDirectiveNoFileComp
	})
}

// flagValues maps names of flags to their values. A name has the same meaning in every command.
func (c *completer) flagValues() map[string]candidates {
	return map[string]candidates{
		"access": fixed(string(postgres.All), string(postgres.ReadWrite), string(postgres.ReadOnly)),
		"inject": fixed(string(workload.InjectEnvFrom), string(workload.InjectEnv), string(workload.InjectVolume),
			string(workload.InjectNone)),
		"sslmode":            fixed("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
		"dry-run":            fixed("none", "client", "server"),
		"namespace":          c.namespaces,
		"postgres-namespace": c.namespaces,
		"context":            c.contexts,
		"cluster":            c.clusters,
		"user":               c.users,
		"secret":             c.secrets,
		"dbname":             c.databases,
		"postgres":           c.servers,
		"container":          c.containers,
		"key":                fixed("port", "database", "uri", "jdbc", "pgpass", serviceBindingKey),
	}
}

// wantsFile reports whether the flag's value is, or can be, the name of a file or directory.
func wantsFile(flag *pflag.Flag) bool {
	_, marked := flag.Annotations[cobra.BashCompFilenameExt]
	names := []string{"template", "kubeconfig", "cache-dir", "certificate-authority", "client-certificate", "client-key"}
	return marked || slices.Contains(names, flag.Name)
}

func fixed(values ...string) candidates {
	return func(context.Context, line) []string { return values }
}

func startingWith(typed string, values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return !strings.HasPrefix(value, typed) })
}

// commandsOf returns the command and all its subcommands.
func commandsOf(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, child := range cmd.Commands() {
		all = append(all, commandsOf(child)...)
	}
	return all
}
