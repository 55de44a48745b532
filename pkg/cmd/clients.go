package cmd

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// clients are clients of one cluster. All use the same connection settings, so that --context and --as apply to the API and to exec.
type clients struct {
	kube      kubernetes.Interface
	metadata  metadata.Interface
	workloads *workload.Client
	exec      podexec.Executor
	limit     time.Duration // for each command in a container that is not interactive
}

// commandLimit is well above the time of a script, whose statements have limits of their own.
const commandLimit = 5 * time.Minute

func newClients(connection *genericclioptions.ConfigFlags, manager string) (*clients, error) {
	config, err := connection.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the connection settings: %w", err)
	}
	kube, err := kubernetes.NewForConfig(workload.Compact(config))
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	workloads, err := workload.NewClient(connection, manager)
	if err != nil {
		return nil, err
	}
	exec, err := podexec.New(config)
	if err != nil {
		return nil, err
	}
	return &clients{kube: kube, metadata: meta, workloads: workloads, exec: tracedExec{exec}, limit: cmp.Or(config.Timeout, commandLimit)}, nil
}

// newReader returns a reader of bindings from the API server. It needs no discovery.
func newReader(connection *genericclioptions.ConfigFlags) (*inventory.Reader, error) {
	config, err := connection.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the connection settings: %w", err)
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	return inventory.NewReader(client), nil
}

// bindServer is the server in the database's Pod, as a bind uses it.
func (c *clients) bindServer(d *target.Database, o binding.Options) binding.Server {
	return c.server(d, administrator{o.AdminUser, o.AdminPassword}, o.Database)
}

// administrator is the role that creates users. The password is empty if none is set.
type administrator struct{ user, password string }

// server returns the server in the database's Pod, with one of its databases.
func (c *clients) server(d *target.Database, admin administrator, database string) *postgres.Server {
	return &postgres.Server{
		Exec:      podexec.Limited(c.exec, c.limit),
		Container: podexec.Container{Namespace: d.Pod.Namespace, Pod: d.Pod.Name, Name: d.Container},
		User:      admin.user,
		Password:  admin.password,
		Database:  database,
		Port:      d.PodPort,
		SocketDir: d.SocketDir,
	}
}
