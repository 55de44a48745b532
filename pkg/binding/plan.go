package binding

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Plan is the decision for one binding. It does not change after it is made; another round makes another one.
type Plan struct {
	id                string               // of a new binding
	requested         v1alpha1.BindingSpec // by flags or a file
	merged            v1alpha1.BindingSpec // with what stays from an earlier bind
	spec              v1alpha1.BindingSpec // with defaults as well
	previous          v1alpha1.BindingSpec // of the last bind
	options           Options
	workload          *workload.Workload
	containers        []string
	server            server.Ref
	endpoint          *server.Endpoint
	others            []*server.Endpoint // that can be the primary if endpoint is not
	role              postgres.RoleSpec
	action            roleAction
	secret            plannedSecret
	variables         []string                // the keys of the Secret, present and future, that can be variables
	hidden            []secret.FormerVariable // former variables for the Secret, in addition to those that it has
	inManifest        bool                    // another tool writes the reference, and removes it again
	recreated         bool                    // the Secret is of an earlier workload of the same name, whose binding this one continues
	adopted           *secret.Credentials     // the login that this run adopts; nil: none
	formerLogin       string                  // the login role whose objects go to the access role; empty: none
	owned             []string                // what the access role owned before
	completesAdoption bool                    // the login was adopted, and the adoption may not be complete
	staleSecrets      []string                // Secrets that the workload's annotations name for this binding, and that belong to something else
	password          string
}

// plan decides what to do for an item.
func (r *run) plan(ctx context.Context, i *Item) (*Plan, error) {
	o, w, endpoint, id := i.Options, i.Workload, i.candidates[0], i.id()
	requested, err := r.keepNames(ctx, i, id)
	if err != nil {
		return nil, err
	}
	spec := requested.WithDefaults(i.namespace())
	i.run, i.password = cmp.Or(i.run, secret.NewRun()), cmp.Or(i.password, o.Values.Password, secret.NewPassword())
	p := &Plan{
		id:           id,
		requested:    requested,
		merged:       requested,
		spec:         spec,
		options:      o,
		workload:     w,
		containers:   i.containers,
		server:       i.ref(),
		endpoint:     endpoint,
		others:       i.candidates[1:],
		staleSecrets: i.staleSecrets,
		password:     i.password,
		formerLogin:  i.FormerLogin,
		owned:        i.OwnedBefore,
		role: postgres.RoleSpec{
			Owner:  postgres.Owner{ID: id, Run: i.run, Namespace: w.Namespace()},
			Access: access(spec, id), Creates: creates(spec), Force: o.Force,
		},
	}
	if spec.Expires != nil {
		p.role.Expires = spec.Expires.Time
	}
	if err := r.chooseSecret(ctx, i, p); err != nil {
		return nil, err
	}
	if err := p.checkNames(); err != nil {
		return nil, err
	}
	i.staleSecrets, p.action, p.role.Limits = p.staleSecrets, i.roleAction(p), p.limits()
	if err := r.checkServiceBindingName(ctx, p); err != nil {
		return nil, err
	}
	wanted, err := p.wantedSecret(p.expected())
	if err != nil {
		return nil, fmt.Errorf("secret/%s in namespace %s: %w", p.secret.name, w.Namespace(), err)
	}
	p.variables = secret.VariablesOf(p.spec, wanted.Data)
	if err := p.planFormer(); err != nil {
		return nil, err
	}
	if err := p.refuseNewPods(); err != nil {
		return nil, err
	}
	return p, r.checkReference(i, p)
}

// id returns the id of the binding.
func (i *Item) id() string {
	w := i.Workload
	return secret.ID(secret.Identity(w.Namespace(), w.String(), w.UID()), i.candidates[0].Location, i.spec().DBName, i.Spec.IsOwner())
}

// roleAction returns what to do with the login role: what the last round found out, or else what the Secret suggests.
func (i *Item) roleAction(p *Plan) roleAction {
	switch {
	case i.decided.role == p.role.Name:
		return i.decided.action
	case p.secret.existing == nil:
		return createRole
	case p.adopted != nil:
		return adoptRole
	case !p.noted():
		// A Secret that the workload does not reference belongs to a run that died, or is still in progress and may be rolled back: setting
		// the password, although it is the same, makes the role this run's.
		return takeRole
	}
	return keepRole
}

// withEndpoint returns the plan for another Pod of the same server.
func (p *Plan) withEndpoint(endpoint *server.Endpoint) *Plan {
	other := *p
	other.endpoint = endpoint
	return &other
}

// request returns the request to the server.
func (p *Plan) request() postgres.Request {
	return postgres.Request{Role: p.role, Login: p.login(p.action == takeRole || p.action == createRole)}
}

// login describes how to verify the role's password. If set is true, the password is set before.
func (p *Plan) login(set bool) postgres.Login {
	l := postgres.Login{
		Password: p.password, Set: set,
		Host: p.endpoint.HostName(), HostComplete: p.endpoint.HostComplete(), HostChosen: p.endpoint.Host != "", Port: p.endpoint.Port,
		Address: p.endpoint.Address, PodIP: p.endpoint.PodIP, PodPort: p.endpoint.PodPort,
	}
	if held, ok := p.heldHost(); ok {
		l.Host, l.HostComplete, l.HostChosen, l.Port, l.Address = held.Host, true, p.spec.Host != "", held.LoginPort(), ""
	}
	if p.adopted != nil { // as its application does
		l.Host, l.HostComplete, l.Port, l.Address = p.adopted.Host, true, p.adopted.LoginPort(), ""
	}
	return l
}

// heldHost returns the values of an existing Secret if its host stays. A host that was found, and not chosen, follows
// the server that the user names.
func (p *Plan) heldHost() (secret.Credentials, bool) {
	if p.secret.existing == nil || p.options.Exact || p.endpoint.Host != "" || p.followsServer() {
		return secret.Credentials{}, false
	}
	held, _ := secret.Of(p.secret.existing)
	return held, held.Host != ""
}

// followsServer reports whether the user names the server otherwise than before, for a binding whose host was found.
func (p *Plan) followsServer() bool {
	before := p.previous.WithDefaults(p.workload.Namespace()).Postgres
	return p.secret.existing != nil && p.adopted == nil && p.spec.Host == "" && p.spec.Postgres != before
}

// verified is what a login showed about the server; zero before the login.
type verified struct {
	host      string
	encrypted bool
}

// object returns the binding as it is printed; the result of a dry run is nil.
func (p *Plan) object(result *postgres.Result) *v1alpha1.Binding {
	object := p.stored().Binding(p.secretName())
	if result != nil {
		object.Status.Host, object.Status.Verified = result.Host, &result.Verified
	}
	return object
}

// plannedSecret is the Secret that a binding has or will have.
type plannedSecret struct {
	name       string
	generation int            // of the login role in the Secret
	existing   *corev1.Secret // nil: it does not exist yet
}
