package takeover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// state is what was read before anything is written.
type state struct {
	login    string // the former one
	access   postgres.Access
	roles    Roles
	endpoint *server.Endpoint
	state    *postgres.FormerLogin
	pods     map[string]string // the workload's Pods, by their addresses
	others   []string          // what else uses the former login
}

// observe completes the spec of the item, and reads the former login and who uses it.
func (t *Taker) observe(ctx context.Context, i *binding.Item) (*state, error) {
	w := i.Workload
	candidates, err := t.complete(ctx, i)
	if err != nil {
		return nil, err
	}
	b, err := t.bound(ctx, w, i.Spec)
	if err != nil {
		return nil, err
	}
	s := &state{access: accessOf(i.Spec, w, candidates[0])}
	before, own := w, ""
	if b != nil {
		own = b.SecretName
		if before, err = restored(w, b); err != nil {
			return nil, err
		}
	}
	former, err := t.recognize(ctx, before, i.Spec.WithDefaults(before.Namespace()), reader{candidates[0], own})
	if err != nil {
		return nil, err
	}
	if s.login = former.Username; b != nil && s.login != b.Marks.FormerLogin {
		return nil, fmt.Errorf("the metadata of secret/%s names role %q as the former login, but the variables of %s name another one: "+
			"set the metadata right, or unbind %[3]s",
			own, b.Marks.FormerLogin, w)
	}
	if err := t.readServer(ctx, s, i.Spec.WithDefaults(w.Namespace()), candidates); err != nil {
		return nil, err
	}
	if err := verify(ctx, w.String(), s, former); err != nil {
		return nil, err
	}
	return s, t.findOthers(ctx, before, s, former)
}

// restored returns a copy of the workload with the variables that it had before its binding. The former login is in them.
func restored(w *workload.Workload, b *inventory.Binding) (*workload.Workload, error) {
	former, err := secret.Former(secret.AnnotationsOf(w.Annotations())[b.SecretName].Former, b.Secret)
	if err != nil {
		return nil, err
	}
	before := w.DeepCopy()
	workload.Restore(before.Template(), b.SecretName, former)
	return before, nil
}

// complete completes the spec, and finds the server.
func (t *Taker) complete(ctx context.Context, i *binding.Item) ([]*server.Endpoint, error) {
	w := i.Workload
	i.Spec.NamesFromWorkload = true
	i.Spec.Access = v1alpha1.DefaultAccess
	var bound []secret.Marks
	for name, marks := range secret.AnnotationsOf(w.Annotations()) {
		marks.Secret = name
		bound = append(bound, marks)
	}
	spec, candidates, err := t.Defaults.Complete(
		ctx,
		defaults.Request{Namespace: w.Namespace(), Spec: i.Spec, Bound: bound, AdminPassword: i.Options.Values.AdminPassword},
	)
	if err != nil {
		return nil, err
	}
	i.Spec = spec
	if len(candidates) > 0 {
		return candidates, nil
	}
	ref, err := server.RefOf(spec.WithDefaults(w.Namespace()))
	if err != nil {
		return nil, err
	}
	return t.Endpoints.Candidates(ctx, ref, server.ChoiceOf(spec))
}

// accessOf returns the access that the binding of the workload has.
func accessOf(spec v1alpha1.BindingSpec, w *workload.Workload, e *server.Endpoint) postgres.Access {
	spec = spec.WithDefaults(w.Namespace())
	id := secret.ID(secret.Identity(w.Namespace(), w.String(), w.UID()), e.Location, spec.DBName, spec.IsOwner())
	return inventory.AccessOf(secret.Marks{BindingSpec: spec, BindingStatus: v1alpha1.BindingStatus{ID: id}})
}

// bound returns the binding of an earlier takeover, or nil. Another binding is an error.
func (t *Taker) bound(ctx context.Context, w *workload.Workload, spec v1alpha1.BindingSpec) (*inventory.Binding, error) {
	secrets, err := inventory.List(ctx, t.Kube, w.Namespace())
	if err != nil {
		return nil, err
	}
	n := inventory.Subject{Namespace: w.Namespace(), Name: w.String(), Workload: w}
	b, err := find(ctx, secrets, n, inventory.Filter{Database: spec.DBName})
	if err == nil && b != nil && b.Marks.FormerLogin == "" {
		return nil, fmt.Errorf(
			"%s has a binding already, by secret/%s, which no takeover created: there is nothing to take over", w,
			b.SecretName,
		)
	}
	return b, err
}

// find returns the binding of the workload's containers, or nil. That of an owner container is another one, which a takeover leaves alone.
func find(ctx context.Context, secrets *inventory.Secrets, n inventory.Subject, f inventory.Filter) (*inventory.Binding, error) {
	found, err := secrets.FindAll(ctx, n, f)
	found = slices.DeleteFunc(found, func(b *inventory.Binding) bool { return b.Marks.IsOwner() })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// reader is what the variables of a workload are compared with: the server, and the Secret of the binding.
type reader struct {
	server *server.Endpoint
	own    string
}

// recognize returns the login in the variables of the containers. The spec has its defaults.
func (t *Taker) recognize(ctx context.Context, w *workload.Workload, spec v1alpha1.BindingSpec, of reader) (former keys.Values, err error) {
	containers, err := workload.Containers(w.Template(), spec.Containers)
	if err != nil {
		return former, fmt.Errorf("%s: %w", w, err)
	}
	for _, container := range containers {
		read, unread, err := t.Workloads.Variables(ctx, w, container, of.own)
		if err != nil {
			return former, err
		}
		names, problems := keys.Recognize(read, keys.Server{Hosts: of.server.Hosts(w.Namespace()), Database: spec.DBName})
		if len(names.Variables) == 0 {
			var texts []string
			for _, p := range problems {
				texts = append(texts, strings.Join(append(p.Variables, p.Message), " "))
			}
			return former, errors.Join(
				fmt.Errorf("the login of container %s of %s in database %q (--dbname) is not recognized: %s", container, w, spec.DBName,
					strings.Join(texts, "; ")),
				unread,
			)
		}
		if former.Username != "" && former.Username != names.Former.Username {
			return former, fmt.Errorf("the containers of %s use different logins: choose one with -c", w)
		}
		former = names.Former
	}
	return former, nil
}

// readServer reads the former login on the primary.
func (t *Taker) readServer(ctx context.Context, s *state, spec v1alpha1.BindingSpec, candidates []*server.Endpoint) error {
	err := postgres.OnPrimary(candidates, func(e *server.Endpoint) (err error) {
		s.endpoint, s.roles = e, t.Roles(e, spec)
		s.state, err = s.roles.FormerLogin(ctx, s.access, s.login)
		return err
	})
	if err != nil {
		return fmt.Errorf("read role %q in pod/%s: %w", s.login, s.endpoint.Pod.Name, err)
	}
	return nil
}

// verify refuses a former login that does not work. Everyone who can change the workload or its Secret can name any role there, so only
// the password proves that the application had the rights of the role.
func verify(ctx context.Context, name string, s *state, former keys.Values) error {
	switch {
	case !s.state.Exists:
		return fmt.Errorf(
			"role %q, the login of %s, does not exist in pod/%s: choose the server with --postgres", s.login, name,
			s.endpoint.Pod.Name,
		)
	case s.state.Marked:
		return fmt.Errorf("role %q, the login of %s, belongs to a binding: there is nothing to take over", s.login, name)
	}
	e := s.endpoint
	err := s.roles.VerifyLogin(ctx, s.login, s.access.Database,
		postgres.Login{Password: former.Password, Host: former.Host, HostComplete: true, Port: e.Port, PodIP: e.PodIP, PodPort: e.PodPort})
	if err != nil {
		return fmt.Errorf(
			"role %q, the former login of %s, does not work with the password in its variables, and only a working login is taken over: %w",
			s.login, name, err,
		)
	}
	return nil
}
