// Package session opens psql for a person or a script: it finds out which binding is meant, and where and as whom to log in.
package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads workloads; *workload.Client does.
type Workloads interface {
	Get(ctx context.Context, namespace string, args []string) ([]*workload.Workload, error)
}

// Databases finds a database's Pod, container and host; *target.Finder does.
type Databases interface {
	Find(ctx context.Context, ref target.Ref, choice target.Choice) (*target.Database, error)
}

// Server runs psql in a database's container; *postgres.Server does.
type Server interface {
	RunShell(ctx context.Context, shell postgres.Shell) error
	RunAdminShell(ctx context.Context, shell postgres.Shell) error
}

// Opener opens sessions.
type Opener struct {
	Kube      kubernetes.Interface
	Workloads Workloads
	Inventory *inventory.Reader
	Databases Databases
	Server    func(*target.Database) Server
	Container string // that runs the server; empty: found
}

// Request says which binding is meant.
type Request struct {
	Namespace string
	Workload  []string // TYPE/NAME as typed; empty: the only binding of the namespace
	Secret    string   // which of the workload's bindings; empty: the only one
}

// Open runs psql with args as the user of the binding, in its database. A *podexec.ExitError is psql's own end.
func (o *Opener) Open(ctx context.Context, r Request, args []string) error {
	place, err := o.locate(ctx, r)
	if err != nil {
		return err
	}
	c, complete := credentials.Of(place.secret)
	if !complete {
		return fmt.Errorf("secret/%s in namespace %s lacks a key of the login: bind %s again", place.secret.Name, place.secret.Namespace, place.marks.Workload)
	}
	d := place.database
	return o.Server(d).RunShell(ctx, postgres.Shell{
		Role: c.Username, Database: place.marks.Database, Args: args,
		Login: postgres.Login{Password: c.Password, Host: c.Host, PodIP: d.PodIP, Port: c.LoginPort(), PodPort: d.PodPort},
	})
}

// OpenAdmin does it as the administrator: in the binding's database where r names one, else in the fallback.
func (o *Opener) OpenAdmin(ctx context.Context, r Request, fallback Target, args []string) error {
	if len(r.Workload) == 0 && r.Secret == "" {
		database, err := o.Databases.Find(ctx, fallback.Ref, target.Choice{Container: o.Container})
		if err != nil {
			return err
		}
		return o.Server(database).RunAdminShell(ctx, postgres.Shell{Database: fallback.Database, Args: args})
	}
	place, err := o.locate(ctx, r)
	if err != nil {
		return err
	}
	return o.Server(place.database).RunAdminShell(ctx, postgres.Shell{Database: place.marks.Database, Args: args})
}

// Target is a database that is named without a binding.
type Target struct {
	Ref      target.Ref
	Database string
}

// place is a binding and where its database runs.
type place struct {
	secret   *corev1.Secret
	marks    credentials.Marks
	database *target.Database
}

func (o *Opener) locate(ctx context.Context, r Request) (*place, error) {
	secret, err := o.choose(ctx, r)
	if err != nil {
		return nil, err
	}
	marks, ok := credentials.MarksOf(secret)
	if !ok {
		return nil, fmt.Errorf("secret/%s in namespace %s is no binding's: it carries no marks of kubectl pgbind", secret.Name, secret.Namespace)
	}
	ref, err := target.ParseRef(marks.Postgres, cmp.Or(marks.PostgresNamespace, secret.Namespace))
	if err != nil {
		return nil, errors.New("the Secret's marks do not say where the database runs: bind the workload again")
	}
	database, err := o.Databases.Find(ctx, ref, target.Choice{Container: o.Container})
	if err != nil {
		return nil, err
	}
	return &place{secret, marks, database}, nil
}
