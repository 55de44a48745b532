package defaults

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// world is a cluster with servers, by the names of their Pods. It counts what is asked.
type world struct {
	t         *testing.T
	servers   []string            // Pods, each with a Service of the same name
	databases map[string][]string // by Pod
	env       map[string]string
	notes     map[string]string // annotations of the Namespace
	forbidden bool              // Pods cannot be listed
	asked     []string
	notified  []string
	chosen    func(options []string) int // nil: no terminal
	passwords []string
}

func database(name string) *server.Endpoint {
	return &server.Endpoint{
		Pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "db", Image: "postgres:17"}}},
		},
		Container: "db",
		Service:   name,
		Location:  "shop/pod/" + name,
	}
}

func (w *world) Exact(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	w.asked = append(w.asked, "exact "+ref.String())
	return w.find(ref)
}

func (w *world) Candidates(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	w.asked = append(w.asked, "candidates "+ref.String())
	return w.find(ref)
}

func (w *world) find(ref server.Ref) ([]*server.Endpoint, error) {
	var found []*server.Endpoint
	for _, name := range w.servers {
		if ref.Namespace == "shop" && (name == ref.Name || ref.Kind == server.KindStatefulSet) {
			found = append(found, database(name))
		}
	}
	if len(found) == 0 {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, ref.Name)
	}
	return found, nil
}

func (w *world) Servers(_ context.Context, namespace string) ([]server.Found, []error, error) {
	w.asked = append(w.asked, "servers "+namespace)
	if w.forbidden {
		return nil, nil, errors.New("forbidden")
	}
	var found []server.Found
	for _, name := range w.servers {
		found = append(found, server.Found{
			Instance: server.Instance{Members: []*server.Endpoint{database(name)}},
			Refs:     []server.Ref{{Kind: server.KindService, Name: name, Namespace: namespace}},
		})
	}
	client := database("client")
	client.Service = ""
	return append(found, server.Found{
		Instance: server.Instance{
			Members: []*server.Endpoint{client},
		},
		Refs: []server.Ref{{Kind: server.KindPod, Name: "client", Namespace: namespace}},
	}), nil, nil
}

type contents struct {
	*world
	pod string
}

func (c contents) Databases(context.Context) (*postgres.Contents, error) {
	c.asked = append(c.asked, "databases of "+c.pod)
	if c.databases[c.pod] == nil {
		return nil, errors.New("no psql there")
	}
	return &postgres.Contents{Databases: c.databases[c.pod]}, nil
}

func (w *world) resolver() *Resolver {
	kube := fake.NewCluster(w.t, []string{"get namespaces"}, func(clienttesting.Action) (bool, runtime.Object, error) {
		w.asked = append(w.asked, "namespace")
		return false, nil, nil
	}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: w.notes}})
	r := &Resolver{
		Kube: kube, Servers: w, Getenv: func(name string) string { return w.env[name] },
		Notify: func(text string) { w.notified = append(w.notified, text) },
		Databases: func(e *server.Endpoint, _ v1alpha1.BindingSpec, password string) Databases {
			w.passwords = append(w.passwords, password)
			return contents{w, e.Pod.Name}
		},
	}
	if w.chosen != nil {
		r.Choose = func(_ context.Context, _ string, options []string) (int, error) { return w.chosen(options), nil }
	}
	return r
}

func bound(postgres, dbname, access string) secret.Marks {
	return secret.Marks{
		BindingSpec:   v1alpha1.BindingSpec{Postgres: postgres, DBName: dbname, Access: access, Secret: "s-" + dbname},
		BindingStatus: v1alpha1.BindingStatus{Location: "shop/pod/pg"},
	}
}

func spec(postgres, dbname, access string) v1alpha1.BindingSpec {
	return v1alpha1.BindingSpec{Postgres: postgres, DBName: dbname, Access: access}
}

func ofOwner(postgres, dbname string) v1alpha1.BindingSpec {
	s := spec(postgres, dbname, "all")
	s.OwnerContainer = "migrate"
	return s
}

func boundOwner(postgres, dbname string) secret.Marks {
	marks := bound(postgres, dbname, "all")
	marks.OwnerContainer = "migrate"
	return marks
}

const lessonPod = "postgresql-sfs-0"

func TestComplete_TakesTheFirstThatSaysSomething(t *testing.T) {
	env := map[string]string{"PGBIND_POSTGRES": "sts/env", "PGBIND_DBNAME": "envdb", "PGBIND_ACCESS": "readonly"}
	notes := map[string]string{"pgbind.dev/postgres": "service/note", "pgbind.dev/dbname": "notedb", "pgbind.dev/access": "readwrite"}
	one := map[string][]string{"pg": {"postgres", "orders"}}
	for name, test := range map[string]struct {
		world world
		q     Request
		want  v1alpha1.BindingSpec
		asked []string
	}{
		"flags": {world{env: env, notes: notes}, Request{Spec: spec("pod/x", "y", "all")}, spec("pod/x", "y", "all"), nil},
		"flags without an access level": {
			world{notes: notes}, Request{Spec: spec("pod/x", "y", "")}, spec("pod/x", "y", "readwrite"), []string{"namespace"},
		},
		"the only binding": {
			world{notes: map[string]string{"pgbind.dev/postgres": "service/note"}}, Request{Bound: []secret.Marks{bound("pod/pg", "orders", "readonly")}},
			spec("pod/pg", "orders", "readonly"), []string{"namespace"},
		},
		"environment": {world{env: env, notes: notes}, Request{}, spec("sts/env", "envdb", "readonly"), nil},
		"other words": {
			world{env: map[string]string{"PGBIND_ACCESS": "ro"}, notes: notes}, Request{}, spec("service/note", "notedb", "readonly"), []string{"namespace"},
		},
		"Namespace": {world{notes: notes}, Request{}, spec("service/note", "notedb", "readwrite"), []string{"namespace"}},
		"lesson": {
			world{servers: []string{lessonPod, "pg"}, databases: one}, Request{}, spec("pod/"+lessonPod, "postgres", ""),
			[]string{"namespace", "exact pod/" + lessonPod},
		},
		"lesson by another name": {
			world{servers: []string{lessonPod}}, Request{Spec: spec("sts/postgresql-sfs", "", "all")}, spec("sts/postgresql-sfs", "postgres", "all"),
			[]string{"namespace", "candidates statefulset/postgresql-sfs"},
		},
		"the only server": {
			world{servers: []string{"pg"}, databases: one}, Request{}, spec("service/pg", "orders", ""),
			[]string{"namespace", "exact pod/" + lessonPod, "servers shop", "candidates service/pg", "databases of pg"},
		},
		"a server with postgres alone": {
			world{servers: []string{"pg"}, databases: map[string][]string{"pg": {"postgres"}}}, Request{Spec: spec("pod/pg", "", "all")},
			spec("pod/pg", "postgres", "all"), []string{"namespace", "candidates pod/pg", "databases of pg"},
		},
		"the first of several members": {
			world{servers: []string{"pg", "b"}, databases: one}, Request{Spec: spec("sts/pg", "", "all")},
			spec("sts/pg", "orders", "all"), []string{"namespace", "candidates statefulset/pg", "databases of pg"},
		},
		"the binding's server by another name": {
			world{servers: []string{"pg"}}, Request{Spec: spec("service/pg", "", ""), Bound: []secret.Marks{bound("pod/pg", "orders", "readonly")}},
			spec("service/pg", "orders", "readonly"), []string{"candidates service/pg", "namespace"},
		},
		"the owner container of a workload that is bound": {
			world{env: map[string]string{"PGBIND_ACCESS": "readonly"}}, Request{Spec: v1alpha1.BindingSpec{OwnerContainer: "migrate"}, Bound: []secret.Marks{bound("pod/pg", "orders", "readwrite")}},
			ofOwner("pod/pg", "orders"), nil,
		},
		"beside an owner container": {
			world{}, Request{Bound: []secret.Marks{boundOwner("pod/pg", "orders"), bound("pod/pg", "orders", "readwrite")}},
			spec("pod/pg", "orders", "readwrite"), []string{"namespace"},
		},
		"an owner container alone": {
			world{}, Request{Bound: []secret.Marks{boundOwner("pod/pg", "orders")}},
			spec("pod/pg", "orders", ""), []string{"namespace"},
		},
		"one of two bindings": {
			world{}, Request{Spec: spec("", "b", ""), Bound: []secret.Marks{bound("pod/x", "a", "all"), bound("pod/pg", "b", "readonly")}},
			spec("pod/pg", "b", "readonly"), []string{"namespace"},
		},
		"Pods cannot be listed": {
			world{forbidden: true}, Request{}, spec("pod/"+lessonPod, "postgres", ""), []string{"namespace", "exact pod/" + lessonPod, "servers shop"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := test.world
			w.t = t
			test.q.Namespace = "shop"
			got, _, err := w.resolver().Complete(t.Context(), test.q)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.asked, w.asked)
		})
	}
}

func TestComplete_Fails(t *testing.T) {
	three := world{servers: []string{"a", "b", "c"}}
	elsewhere := bound("pod/pg", "orders", "all")
	elsewhere.PostgresNamespace = "data"
	own := []secret.Marks{bound("pod/pg", "orders", "all")}
	for name, test := range map[string]struct {
		world world
		q     Request
		want  string
	}{
		"three servers": {three, Request{}, "namespace shop has 3 PostgreSQL servers: name one with --postgres:\n  --postgres=service/a   postgres:17, pod/a\n  --postgres=service/b   postgres:17, pod/b\n  --postgres=service/c   postgres:17, pod/c"},
		"three databases": {
			world{servers: []string{"pg"}, databases: map[string][]string{"pg": {"a", "my shop", "postgres"}}}, Request{Spec: spec("pod/pg", "", "")},
			"pod/pg in namespace shop has 2 databases: name one with --dbname:\n  --dbname=a\n  '--dbname=my shop'",
		},
		"no psql": {world{servers: []string{"pg"}}, Request{Spec: spec("pod/pg", "", "")}, "find the databases of pod/pg in namespace shop (or use --dbname): no psql there"},
		"no database": {
			world{servers: []string{"pg"}, databases: map[string][]string{"pg": {}}}, Request{Spec: spec("pod/pg", "", "")}, "name one with --dbname",
		},
		"environment": {world{env: map[string]string{"PGBIND_POSTGRES": "job/x"}}, Request{}, `read PGBIND_POSTGRES: invalid database "job/x"`},
		"Namespace": {
			world{notes: map[string]string{"pgbind.dev/access": "some"}}, Request{Spec: spec("pod/x", "y", "")},
			`read annotation pgbind.dev/access of namespace shop: access level "some" is unknown`,
		},
		"a binding to another namespace": {
			world{}, Request{Bound: []secret.Marks{elsewhere}}, "name it with --postgres=pod/pg --postgres-namespace=data",
		},
		"a binding with more than the environment grants": {
			world{env: map[string]string{"PGBIND_ACCESS": "readonly"}}, Request{Bound: own}, "choose with --access=all or --access=readonly",
		},
		"a binding with more than the environment grants in other words": {
			world{env: map[string]string{"PGBIND_ACCESS": "read-only"}}, Request{Bound: own}, "choose with --access=all or --access=readonly",
		},
		"password for a guess":       {world{servers: []string{"pg"}}, Request{AdminPassword: "hidden"}, ErrUnnamed.Error()},
		"password for a binding":     {world{}, Request{AdminPassword: "hidden", Bound: own}, ErrUnnamed.Error()},
		"password for an annotation": {world{notes: map[string]string{"pgbind.dev/postgres": "pod/x"}}, Request{AdminPassword: "hidden"}, ErrUnnamed.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			w := test.world
			w.t = t
			test.q.Namespace = "shop"
			_, _, err := w.resolver().Complete(t.Context(), test.q)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, w.passwords, "hidden")
		})
	}
	w := world{t: t}
	r := w.resolver()
	r.Servers = noServers{&w, nil}
	_, _, err := r.Complete(t.Context(), Request{Namespace: "shop"})
	require.ErrorIs(t, err, ErrUnclear)
	require.ErrorContains(t, err, "no PostgreSQL server found in namespace shop")
}

func TestComplete_SaysWhyNoServerCanBeUsed(t *testing.T) {
	w := world{t: t}
	r := w.resolver()
	r.Servers = noServers{&w, []error{errors.New("pod/pg-0 is not ready")}}
	_, _, err := r.Complete(t.Context(), Request{Namespace: "shop"})
	require.ErrorIs(t, err, ErrUnclear, "check goes on without the server")
	require.EqualError(t, err, "no PostgreSQL server can be used in namespace shop: pod/pg-0 is not ready")
}

// noServers is a namespace without a server, and the reasons.
type noServers struct {
	*world
	gaps []error
}

func (n noServers) Servers(context.Context, string) ([]server.Found, []error, error) {
	return nil, n.gaps, nil
}

func TestComplete_TellsAndAsksOnce(t *testing.T) {
	w := &world{
		t: t, servers: []string{"a", "b"}, databases: map[string][]string{"b": {"x", "y"}},
		chosen: func(options []string) int { return len(options) - 1 },
	}
	r := w.resolver()
	for range 3 {
		got, _, err := r.Complete(t.Context(), Request{Namespace: "shop"})
		require.NoError(t, err)
		assert.Equal(t, spec("service/b", "y", ""), got)
	}
	assert.Len(t, w.asked, 5, "each is read once")

	w = &world{t: t, servers: []string{"pg"}, databases: map[string][]string{"pg": {"orders", "postgres"}}}
	r = w.resolver()
	for range 2 {
		_, _, err := r.Complete(t.Context(), Request{Namespace: "shop"})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{
		"using service/pg in namespace shop: the only PostgreSQL server there",
		"using database orders: the only one of service/pg that is not postgres",
	}, w.notified)
}

func TestServer_ReadsNoServer(t *testing.T) {
	w := &world{t: t, servers: []string{"pg"}}
	got, err := w.resolver().Server(t.Context(), Request{Namespace: "shop"})
	require.NoError(t, err)
	assert.Equal(t, spec("service/pg", "", ""), got)
	_, err = w.resolver().Server(t.Context(), Request{Namespace: "shop", Spec: v1alpha1.BindingSpec{AdminPasswordFrom: "stdin"}})
	require.ErrorIs(t, err, ErrUnnamed)
	assert.NotContains(t, w.asked, "databases of pg")
}
