package check

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// replicated is a server whose Pod pg-1 is the primary. A Pod stands for the server only if the location is given.
type replicated struct{ *readers }

func (replicated) Candidates(_ context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error) {
	named := func(name string) *server.Endpoint {
		return &server.Endpoint{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: name}}, Location: location}
	}
	if ref.Kind == server.KindPod && choice.Location != location {
		return []*server.Endpoint{named(ref.Name)}, nil
	}
	return []*server.Endpoint{named("pg-0"), named("pg-1")}, nil
}

// surveyor answers for one Pod.
type surveyor string

func (s surveyor) Survey(_ context.Context, questions []postgres.Question, _ bool) (*postgres.Survey, error) {
	if s != "pg-1" {
		return nil, postgres.ErrStandby
	}
	return &postgres.Survey{Answers: make([]postgres.Answer, len(questions))}, nil
}

// TestCheck_AsksThePrimaryEachTime checks bindings that name their server in different ways, of which some name a Pod
// that is a standby now.
func TestCheck_AsksThePrimaryEachTime(t *testing.T) {
	for _, test := range []struct{ named, at string }{{"pod/pg-0", ""}, {"pod/pg-0", location}, {"pod/pg-1", ""}, {"statefulset/pg", ""}} {
		var bindings []inventory.Entry
		kube := fake.NewCluster(t, []string{"get namespaces", "get secrets"}, nil)
		c := &Checker{
			Kube:      kube,
			Workloads: &readers{t: t},
			Endpoints: replicated{},
			Server:    func(e *server.Endpoint) Server { return surveyor(e.Pod.Name) },
		}
		for name, postgres := range map[string]string{"a": test.named, "b": "statefulset/pg", "c": "pod/pg-0"} {
			marks := secret.Marks{
				BindingSpec:   v1alpha1.BindingSpec{Workload: "deployment.apps/" + name, DBName: "shop", Postgres: postgres, Access: "all"},
				BindingStatus: v1alpha1.BindingStatus{ID: name, Role: "pgb_" + name + "_1", Generation: 1, Location: test.at},
			}
			bindings = append(
				bindings,
				inventory.Entry{Namespace: "ns", SecretName: name, Marks: marks, Secret: inventory.Present, Workload: inventory.Absent},
			)
			stored, err := secret.NewSecret(
				types.NamespacedName{Namespace: "ns", Name: name}, marks,
				secret.Credentials{Host: "h", Username: marks.Role, Password: "p"},
			)
			require.NoError(t, err)
			require.NoError(t, kube.Tracker().Add(stored))
		}
		for range 40 {
			found, err := c.Check(t.Context(), Scope{Bindings: bindings})
			require.NoError(t, err)
			missing := 0
			for _, f := range found {
				require.NotEqual(t, Unknown, f.Reason, f.Message)
				if f.Reason == NoRole {
					missing++
				}
			}
			assert.Equal(t, 3, missing, "the primary answered for each of the bindings")
		}
	}
}

// hidden is a server that the user may not read.
type hidden struct{ *readers }

func (hidden) Candidates(context.Context, server.Ref, server.Choice) ([]*server.Endpoint, error) {
	return nil, errors.New("pods are forbidden")
}

// TestCheck_ReportsAServerThatIsNotFound requires that check says nothing about the role: it did not ask.
func TestCheck_ReportsAServerThatIsNotFound(t *testing.T) {
	marks := secret.Marks{
		BindingSpec:   v1alpha1.BindingSpec{Workload: "deployment.apps/a", DBName: "shop", Postgres: "pod/pg-0", Access: "all"},
		BindingStatus: v1alpha1.BindingStatus{ID: "a", Role: "pgb_a_1", Generation: 1},
	}
	stored, err := secret.NewSecret(
		types.NamespacedName{Namespace: "ns", Name: "a"}, marks, secret.Credentials{Host: "h", Username: marks.Role, Password: "p"},
	)
	require.NoError(t, err)
	c := &Checker{
		Kube:      fake.NewCluster(t, []string{"get namespaces", "get secrets"}, nil, stored),
		Workloads: &readers{t: t},
		Endpoints: hidden{},
		Server: func(*server.Endpoint) Server {
			t.Error("unexpected: there is no server")
			return nil
		},
	}
	b := inventory.Entry{Namespace: "ns", SecretName: "a", Marks: marks, Secret: inventory.Present, Workload: inventory.Absent}

	found, err := c.Check(t.Context(), Scope{Bindings: []inventory.Entry{b}})

	require.NoError(t, err)
	var reasons []string
	for _, finding := range found {
		reasons = append(reasons, string(finding.Reason))
		if finding.Reason == Unknown {
			assert.Contains(t, finding.Message, "the server cannot be queried: pods are forbidden")
		}
	}
	assert.Contains(t, reasons, "Unknown")
	assert.NotContains(t, reasons, "NoRole")
}
