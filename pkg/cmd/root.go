package cmd

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/version"
)

// The client-side rate limits of kubectl.
const (
	qps   = 50
	burst = 300
)

// NewRootCommand returns the command tree. The root command itself binds.
func NewRootCommand(streams genericiooptions.IOStreams) *cobra.Command {
	connection := genericclioptions.NewConfigFlags(true).WithDiscoveryBurst(burst).WithDiscoveryQPS(qps).WithWrapConfigFn(identify(new(dial)))
	messages := newConsole(streams.ErrOut)
	streams.ErrOut = messages
	root := newBindCommand(connection, streams)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	connection.AddFlags(root.PersistentFlags())
	addTrace(root)
	messages.addTo(root.PersistentFlags())
	root.CompletionOptions.DisableDefaultCmd = true
	groups := commandGroups(connection, streams)
	groups.Add(root)
	root.AddCommand(newOptionsCommand(streams))
	helpAsKubectl(root, groups)
	(&completer{connection}).completeTree(root)
	return root
}

// commandGroups returns the commands in the order of the help.
func commandGroups(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) templates.CommandGroups {
	return templates.CommandGroups{
		{Message: "Binding Commands:", Commands: []*cobra.Command{
			newUnbindCommand(connection, streams),
			newRotateCommand(connection, streams),
			newApplyCommand(connection, streams),
			newPruneCommand(connection, streams),
		}},
		{Message: "Inspection Commands:", Commands: []*cobra.Command{
			newListCommand(connection, streams),
			newDiffCommand(connection, streams),
			newCheckCommand(connection, streams),
			newPsqlCommand(connection, streams),
		}},
		{Message: "Other Commands:", Commands: []*cobra.Command{
			newCompletionCommand(streams),
			newVersionCommand(streams),
		}},
	}
}

// identify sets the user agent, which the API server's audit log contains. It lets the requests share the connection that the first one
// dials, and lets execs resume its TLS session.
func identify(d *dial) func(*rest.Config) *rest.Config {
	sessions := tls.NewLRUClientSessionCache(0)
	return func(config *rest.Config) *rest.Config {
		config.UserAgent = fmt.Sprintf("kubectl-pgbind/%s (%s/%s)", version.String(), runtime.GOOS, runtime.GOARCH)
		config.QPS, config.Burst = qps, burst
		config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			resume(next, sessions)
			return tracedTransport{sharedTransport{d, next}}
		})
		return config
	}
}
