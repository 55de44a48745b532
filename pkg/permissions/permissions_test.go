package permissions

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"
)

// reviewer answers reviews as an API server does, and counts the requests.
type reviewer struct {
	rules      map[string][]authorizationv1.ResourceRule // by namespace
	incomplete bool
	allowed    string // a permission that only a review of it shows

	mu       sync.Mutex
	requests []string
}

func (r *reviewer) client() *fake.Clientset {
	kube := fake.NewClientset()
	kube.PrependReactor("create", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests = append(r.requests, action.GetResource().Resource)
		create, _ := action.(clienttesting.CreateAction)
		switch review := create.GetObject().(type) {
		case *authorizationv1.SelfSubjectRulesReview:
			review.Status = authorizationv1.SubjectRulesReviewStatus{
				ResourceRules: r.rules[review.Spec.Namespace],
				Incomplete:    r.incomplete,
			}
			return true, review, nil
		case *authorizationv1.SelfSubjectAccessReview:
			of := review.Spec.ResourceAttributes
			name := strings.TrimSuffix(of.Resource+"/"+of.Subresource, "/")
			review.Status.Allowed = r.allowed == On(of.Namespace, of.Verb, strings.TrimSuffix(name+"."+of.Group, ".")).String()
			return true, review, nil
		}
		return false, nil, nil
	})
	return kube
}

func wanted() []Permission {
	return []Permission{
		On("shop", "get", "deployments.apps").To("web"), On("shop", "patch", "deployments.apps").To("web"), On("shop", "create", "secrets"),
		On("data", "create", "pods/exec").To("pg-0"),
	}
}

func TestMissing_AsksOnceForEachNamespace(t *testing.T) {
	for name, test := range map[string]struct {
		rules []authorizationv1.ResourceRule
		data  []authorizationv1.ResourceRule
		want  []string
	}{
		"none": {nil, nil, []string{"get deployments.apps", "patch deployments.apps", "create secrets", "create pods/exec"}},
		"everything": {
			[]authorizationv1.ResourceRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}},
			[]authorizationv1.ResourceRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*/exec"}}}, nil,
		},
		"some": {
			[]authorizationv1.ResourceRule{{Verbs: []string{"get"}, APIGroups: []string{"apps"}, Resources: []string{"deployments"}}},
			[]authorizationv1.ResourceRule{{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods/exec"}}},
			[]string{"patch deployments.apps", "create secrets"},
		},
		"one object": {
			[]authorizationv1.ResourceRule{
				{Verbs: []string{"get", "patch"}, APIGroups: []string{"apps"}, Resources: []string{"deployments"}, ResourceNames: []string{"web"}},
				{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"secrets"}},
			},
			[]authorizationv1.ResourceRule{{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods/exec"}, ResourceNames: []string{"other"}}},
			[]string{"create pods/exec"},
		},
		"another group, another resource, another object": {
			[]authorizationv1.ResourceRule{
				{Verbs: []string{"get", "patch"}, APIGroups: []string{"extensions"}, Resources: []string{"deployments"}},
				{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"web"}},
			},
			[]authorizationv1.ResourceRule{{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods"}}},
			[]string{"get deployments.apps", "patch deployments.apps", "create secrets", "create pods/exec"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &reviewer{rules: map[string][]authorizationv1.ResourceRule{"shop": test.rules, "data": test.data}}
			missing, err := NewReviewer(r.client()).Missing(t.Context(), wanted())
			require.NoError(t, err)
			var names []string
			for _, p := range missing {
				names = append(names, p.String())
			}
			assert.Equal(t, test.want, names)
			assert.Equal(t, []string{"selfsubjectrulesreviews", "selfsubjectrulesreviews"}, r.requests)
			assert.Equal(t, test.want == nil, missing == nil)
		})
	}
}

func TestMissing_AsksForEachIfTheRulesAreIncomplete(t *testing.T) {
	r := &reviewer{incomplete: true, allowed: "create pods/exec"}
	missing, err := NewReviewer(r.client()).Missing(t.Context(), wanted())
	require.NoError(t, err)
	assert.Equal(t, wanted()[:3], missing)
	assert.Len(t, r.requests, 2+4)
}

func TestMissing_ReturnsErrors(t *testing.T) {
	kube := fake.NewClientset()
	kube.PrependReactor("create", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no") })
	_, err := NewReviewer(kube).Missing(t.Context(), wanted())
	require.ErrorContains(t, err, "list your permissions in namespace ")
}

// TestMissingError_HasRules reads the rules back as an API server would.
func TestMissingError_HasRules(t *testing.T) {
	cause := errors.New("deployments.apps is forbidden")
	err := &MissingError{Missing: wanted(), Err: cause}
	require.ErrorIs(t, err, cause)
	assert.Contains(t, err.Error(), "4 permissions are missing (deployments.apps is forbidden)")
	_, data, _ := strings.Cut(err.Error(), "# in namespace data;")
	data, shop, found := strings.Cut(data, "# in namespace shop;")
	require.True(t, found)
	for text, want := range map[string][]rbacv1.PolicyRule{
		data: {{APIGroups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}}},
		shop: {
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get", "patch"}},
			{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
		},
	} {
		_, lines, _ := strings.Cut(text, "\n")
		var rules []rbacv1.PolicyRule
		require.NoError(t, yaml.UnmarshalStrict([]byte(lines), &rules))
		assert.Equal(t, want, rules)
	}
	assert.Contains(t, (&MissingError{Missing: wanted()[:1]}).Error(), "a permission is missing. Ask")
}
