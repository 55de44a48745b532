// Package servers is the command "kubectl pgbind servers".
package servers

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// atOnce is the number of servers that are read at the same time.
const atOnce = 8

// Options select servers and how they are printed.
type Options struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams

	scope  flags.Namespaces
	server flags.Server
	output *flags.Output

	namespace string // empty: all namespaces
}

// NewCommand returns the command.
func NewCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	cmd, _ := newCommand(connection, streams)
	return cmd
}

func newCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) (*cobra.Command, *Options) {
	o := &Options{connection: connection, streams: streams, output: flags.NewOutput()}
	cmd := &cobra.Command{
		Use:   "servers",
		Short: "List the PostgreSQL servers of a namespace",
		Long: templates.LongDesc(`
			List the PostgreSQL servers that run in the Pods of a namespace or of all namespaces.

			It finds them by the images, ports and labels of Pods, and the Services that lead to them. The first column is what --postgres accepts.
			It reads the version and the databases with one read-only exec for each server, as the administrator. If that fails, it prints a warning
			and leaves these columns empty. It changes nothing.`),
		Example: templates.Examples(`
			# List the servers of the current namespace
			kubectl pgbind servers

			# List the servers of all namespaces, with all ways to name them
			kubectl pgbind servers -A -o wide

			# Print what --postgres accepts
			kubectl pgbind servers -o name`),
		Args: cobra.NoArgs,
		RunE: command.RunE(o),
	}
	o.scope.AddTo(cmd)
	o.server.AddAdminUser(cmd.Flags())
	o.output.AddTo(cmd)
	return cmd, o
}

// Complete finds the namespace.
func (o *Options) Complete(*cobra.Command, []string) (err error) {
	o.namespace, err = o.scope.Namespace(o.connection)
	return err
}

// Validate rejects an invalid format.
func (o *Options) Validate() error { return o.output.Validate() }

// Run prints the servers.
func (o *Options) Run(ctx context.Context) error {
	clients, err := client.New(o.connection)
	if err != nil {
		return err
	}
	l := &lister{
		servers: server.NewFinder(clients.Kube), report: printers.NewReport(o.streams, ""),
		databases: func(e *server.Endpoint) reader {
			return clients.Server(e, client.Administrator{User: o.server.AdminUser()}, "")
		},
	}
	found, err := l.list(ctx, o.namespace)
	switch {
	case err != nil:
		return err
	case len(found) == 0 && o.output.IsTable():
		printers.NothingFound(o.streams.ErrOut, o.namespace)
		return nil
	case o.output.IsName():
		_, err := io.WriteString(o.streams.Out, found.Names())
		return err
	}
	return o.output.Print(o.streams.Out, found, o.scope.All)
}

// finder finds servers. *server.Finder implements it.
type finder interface {
	Servers(ctx context.Context, namespace string) ([]server.Found, []error, error)
}

// reader reads one server. *postgres.Server implements it.
type reader interface {
	Databases(ctx context.Context) (*postgres.Contents, error)
}

// lister finds servers and reads them.
type lister struct {
	servers   finder
	databases func(*server.Endpoint) reader
	report    *printers.Report
}

// list returns the servers of a namespace, or of all if it is empty. It warns about what cannot be read.
func (l *lister) list(ctx context.Context, namespace string) (printers.Servers, error) {
	found, gaps, err := l.servers.Servers(ctx, namespace)
	if err != nil {
		return nil, err
	}
	for _, gap := range gaps {
		l.report.Warn("%s", gap)
	}
	list, all := make(printers.Servers, len(found)), make([]*printers.Server, len(found))
	for i, f := range found {
		list[i] = printers.Server{Found: f, Primary: f.Primary()}
		all[i] = &list[i]
	}
	parallel.Each(all, atOnce, func(s *printers.Server) { l.read(ctx, s) })
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return list, nil
}

// read reads the members up to the first that is no standby.
func (l *lister) read(ctx context.Context, s *printers.Server) {
	var errs []error
	for _, member := range s.Members {
		contents, err := l.databases(member).Databases(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if s.Contents == nil || !contents.Standby {
			s.Primary, s.Contents = member, contents
		}
		if !contents.Standby {
			break
		}
	}
	if err := errors.Join(errs...); s.Contents == nil && err != nil {
		l.report.Warn("version and databases of %s in namespace %s are unknown: %v", s.Ref(), s.Ref().Namespace, err)
	}
}
