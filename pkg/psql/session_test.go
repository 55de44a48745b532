package psql

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// fakeServer records the sessions that were opened.
type fakeServer struct {
	t      *testing.T
	find   server.Ref // the expected reference
	opened []postgres.Shell
	admin  bool
}

func (s *fakeServer) Find(_ context.Context, ref server.Ref, _ server.Choice) (*server.Endpoint, error) {
	assert.Equal(s.t, s.find, ref)
	return &server.Endpoint{Pod: &corev1.Pod{}, PodIP: "10.0.0.1", PodPort: 5433, Port: 5432}, nil
}

func (s *fakeServer) RunShell(_ context.Context, shell postgres.Shell) error {
	s.opened = append(s.opened, shell)
	return nil
}

func (s *fakeServer) RunAdminShell(_ context.Context, shell postgres.Shell) error {
	s.admin, s.opened = true, append(s.opened, shell)
	return nil
}

// stored returns a binding's Secret.
func stored(name string) *corev1.Secret {
	marks := secret.Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Workload:          "deployment.apps/" + name,
			DBName:            "shop",
			Postgres:          "pod/pg-0",
			PostgresNamespace: "data",
		},
		BindingStatus: v1alpha1.BindingStatus{ID: name, Role: "pgb_" + name, Generation: 1},
	}
	made, err := secret.NewSecret(types.NamespacedName{Namespace: "ns", Name: name}, marks,
		secret.Credentials{Host: "pg", Port: 6432, Username: "pgb_" + name, Password: "p-" + name})
	if err != nil {
		panic(err)
	}
	made.Labels = map[string]string{secret.ManagedByLabel: secret.ManagedBy}
	return made
}

// newOpener returns an Opener for a namespace with these Secrets.
func newOpener(t *testing.T, s *fakeServer, secrets ...*corev1.Secret) *Opener {
	t.Helper()
	s.t = t
	scheme := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	var full, metadata []runtime.Object
	for _, one := range secrets {
		full = append(full, one)
		metadata = append(
			metadata,
			&metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: one.ObjectMeta},
		)
	}
	return &Opener{
		Kube: fake.NewSimpleClientset(full...), Inventory: inventory.NewReader(metadatafake.NewSimpleMetadataClient(scheme, metadata...)),
		Endpoints: s, Server: func(*server.Endpoint) Server { return s },
	}
}

func TestOpen_LogsInAsBinding(t *testing.T) {
	s := &fakeServer{find: server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}}
	require.NoError(t, newOpener(t, s, stored("a")).Open(t.Context(), Request{Namespace: "ns"}, []string{"-l"}))
	require.Len(t, s.opened, 1)
	assert.Equal(t, postgres.Shell{
		Role: "pgb_a", Database: "shop", Args: []string{"-l"},
		Login: postgres.Login{Password: "p-a", Host: "pg", PodIP: "10.0.0.1", Port: 6432, PodPort: 5433},
	}, s.opened[0])
}

// workloads is a namespace with one Deployment, which has no annotation.
type workloads struct{ name string }

func (w workloads) Get(_ context.Context, namespace string, _ []string) ([]*workload.Workload, error) {
	found, err := workload.Of(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: w.name}})
	return []*workload.Workload{found}, err
}

func TestOpen_FindsTheSecretOfAnUnchangedWorkload(t *testing.T) {
	s := &fakeServer{find: server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}}
	opener := newOpener(t, s, stored("a"), stored("b"))
	opener.Workloads = workloads{"b"}
	require.NoError(t, opener.Open(t.Context(), Request{Namespace: "ns", Workload: []string{"deployment/b"}}, nil))
	assert.Equal(t, "pgb_b", s.opened[0].Role)

	opener.Workloads = workloads{"c"}
	require.ErrorContains(
		t, opener.Open(t.Context(), Request{Namespace: "ns", Workload: []string{"deployment/c"}}, nil),
		"deployment/c in namespace ns has no binding",
	)
}

func TestOpenAdmin_LogsInAsAdministrator(t *testing.T) {
	fallback := Target{Ref: server.Ref{Kind: "pod", Name: "other", Namespace: "ns"}, Database: "postgres"}
	s := &fakeServer{find: fallback.Ref}
	require.NoError(t, newOpener(t, s).OpenAdmin(t.Context(), Request{Namespace: "ns"}, fallback, nil))
	assert.Equal(t, "postgres", s.opened[0].Database)

	s = &fakeServer{find: server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}}
	require.NoError(
		t,
		newOpener(t, s, stored("a"), stored("b")).OpenAdmin(t.Context(), Request{Namespace: "ns", Secret: "b"}, fallback, nil),
	)
	assert.True(t, s.admin)
	assert.Equal(t, postgres.Shell{Database: "shop"}, s.opened[0], "the administrator's session has no password")
}

func TestOpen_RejectsAmbiguousRequest(t *testing.T) {
	foreign := stored("a")
	foreign.Annotations = nil
	incomplete := stored("a")
	delete(incomplete.Data, "POSTGRES_PASSWORD")
	tests := map[string]struct {
		secrets []*corev1.Secret
		request Request
		err     string
	}{
		"no binding": {nil, Request{Namespace: "ns"}, "namespace ns has no binding"},
		"two bindings": {
			[]*corev1.Secret{stored("a"), stored("b")},
			Request{Namespace: "ns"},
			"psql deployment.apps/b --secret b -n ns",
		},
		"no such Secret":    {nil, Request{Namespace: "ns", Secret: "x"}, "not found"},
		"unmanaged Secret":  {[]*corev1.Secret{foreign}, Request{Namespace: "ns", Secret: "a"}, "is not managed by kubectl pgbind"},
		"incomplete Secret": {[]*corev1.Secret{incomplete}, Request{Namespace: "ns"}, "is missing a key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &fakeServer{find: server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}}
			err := newOpener(t, s, test.secrets...).Open(t.Context(), test.request, nil)
			require.ErrorContains(t, err, test.err)
			assert.NotContains(t, err.Error(), "p-a")
			assert.Empty(t, s.opened)
		})
	}
}
