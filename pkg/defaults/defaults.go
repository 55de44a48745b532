// Package defaults completes specs: it chooses the server, the database and the access level that a spec does not name. Each choice is
// the first of these that exists: the spec, the workload's own binding, the environment, an annotation of the Namespace, the default Pod,
// and the only server or database there is. A binding whose access level is wider than that of the environment or the Namespace is an
// error. It only reads.
package defaults

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Servers finds servers. *server.Finder implements it.
type Servers interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
	Exact(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
	Servers(ctx context.Context, namespace string) ([]server.Found, []error, error)
}

// Databases reads the databases of one server. *postgres.Server implements it.
type Databases interface {
	Databases(ctx context.Context) (*postgres.Contents, error)
}

// Resolver completes specs. It asks the API server and each server once, however many specs it completes at the same time.
type Resolver struct {
	Kube      kubernetes.Interface
	Servers   Servers
	Databases func(e *server.Endpoint, spec v1alpha1.BindingSpec, adminPassword string) Databases
	Getenv    func(string) string
	// Choose asks the user and returns the index of the option. It is nil without a terminal.
	Choose func(ctx context.Context, question string, options []string) (int, error)
	// Notify tells the user what was chosen, before anything is written.
	Notify func(text string)

	namespaces memo[string, map[string]string]
	candidates memo[address, []*server.Endpoint]
	servers    memo[string, server.Ref]
	databases  memo[login, string]

	notified sync.Map
}

// Request is a spec to complete.
type Request struct {
	Namespace     string               // of the workload
	Spec          v1alpha1.BindingSpec // as flags or a file name it
	Bound         []secret.Marks       // the workload's bindings, each with the name of its Secret
	AdminPassword string               // that the user gives, or empty
}

// Complete returns the spec with a server, a database and an access level. It returns the candidates of the server if
// it had to find them. An error names the flags to choose with.
func (r *Resolver) Complete(ctx context.Context, q Request) (v1alpha1.BindingSpec, []*server.Endpoint, error) {
	c := newCompletion(r, q)
	for _, choose := range []func(context.Context) error{c.server, c.database, c.access} {
		if err := choose(ctx); err != nil {
			return q.Spec, nil, err
		}
	}
	return c.spec, c.found, nil
}

// Server returns the spec with a server, and with a database and an access level as far as something names them. It reads no server.
func (r *Resolver) Server(ctx context.Context, q Request) (v1alpha1.BindingSpec, error) {
	c := newCompletion(r, q)
	if err := c.server(ctx); err != nil {
		return q.Spec, err
	}
	if c.spec.DBName == "" {
		name, _, err := c.named(ctx, dbname)
		if err != nil {
			return q.Spec, err
		}
		c.spec.DBName = name
	}
	return c.spec, nil
}

// completion is one call of a Resolver.
type completion struct {
	*Resolver
	Request
	spec  v1alpha1.BindingSpec
	own   *secret.Marks // the workload's only binding; nil: it has none or several
	found []*server.Endpoint
}

func newCompletion(r *Resolver, q Request) *completion {
	return &completion{Resolver: r, Request: q, spec: q.Spec, own: only(q)}
}

// only returns the workload's only binding: of several, the one whose Secret or database the spec names. That of an
// owner container counts if there is no other.
func only(q Request) *secret.Marks {
	isOwner := func(b secret.Marks) bool { return b.IsOwner() }
	if others := slices.DeleteFunc(slices.Clone(q.Bound), isOwner); len(others) > 0 {
		q.Bound = others
	}
	var found []*secret.Marks
	for i := range q.Bound {
		b := &q.Bound[i]
		matches := (q.Spec.Secret == "" || q.Spec.Secret == b.Secret) && (q.Spec.DBName == "" || q.Spec.DBName == b.DBName)
		if !b.Unbinding && b.Postgres != "" && (len(q.Bound) == 1 || matches) {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// sendsPassword reports whether the user gives the administrator's password, which is sent only to a server that the user named.
func (c *completion) sendsPassword() bool {
	return c.AdminPassword != "" || c.Spec.AdminPasswordFrom != ""
}

// serverNamespace returns the namespace in which the server is, or is searched.
func (c *completion) serverNamespace() string { return cmp.Or(c.spec.PostgresNamespace, c.Namespace) }

// notify tells the user something once.
func (r *Resolver) notify(text string) {
	if _, again := r.notified.LoadOrStore(text, true); !again {
		r.Notify(text)
	}
}

// memo remembers the results of calls by key.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]func() (V, error)
}

// get returns the result of the first call for the key.
func (m *memo[K, V]) get(key K, call func() (V, error)) (V, error) {
	m.mu.Lock()
	if m.calls == nil {
		m.calls = map[K]func() (V, error){}
	}
	if m.calls[key] == nil {
		m.calls[key] = sync.OnceValues(call)
	}
	result := m.calls[key]
	m.mu.Unlock()
	return result()
}
