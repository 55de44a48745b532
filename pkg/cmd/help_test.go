package cmd

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// run executes a command line without a cluster and returns what it wrote and its exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	t.Setenv("KUBECONFIG", t.TempDir()+"/none")
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	code = Execute(t.Context(), streams, args)
	return out.String(), errOut.String(), code
}

func tree(t *testing.T) []*cobra.Command {
	t.Helper()
	root := NewRootCommand(genericiooptions.NewTestIOStreamsDiscard())
	root.InitDefaultHelpCmd()
	return commandsOf(root)
}

func TestHelp_ExplainsEveryCommand(t *testing.T) {
	for _, cmd := range tree(t) {
		if cmd.Name() == "help" {
			continue
		}
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			assert.True(t, strings.HasPrefix(cmd.CommandPath(), "kubectl pgbind"), "the help has the command as it is typed")
			assert.Regexp(t, `^[A-Z][^\n]*[^.\n]$`, cmd.Short)
			assert.LessOrEqual(t, len(cmd.Short), 64, "fits in the list of commands")
			assert.Equal(t, strings.Fields(cmd.Short)[0], strings.Fields(cmd.Long)[0], "the long text starts like the short one")
			assert.Regexp(t, `\.$`, cmd.Long)
			for line := range strings.Lines(cmd.Long) {
				assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, line)
				assert.NotRegexp(t, `^\s+\S`, line, "the text is not indented")
			}
			checkExamples(t, cmd)
			cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) { checkFlag(t, flag) })
		})
	}
}

// checkExamples requires that each example is a comment and a command without a prompt, separated by empty lines.
func checkExamples(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	require.NotEmpty(t, cmd.Example)
	assert.NotRegexp(t, `(?m)[ \t]$`, cmd.Example)
	for example := range strings.SplitSeq(cmd.Example, "\n\n") {
		lines := strings.Split(example, "\n")
		assert.Regexp(t, `^  # [A-Z].*[^.]$`, lines[0])
		for _, line := range lines[1:] {
			assert.NotRegexp(t, `^\s*\$`, line)
		}
		assert.Contains(t, strings.Join(lines[1:], "\n"), cmd.CommandPath())
	}
}

func checkFlag(t *testing.T, flag *pflag.Flag) {
	t.Helper()
	assert.Regexp(t, `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`, flag.Name)
	assert.Regexp(t, `^['"A-Z-]`, flag.Usage, flag.Name)
}

func TestHelp_LooksLikeKubectl(t *testing.T) {
	stdout, stderr, code := run(t, "--help")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	assert.True(t, strings.HasPrefix(stdout, "Give workloads"))
	assert.LessOrEqual(t, strings.Count(stdout, "\n"), 50, "fits a screen")
	assert.Contains(t, stdout, "Binding Commands:\n  bind          Give", "bind is the first command")
	assert.Contains(t, stdout, "Usage:\n  kubectl pgbind [bind] TYPE/NAME... [options]\n")
	assert.Contains(t, stdout, `Use "kubectl pgbind <command> --help" for more information about a given command.`)
	assert.Contains(t, stdout, `Use "kubectl pgbind options" for a list of global command-line options`)
	assert.NotContains(t, stdout, "--kubeconfig")
	assert.NotContains(t, stdout, "--dbname")
	assert.NotContains(t, stdout, "Commands:\n\n", "every group has commands")
	assert.NotContains(t, stdout, "\n\n\n")
	same, _, code := run(t)
	assert.Zero(t, code)
	assert.Equal(t, stdout, same)

	stdout, stderr, code = run(t, "options")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "--kubeconfig")
}

func TestHelp_GroupsFlags(t *testing.T) {
	stdout, stderr, code := run(t, "bind", "--help")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	assert.NotContains(t, stdout, "\nOptions:", "every flag of bind is in a group")
	assert.NotContains(t, stdout, "\n\n\n")
	last := 0
	for _, want := range []string{
		"Server and Database Options:", "--dbname=", "Access Options:", "--access=", "User Options:", "--username=", "Secret Options:", "--preset=",
		"Workload Options:", "--inject=", "Run Options:", "--dry-run=", "Output Options:", "--output=", "Usage:\n  kubectl pgbind bind (-f FILENAME | TYPE/NAME... | TYPE (-l SELECTOR | --all)) [options]",
	} {
		i := strings.Index(stdout[last:], want)
		require.Positive(t, i, want)
		last += i
	}
	for _, name := range []string{"bind", "apply", "list", "check", "servers"} {
		stdout, _, _ = run(t, name, "--help")
		for _, rare := range []string{"allow-missing-template-keys", "show-managed-fields", "cluster-domain"} {
			assert.NotContains(t, stdout, "--"+rare, name)
			if name == "bind" {
				_, errOut, _ := run(t, name, "--"+rare)
				assert.NotContains(t, errOut, "unknown flag", "it works")
			}
		}
	}
	stdout, _, _ = run(t, "rotate", "--help")
	assert.Contains(t, stdout, "\nOptions:\n")
	assert.NotContains(t, stdout, " Options:\n")
}

// TestShortForm_HasTheFlagsOfBind compares the flags of both forms.
func TestShortForm_HasTheFlagsOfBind(t *testing.T) {
	flagsOf := func(cmd *cobra.Command) map[string]string {
		all := map[string]string{}
		cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) { all[flag.Name] = flag.Shorthand + flag.DefValue + flag.Usage })
		delete(all, "help")
		return all
	}
	root := tree(t)[0]
	bind, _, err := root.Find([]string{"bind"})
	require.NoError(t, err)
	assert.Contains(t, flagsOf(bind), "dbname")
	ofRoot := flagsOf(root)
	assert.Contains(t, ofRoot, "version")
	delete(ofRoot, "version")
	assert.Equal(t, flagsOf(bind), ofRoot)
}

// TestHelp_NamesTheServerOfEachCommand: commands about existing bindings use their servers.
func TestHelp_NamesTheServerOfEachCommand(t *testing.T) {
	for name, want := range map[string]string{
		"bind": "pod/postgresql-sfs-0, or else the only", "takeover": "pod/postgresql-sfs-0, or else the only", "harden": "pod/postgresql-sfs-0, or else the only",
		"unbind": "the server of the binding)", "rotate": "the server of the binding)", "psql": "the server of the binding;", "audit": "all servers",
		"check": "the servers of the bindings,", "prune": "the servers of the bindings,",
	} {
		cmd, _, err := tree(t)[0].Find([]string{name})
		require.NoError(t, err)
		assert.Contains(t, cmd.Flag("postgres").Usage, "(default: "+want, name)
	}
}

// TestHelp_DescribesDryRuns requires a text of its own: that of kubectl is about a command that sends one object.
func TestHelp_DescribesDryRuns(t *testing.T) {
	found := 0
	for _, cmd := range tree(t) {
		if flag := cmd.Flag("dry-run"); flag != nil {
			found++
			assert.NotContains(t, flag.Usage, "object that would be sent", cmd.Name())
			assert.Regexp(t, `^Must be "none", "server", or "client"\. .*\.$`, flag.Usage, cmd.Name())
		}
	}
	assert.GreaterOrEqual(t, found, 9)
}

// TestDryRun_WarnsOfDeprecatedValues expects the words of kubectl, and that the command goes on.
func TestDryRun_WarnsOfDeprecatedValues(t *testing.T) {
	for typed, want := range map[string]string{
		"--dry-run":       "Warning: --dry-run is deprecated and can be replaced with --dry-run=client.\n",
		"--dry-run=true":  "Warning: --dry-run=true is deprecated (boolean value) and can be replaced with --dry-run=client.\n",
		"--dry-run=false": "Warning: --dry-run=false is deprecated (boolean value) and can be replaced with --dry-run=none.\n",
	} {
		for _, line := range []string{
			"deployment/web", "bind deployment/web", "unbind deployment/web", "rotate deployment/web", "takeover deployment/web", "prune", "harden", "check --fix",
			"apply -f -",
		} {
			_, stderr, _ := run(t, append(strings.Fields(line), typed)...)
			assert.True(t, strings.HasPrefix(stderr, want), "%s %s: %s", line, typed, stderr)
			assert.Equal(t, 1, strings.Count(stderr, "deprecated"), "%s %s: %s", line, typed, stderr)
		}
	}
	_, stderr, _ := run(t, "deployment/web", "--dry-run=client")
	assert.NotContains(t, stderr, "deprecated")
}

func TestVersionFlag_PrintsTheVersion(t *testing.T) {
	want, _, code := run(t, "version")
	require.Zero(t, code)
	for _, args := range [][]string{{"--version"}, {"--version", "-v=1"}} {
		stdout, stderr, code := run(t, args...)
		assert.Zero(t, code)
		assert.Empty(t, stderr)
		assert.Equal(t, want, stdout)
	}
}
