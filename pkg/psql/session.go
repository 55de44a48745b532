// Package psql opens psql for a person or a script: it finds the binding, its server and the role to log in as.
package psql

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads workloads. *workload.Client implements it.
type Workloads interface {
	Get(ctx context.Context, namespace string, args []string) ([]*workload.Workload, error)
}

// Endpoints finds the Pod of a server. *server.Finder implements it.
type Endpoints interface {
	Find(ctx context.Context, ref server.Ref, choice server.Choice) (*server.Endpoint, error)
}

// Server runs psql in a database's container. *postgres.Server implements it.
type Server interface {
	RunShell(ctx context.Context, shell postgres.Shell) error
	RunAdminShell(ctx context.Context, shell postgres.Shell) error
}

// Opener opens psql sessions.
type Opener struct {
	Kube      kubernetes.Interface
	Workloads Workloads
	Inventory *inventory.Reader
	Endpoints Endpoints
	Server    func(*server.Endpoint) Server
	Container string // the server's container; empty: detected
}

// Request selects the binding.
type Request struct {
	Namespace string
	Workload  []string // TYPE/NAME as typed; empty: the only binding of the namespace
	Secret    string   // which of the workload's bindings; empty: the only one
}

// Open runs psql with args as the binding's role in its database. If psql exits with an error, it returns a *podexec.ExitError.
func (o *Opener) Open(ctx context.Context, r Request, args []string) error {
	place, err := o.locate(ctx, r)
	if err != nil {
		return err
	}
	c, complete := secret.Of(place.secret)
	if !complete {
		return fmt.Errorf("secret/%s in namespace %s is missing a key of the login: run kubectl pgbind %s -n %[2]s",
			place.secret.Name, place.secret.Namespace, place.marks.Workload)
	}
	e := place.endpoint
	return o.Server(e).RunShell(ctx, postgres.Shell{
		Role: c.Username, Database: place.marks.DBName, Args: args,
		Login: postgres.Login{Password: c.Password, Host: c.Host, PodIP: e.PodIP, Port: c.LoginPort(), PodPort: e.PodPort},
	})
}

// OpenAdmin runs psql as the administrator: in the database of the binding that r selects, or else in the fallback.
func (o *Opener) OpenAdmin(ctx context.Context, r Request, fallback Target, args []string) error {
	if len(r.Workload) == 0 && r.Secret == "" {
		endpoint, err := o.Endpoints.Find(ctx, fallback.Ref, server.Choice{Container: o.Container})
		if err != nil {
			return err
		}
		return o.Server(endpoint).RunAdminShell(ctx, postgres.Shell{Database: fallback.Database, Args: args})
	}
	place, err := o.locate(ctx, r)
	if err != nil {
		return err
	}
	return o.Server(place.endpoint).RunAdminShell(ctx, postgres.Shell{Database: place.marks.DBName, Args: args})
}

// Target is a database that is selected without a binding.
type Target struct {
	Ref      server.Ref
	Database string
}

// place is a binding and its server.
type place struct {
	secret   *corev1.Secret
	marks    secret.Marks
	endpoint *server.Endpoint
}

func (o *Opener) locate(ctx context.Context, r Request) (*place, error) {
	stored, err := o.choose(ctx, r)
	if err != nil {
		return nil, err
	}
	marks, ok := secret.MarksOf(stored)
	if !ok {
		return nil, fmt.Errorf("secret/%s in namespace %s is not managed by kubectl pgbind", stored.Name, stored.Namespace)
	}
	ref, err := server.ParseRef(marks.Postgres, cmp.Or(marks.PostgresNamespace, stored.Namespace))
	if err != nil {
		return nil, errors.New("the Secret's metadata does not name the database's Pod, StatefulSet or Service: bind the workload again")
	}
	endpoint, err := o.Endpoints.Find(ctx, ref, server.Choice{Container: o.Container, Location: marks.Location})
	if err != nil {
		return nil, err
	}
	return &place{stored, marks, endpoint}, nil
}
