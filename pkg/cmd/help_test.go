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

func TestDiff_ReturnsErrorCode(t *testing.T) {
	for _, args := range [][]string{{"diff"}, {"diff", "--bogus"}, {"diff", "stray", "-f", "x"}, {"diff", "-f", "no-such-file"}} {
		stdout, stderr, code := run(t, args...)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, "error: ")
		assert.Equal(t, exitTrouble, code, args)
	}
	_, _, code := run(t, "apply", "--bogus")
	assert.Equal(t, 1, code)
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
	assert.True(t, strings.HasPrefix(stdout, "Give a workload"))
	assert.Contains(t, stdout, "Usage:\n  kubectl pgbind TYPE/NAME... [options]\n")
	assert.Contains(t, stdout, `Use "kubectl pgbind <command> --help" for more information about a given command.`)
	assert.Contains(t, stdout, `Use "kubectl pgbind options" for a list of global command-line options`)
	assert.NotContains(t, stdout, "--kubeconfig")
	assert.NotContains(t, stdout, "Commands:\n\n", "every group has commands")

	stdout, stderr, code = run(t, "options")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "--kubeconfig")
}

func TestExecute_SuggestsCorrection(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"vresion", `error: unknown command "vresion" for "kubectl pgbind": did you mean version?`},
		{"completio deployment/web", `error: unknown command "completio" for "kubectl pgbind": did you mean completion?`},
		{"--acces readonly deployment/web", "error: unknown flag: --acces: did you mean --access?"},
		{"version --outptu json", "error: unknown flag: --outptu: did you mean --output?"},
		{"version --nonsense", "error: unknown flag: --nonsense"},
		{"deploymet/web", `error: "deploymet" is not a workload type: did you mean deployment/web?`},
		{"deploymet web", `error: "deploymet" is not a workload type: did you mean deployment?`},
		{"deployment/web statefulst/a", `error: "statefulst" is not a workload type: did you mean statefulset/a?`},
		{"unbind daemonst/web", `error: "daemonst" is not a workload type: did you mean daemonset/web?`},
		{"psql replica/web -- daemonst/x", `error: "replica" is not a workload type: did you mean replicaset/web or replicationcontroller/web?`},
		{"list deployment/web", `error: unknown command "deployment/web" for "kubectl pgbind list"`},
		{"nonsense", `error: workload name required: use nonsense/NAME`},
	} {
		stdout, stderr, code := run(t, strings.Fields(test.line)...)
		assert.Equal(t, 1, code, test.line)
		assert.Empty(t, stdout, test.line)
		assert.Equal(t, test.want, strings.Split(stderr, "\n")[0], test.line)
	}
}

func TestVersion_PrintsJSONAndYAML(t *testing.T) {
	stdout, _, code := run(t, "version", "-o", "json")
	assert.Zero(t, code)
	assert.Regexp(t, `(?s)^\{.*"version": ".+",.*"goVersion": "go1\..+",.*"platform": ".+/.+".*\}\n$`, stdout)
	stdout, _, code = run(t, "version", "-o", "yaml")
	assert.Zero(t, code)
	assert.Regexp(t, `(?m)^version: .+\n$`, stdout)
	_, stderr, code := run(t, "version", "-o", "xml")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, `invalid --output "xml": use json or yaml`)
}
