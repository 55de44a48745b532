package binding

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Plan is what is to be done for one binding. Nothing changes it once it is made; another round makes another one.
type Plan struct {
	options    Options
	workload   *workload.Workload
	containers []string
	database   *target.Database
	others     []*target.Database // that may be the primary if database is not
	binding    postgres.Binding
	how        roleAction
	secret     slot
	lost       []string // Secrets that the workload's annotations call this binding's, and that are not
	password   string
}

// plan decides what is to be done for an item.
func (r *run) plan(ctx context.Context, i *Item) (*Plan, error) {
	o, w, database := i.Options, i.Workload, i.candidates[0]
	if database.RunBy(w.UID()) {
		return nil, fmt.Errorf("%s runs the database pod/%s itself: bind the workload that uses the database", w, database.Pod.Name)
	}
	id := i.id()
	i.run, i.password = cmp.Or(i.run, credentials.NewRun()), cmp.Or(i.password, o.Login.Password, credentials.NewPassword())
	p := &Plan{
		options: o, workload: w, containers: i.containers, database: database, others: i.candidates[1:], lost: i.lost, password: i.password,
		binding: postgres.Binding{
			Owner:   postgres.Owner{ID: id, Run: i.run, Namespace: w.Namespace()},
			Access:  postgres.Access{Database: o.Database, Schemas: o.Schemas, Level: o.Level},
			Expires: o.Login.end(), RevokePublic: o.RevokePublic, Force: o.Reference.Force,
		},
	}
	if o.Isolated {
		p.binding.Access.Isolated = id
	}
	if err := r.chooseSecret(ctx, i, p); err != nil {
		return nil, err
	}
	i.lost, p.how = p.lost, i.roleAction(p)
	if err := r.tryServiceBinding(ctx, p); err != nil {
		return nil, err
	}
	return p, r.checkReference(i, p)
}

// id is that of the binding.
func (i *Item) id() string {
	w := i.Workload
	return credentials.ID(credentials.Identity(w.Namespace(), w.String(), w.UID()), i.candidates[0].Location, i.Options.Database)
}

// roleAction is what the last round has found out about the login role, else what the Secret says.
func (i *Item) roleAction(p *Plan) roleAction {
	switch {
	case i.try.role == p.binding.Role:
		return i.try.how
	case p.secret.existing == nil:
		return createRole
	case !p.noted():
		// A Secret that the workload does not reference belongs to a run that died, or is still in progress and may be rolled back: setting
		// the password, although it is the same, makes the role this run's.
		return takeRole
	}
	return keepRole
}

// on is the plan for another server of the same database.
func (p *Plan) on(database *target.Database) *Plan {
	other := *p
	other.database = database
	return &other
}

// request is what the server is asked for.
func (p *Plan) request() postgres.Request {
	return postgres.Request{Binding: p.binding, Login: p.login(p.how != keepRole)}
}

// login is how the role's password is verified, and set before that where set is true.
func (p *Plan) login(set bool) postgres.Login {
	return postgres.Login{
		Password: p.password, Set: set,
		Host: p.database.HostName(), HostComplete: p.database.HostComplete(), HostChosen: p.database.Host != "", Port: p.database.Port,
		Address: p.database.Address, PodIP: p.database.PodIP, PodPort: p.database.PodPort,
	}
}

// verified is what the login has shown of the server; the zero value stands for a login that was not made yet.
type verified struct {
	host      string
	encrypted bool
}

// written is the binding as it is printed and kept in files; a nil result is that of a dry run.
func (p *Plan) written(result *postgres.Result) *v1alpha1.Binding {
	written := p.marks().Written(p.secretName())
	if result != nil {
		written.Status.Host, written.Status.Verified = result.Host, &result.Verified
	}
	return written
}

// slot is the Secret that a binding has or will have.
type slot struct {
	name       string
	generation int            // of the login role whose credentials it holds
	existing   *corev1.Secret // nil: not there yet
}
