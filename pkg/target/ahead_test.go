package target

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
)

func TestTheFirstAnswerWasAskedForAhead(t *testing.T) {
	client := fake.NewClientset()
	asked := make(chan string, 10)
	client.PrependReactor("get", "pods", func(action k8stesting.Action) (bool, runtime.Object, error) {
		get, _ := action.(k8stesting.GetAction)
		asked <- get.GetName()
		return true, &corev1.Pod{}, assert.AnError
	})
	choice := Choice{Host: "db.example"}
	ahead := NewFinder(client).Ahead(t.Context(), Ref{Kind: KindPod, Name: "a", Namespace: "ns"}, choice)
	assert.Equal(t, "a", <-asked)
	for i, name := range []string{"b", "a", "a"} {
		_, err := ahead.Candidates(t.Context(), Ref{Kind: KindPod, Name: name, Namespace: "ns"}, choice)
		require.ErrorIs(t, err, assert.AnError)
		if i == 1 {
			assert.Empty(t, asked)
			continue
		}
		assert.Equal(t, name, <-asked)
	}
}
