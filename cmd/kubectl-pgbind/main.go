// Command kubectl-pgbind is the kubectl plugin "kubectl pgbind".
package main

import (
	"context"
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // OIDC and cloud logins of the user's kubeconfig

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(cmd.Execute(context.Background(), streams, os.Args[1:]))
}
