// Package client connects to a cluster: connection settings, clients for the API and for exec, and a trace of the requests.
package client

import (
	"cmp"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/version"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// The client-side rate limits of kubectl.
const (
	qps   = 50
	burst = 300
)

// commandLimit is well above the time of a script, whose statements have limits of their own.
const commandLimit = 5 * time.Minute

// NewConnection returns the connection flags of kubectl. Their settings apply to the API and to exec. warnings gets
// what the API server warns of.
func NewConnection(warnings rest.WarningHandler) *genericclioptions.ConfigFlags {
	flags := genericclioptions.NewConfigFlags(true).WithDiscoveryBurst(burst).WithDiscoveryQPS(qps)
	mark := untilReached()
	return flags.WithWrapConfigFn(func(config *rest.Config) *rest.Config {
		config.WarningHandler = warnings
		config = configure(config)
		config.Wrap(mark)
		return config
	})
}

// configure sets the rate limits, the trace, and the user agent, which the API server's audit log contains.
func configure(config *rest.Config) *rest.Config {
	config.UserAgent = fmt.Sprintf("kubectl-pgbind/%s (%s/%s)", version.String(), runtime.GOOS, runtime.GOARCH)
	config.QPS, config.Burst = qps, burst
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return tracedTransport{next} })
	return config
}

// Clients are clients of one cluster with the same connection settings.
type Clients struct {
	Kube      kubernetes.Interface
	Metadata  metadata.Interface
	Workloads *workload.Client
	Exec      podexec.Executor
	// SkipEventTriggers has the administrator's sessions run without event triggers.
	SkipEventTriggers bool

	limit time.Duration // for each command in a container that is not interactive
}

// New returns clients that write as the default field manager, unless a write names another one.
func New(connection *genericclioptions.ConfigFlags) (*Clients, error) {
	config, err := connection.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the connection settings: %w", err)
	}
	kube, err := kubernetes.NewForConfig(workload.Compact(config))
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	meta, err := newMetadata(connection)
	if err != nil {
		return nil, err
	}
	workloads, err := workload.NewClient(connection, fieldmanager.Default)
	if err != nil {
		return nil, err
	}
	exec, err := podexec.New(config)
	if err != nil {
		return nil, err
	}
	return &Clients{
		Kube: kube, Metadata: meta, Workloads: workloads, Exec: tracedExec{exec}, limit: cmp.Or(config.Timeout, commandLimit),
	}, nil
}

// Inventory returns a reader of bindings.
func (c *Clients) Inventory() *inventory.Reader { return newInventory(c.Metadata, c.Workloads) }

// NewInventory returns a reader of bindings, for commands that only read.
func NewInventory(connection *genericclioptions.ConfigFlags) (*inventory.Reader, error) {
	meta, err := newMetadata(connection)
	if err != nil {
		return nil, err
	}
	workloads, err := workload.NewClient(connection, fieldmanager.Default)
	if err != nil {
		return nil, err
	}
	return newInventory(meta, workloads), nil
}

func newInventory(meta metadata.Interface, workloads *workload.Client) *inventory.Reader {
	reader := inventory.NewReader(meta)
	reader.Custom, reader.List = workloads.CustomResources, workloads.ListResource
	return reader
}

// newMetadata returns a client that reads only metadata. It needs no discovery.
func newMetadata(connection *genericclioptions.ConfigFlags) (metadata.Interface, error) {
	config, err := connection.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the connection settings: %w", err)
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	return client, nil
}

// Administrator is the role that creates users. The password is empty if none is set.
type Administrator struct{ User, Password string }

// Server returns the server in the database's Pod, with one of its databases; empty: the one to which programs connect first.
func (c *Clients) Server(e *server.Endpoint, admin Administrator, database string) *postgres.Server {
	return &postgres.Server{
		Exec:      podexec.Limited(c.Exec, c.limit),
		Container: podexec.Container{Namespace: e.Pod.Namespace, Pod: e.Pod.Name, Name: e.Container},
		User:      admin.User,
		Password:  admin.Password,
		Database:  database,
		Port:      e.PodPort,
		SocketDir: e.SocketDir,

		SkipEventTriggers: c.SkipEventTriggers,
	}
}
