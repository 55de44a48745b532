// Package commandtest turns command lines into options, for the tests of commands.
package commandtest

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
)

// Constructor creates a command and its options.
type Constructor[O command.Options] func(*genericclioptions.ConfigFlags, genericiooptions.IOStreams) (*cobra.Command, O)

// Complete returns the options after Complete and Validate, in the namespace "shop" and without a cluster. It splits
// the line at spaces. The steps must not fail.
func Complete[O command.Options](t *testing.T, construct Constructor[O], line string) O {
	t.Helper()
	o, err := Try(t, construct, line)
	require.NoError(t, err, line)
	return o
}

// Try is Complete, and returns the error of the step that fails.
func Try[O command.Options](t *testing.T, construct Constructor[O], line string) (O, error) {
	t.Helper()
	t.Setenv("KUBECONFIG", t.TempDir()+"/none")
	connection, namespace := genericclioptions.NewConfigFlags(true), "shop"
	connection.Namespace = &namespace
	cmd, o := construct(connection, genericiooptions.NewTestIOStreamsDiscard())
	require.NoError(t, cmd.ParseFlags(strings.Fields(line)), line)
	if err := o.Complete(cmd, cmd.Flags().Args()); err != nil {
		return o, err
	}
	return o, o.Validate()
}
