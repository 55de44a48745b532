package defaults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// ErrUnnamed refuses to send a password to a server that the user did not name.
var ErrUnnamed = errors.New("--admin-password-from needs --postgres: the password is sent only to a database that you name")

// ErrUnclear is wrapped by the errors about no server and about several, from which only the user can choose.
var ErrUnclear = errors.New("name one with --postgres")

// address is what the candidates of a server depend on.
type address struct {
	ref    server.Ref
	choice server.Choice
}

// ref returns the server of a spec that names one.
func (c *completion) ref() (server.Ref, error) { return server.RefOf(c.spec.WithDefaults(c.Namespace)) }

// ownRef returns the server of the workload's only binding.
func (c *completion) ownRef() (server.Ref, error) {
	return server.RefOf(c.own.WithDefaults(c.Namespace))
}

// server chooses the server.
func (c *completion) server(ctx context.Context) error {
	if c.spec.Postgres != "" {
		return nil
	}
	if done, err := c.serverOfBinding(); done || err != nil {
		return err
	}
	value, source, err := c.named(ctx, postgresRef)
	switch {
	case err != nil:
		return err
	case value == "":
		return c.findServer(ctx)
	case c.sendsPassword() && source != postgresRef.variable():
		return ErrUnnamed
	}
	c.spec.Postgres = value
	c.notify(fmt.Sprintf("using %s in namespace %s: %s", value, c.serverNamespace(), source))
	return nil
}

// serverOfBinding takes the server of the workload's only binding. Annotations can be forged, so they do not lead to
// another namespace than the user's.
func (c *completion) serverOfBinding() (done bool, err error) {
	if c.own == nil {
		return false, nil
	}
	ref, err := c.ownRef()
	switch {
	case err != nil:
		return false, nil //nolint:nilerr // an annotation that cannot be parsed names no server
	case ref.Namespace != c.serverNamespace() && c.spec.PostgresNamespace == "":
		return false, fmt.Errorf(
			"the binding in secret/%s is on a server in namespace %s: name it with --postgres=%s --postgres-namespace=%[2]s",
			c.own.Secret, ref.Namespace, ref,
		)
	case ref.Namespace != c.serverNamespace():
		return false, nil
	case c.sendsPassword():
		return false, ErrUnnamed
	}
	c.spec.Postgres = c.own.Postgres
	if ref.String() != v1alpha1.DefaultPostgres {
		c.notify(fmt.Sprintf("using %s in namespace %s: the binding in secret/%s", ref, ref.Namespace, c.own.Secret))
	}
	return true, nil
}

// findServer takes the default Pod if it exists, or else the only server in the namespace. If the Pod exists and
// cannot be used, or nothing can be found out, the spec names the Pod: the error that follows says why.
func (c *completion) findServer(ctx context.Context) error {
	c.spec.Postgres = v1alpha1.DefaultPostgres
	ref, err := c.ref()
	if err != nil {
		return err
	}
	key := address{ref, server.ChoiceOf(c.spec)}
	found, err := c.candidates.get(key, func() ([]*server.Endpoint, error) { return c.Servers.Exact(ctx, key.ref, key.choice) })
	if !apierrors.IsNotFound(err) {
		c.found = found
		return nil
	}
	namespace := c.serverNamespace()
	picked, err := c.servers.get(namespace, func() (server.Ref, error) { return c.pickServer(ctx, namespace) })
	switch {
	case err != nil:
		return err
	case picked == server.Ref{}:
		return nil
	case c.sendsPassword():
		return ErrUnnamed
	}
	c.spec.Postgres = picked.String()
	return nil
}

// noServerError reports that no server of a namespace can be used, and why.
type noServerError struct {
	namespace string
	reason    error
}

func (e *noServerError) Error() string {
	return fmt.Sprintf("no PostgreSQL server can be used in namespace %s: %v", e.namespace, e.reason)
}

// Is lets the error stand for ErrUnclear: the user can name another server.
func (*noServerError) Is(target error) bool { return target == ErrUnclear }

// pickServer returns the only server in a namespace, or the one that the user chooses. It returns none if Pods cannot be listed.
func (r *Resolver) pickServer(ctx context.Context, namespace string) (server.Ref, error) {
	found, gaps, err := r.Servers.Servers(ctx, namespace)
	if err != nil {
		return server.Ref{}, nil //nolint:nilerr // see findServer
	}
	// Clients often have the image of a server. Applications reach a server through a Service.
	reachable := slices.DeleteFunc(slices.Clone(found), func(f server.Found) bool { return f.Primary().Service == "" })
	if len(reachable) > 0 {
		found = reachable
	}
	switch len(found) {
	case 0:
		if len(gaps) > 0 {
			return server.Ref{}, &noServerError{namespace, errors.Join(gaps...)}
		}
		return server.Ref{}, fmt.Errorf("no PostgreSQL server found in namespace %s: %w and --postgres-namespace; "+
			"kubectl pgbind servers -A lists them", namespace, ErrUnclear)
	case 1:
		r.notify(fmt.Sprintf("using %s in namespace %s: the only PostgreSQL server there", found[0].Ref(), namespace))
		return found[0].Ref(), nil
	}
	var options []option
	for _, f := range found {
		options = append(options, option{f.Ref().String(), f.Description()})
	}
	i, err := r.choose(
		ctx,
		question{fmt.Sprintf("namespace %s has %d PostgreSQL servers", namespace, len(options)), ErrUnclear, "--postgres", options},
	)
	if err != nil {
		return server.Ref{}, err
	}
	return found[i].Ref(), nil
}

// question is a choice of the user, and the flag that makes it.
type question struct {
	fact    string
	advice  error // without a terminal
	flag    string
	options []option
}

// option is a value of the flag, and what it means; empty: the value says it.
type option struct{ value, meaning string }

// lines returns the options as lines of a list, with what they mean behind the values, which convert changes.
func (q question) lines(convert func(value string) string) []string {
	values, width := make([]string, len(q.options)), 0
	for i, o := range q.options {
		values[i] = convert(o.value)
		width = max(width, len(values[i]))
	}
	for i, o := range q.options {
		if o.meaning != "" {
			values[i] = fmt.Sprintf("%-*s   %s", width, values[i], o.meaning)
		}
	}
	return values
}

// choose asks the user at a terminal. Without one, the error contains the options as flags.
func (r *Resolver) choose(ctx context.Context, q question) (int, error) {
	if r.Choose != nil {
		return r.Choose(ctx, q.fact, q.lines(func(value string) string { return value }))
	}
	lines := q.lines(func(value string) string { return flagWith(q.flag, value) })
	return 0, fmt.Errorf("%s: %w:\n  %s", q.fact, q.advice, strings.Join(lines, "\n  "))
}
