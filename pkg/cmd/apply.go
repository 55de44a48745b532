package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// The client-side limits of an apply: --concurrency holds it to what an API server can take; beyond that it answers 429, which is waited for.
const (
	applyQPS   = 2000
	applyBurst = 4000

	applyGC = 60

	defaultConcurrency       = 64
	defaultServerConcurrency = 4
)

// fileFlags say which files are read.
type fileFlags struct {
	names     []string
	recursive bool
}

func (f *fileFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.names, "filename", "f", nil, "File or folder with bindings, repeatable; - for the standard input")
	flags.BoolVarP(&f.recursive, "recursive", "R", false, "Also the folders in a folder")
	cobra.CheckErr(cmd.MarkFlagFilename("filename", "json", "yaml", "yml")) // it fails only where there is no such flag
}

// read reads the bindings of the files, each with its namespace.
func (f *fileFlags) read(connection *genericclioptions.ConfigFlags, stdin io.Reader) ([]*manifest.Document, error) {
	if len(f.names) == 0 {
		return nil, errors.New("name a file or a folder with -f")
	}
	namespace, enforced, err := connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, fmt.Errorf("find the namespace: %w", err)
	}
	documents, err := (&manifest.Reader{Stdin: stdin, Recursive: f.recursive}).Read(f.names...)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, d := range documents {
		switch {
		case d.Namespace == "":
			d.Namespace = namespace
		case enforced && d.Namespace != namespace:
			errs = append(errs, fmt.Errorf("%s: the namespace %q is not the one of --namespace, %q", d.At("metadata", "namespace"), d.Namespace, namespace))
		}
	}
	return documents, errors.Join(errs...)
}

// applyFlags are the flags of an apply as they are typed.
type applyFlags struct {
	files             fileFlags
	rollout           rolloutFlags
	adopt             bool
	force             bool
	concurrency       int
	serverConcurrency int
	manager           string
	prune             applyPruneFlags
	shard             shardFlag
	slots             chan struct{} // of requests
}

func newApplyCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	flags := &applyFlags{}
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make bindings as files say",
		Long: templates.LongDesc(`
			Make bindings as files say: many at once, and those that are right already stay as they are.

			Each document of a file is one binding (apiVersion pgbind.dev/v1alpha1, kind Binding), or a List of them, as
			"kubectl pgbind list -o yaml" prints it. What is mistyped is refused before anything is done. One binding that fails does not stop
			the others; the same command repeats only what is not right yet. It ends with status 1 if any failed.`),
		Example: templates.Examples(`
			# Make all bindings of a folder
			kubectl pgbind apply -f bindings/ -R

			# Make what a program writes, without waiting for the Pods
			generate-bindings | kubectl pgbind apply -f - --wait=false

			# Also take back the bindings of the team's workloads that the file no longer names
			kubectl pgbind apply -f bindings.yaml --prune -l team=shop`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			base, err := flags.base(cmd)
			if err != nil {
				return err
			}
			cmd.SilenceUsage = true
			documents, err := flags.files.read(connection, streams.In)
			if err != nil {
				return err
			}
			items, err := itemsOf(documents, base)
			if err != nil {
				return err
			}
			connection.WithWrapConfigFn(flags.quicken(connection.WrapConfigFn))
			return flags.run(cmd.Context(), &applyRun{connection: connection, streams: streams, items: items, base: base})
		},
	}
	flags.addTo(cmd)
	return cmd
}

func (f *applyFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.files.addTo(cmd)
	f.rollout.addTo(flags)
	flags.BoolVar(&f.adopt, "adopt", false, "Take over equal references to the Secrets that somebody else wrote")
	flags.BoolVar(&f.force, "force", false, "Also where the manifest of another tool sets envFrom, and would take ours away, and --isolated in a schema in which others may create")
	flags.IntVar(&f.concurrency, "concurrency", defaultConcurrency, "How many requests to the API server are under way at once")
	flags.IntVar(&f.serverConcurrency, "server-concurrency", defaultServerConcurrency, "How many commands run at once in the database Pods of one node")
	f.prune.addTo(flags)
	f.shard.addTo(flags)
	cmdutil.AddFieldManagerFlagVar(cmd, &f.manager, "kubectl-pgbind")
	cmdutil.AddDryRunFlag(cmd)
}

// base is what the flags say of how all bindings are made; its errors are errors of usage.
func (f *applyFlags) base(cmd *cobra.Command) (binding.Options, error) {
	base := binding.Options{FieldManager: f.manager, Reference: binding.ReferenceOptions{Adopt: f.adopt, Force: f.force}}
	f.rollout.apply(&base)
	strategy, err := cmdutil.GetDryRunStrategy(cmd)
	if err != nil {
		return base, err
	}
	base.DryRun = strategy
	if f.concurrency < 1 || f.serverConcurrency < 1 {
		return base, errors.New("--concurrency and --server-concurrency must be 1 or more")
	}
	f.slots = make(chan struct{}, f.concurrency)
	return base, f.prune.check()
}

func itemsOf(documents []*manifest.Document, base binding.Options) ([]*binding.Item, error) {
	var errs []error
	items := make([]*binding.Item, len(documents))
	for i, d := range documents {
		item, err := binding.NewItem(d, base)
		items[i], errs = item, append(errs, err)
	}
	return items, errors.Join(errs...)
}

// quicken allows more requests a second than one binding needs, and as many at once as the flag says.
func (f *applyFlags) quicken(wrap func(*rest.Config) *rest.Config) func(*rest.Config) *rest.Config {
	return func(config *rest.Config) *rest.Config {
		config = wrap(config)
		config.QPS, config.Burst = applyQPS, applyBurst
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return boundedTransport{next, f.slots} })
		return config
	}
}

// boundedTransport sends no more requests at once than it has slots.
type boundedTransport struct {
	next  http.RoundTripper
	slots chan struct{}
}

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	select {
	case t.slots <- struct{}{}:
	case <-request.Context().Done():
		return nil, context.Cause(request.Context())
	}
	defer func() { <-t.slots }()
	return t.next.RoundTrip(request)
}

// applyRun is one call of the command.
type applyRun struct {
	connection *genericclioptions.ConfigFlags
	streams    genericiooptions.IOStreams
	items      []*binding.Item // of all shards
	base       binding.Options
	clients    *clients
}

func (f *applyFlags) run(ctx context.Context, r *applyRun) error {
	var err error
	if r.clients, err = newClients(r.connection, f.manager); err != nil {
		return err
	}
	part, err := f.shard.shard()
	if err != nil {
		return err
	}
	// Most of what a binding needs in memory is soon done with; a Pod that applies a fleet may have little.
	debug.SetGCPercent(applyGC)
	clients := r.clients
	progress := newProgress(r.streams, len(binding.Shard(part, r.items)), resultSuffix(r.base.DryRun))
	pipeline := &binding.Pipeline{
		Workloads: clients.workloads, Databases: target.NewFinder(clients.kube), Kube: clients.kube, Metadata: clients.metadata,
		Server: clients.bindServer, Progress: progress, ServerConcurrency: f.serverConcurrency, Part: part,
	}
	for _, item := range r.items {
		item.Report = &notes{}
	}
	err = pipeline.Run(ctx, r.items)
	progress.end()
	switch {
	case err != nil:
		return err
	case progress.failed() > 0 && f.prune.wanted:
		fmt.Fprintln(r.streams.ErrOut, "Nothing is pruned, since not all bindings are made.")
		fallthrough
	case progress.failed() > 0:
		return &exitError{code: 1}
	case f.prune.wanted:
		return f.pruneUnnamed(ctx, r, progress.made)
	}
	return nil
}
