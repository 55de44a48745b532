//go:build e2e

package e2e

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// denial is the message of a request that the test's policy refuses.
const denial = "denied by the test"

// TestUndo accepts dry runs and refuses the real request, so that the error occurs after the role was created.
func TestUndo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, group, resource string
		operation             admissionv1.OperationType
		probe                 []string // a number is appended to the last argument
	}{
		{"secret", "", "secrets", admissionv1.Create, []string{"create", "secret", "generic", "probe-"}},
		{"patch", "apps", "deployments", admissionv1.Update, []string{"annotate", "deployment", lesson.Application, "--overwrite", "probe="}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newLesson(t, harness.WithoutClaim)
			f.deny(test.group, test.resource, test.operation)
			f.waitUntilDenied(test.probe)
			before := f.traces()

			result := f.run(f.Pgbind(application))

			t.Log(result.Stderr)
			assert.Equal(t, 1, result.Code)
			assert.Empty(t, result.Stdout, "a binding that is rolled back is not a result")
			assert.Contains(t, result.Stderr, denial)
			assert.Equal(t, before, f.traces(), "the run rolled back what it created")
		})
	}
}

// deny makes the API server refuse the operation in the namespace, except in a dry run.
func (f *fixture) deny(group, resource string, operation admissionv1.OperationType) {
	f.t.Helper()
	meta := metav1.ObjectMeta{Name: f.Name}
	policies := f.Client.AdmissionregistrationV1()
	_, err := policies.ValidatingAdmissionPolicies().Create(f.ctx, &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: meta,
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": f.Name}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{operation},
					Rule:       admissionv1.Rule{APIGroups: []string{group}, APIVersions: []string{"*"}, Resources: []string{resource}},
				}}},
			},
			Validations: []admissionv1.Validation{{Expression: "has(request.dryRun) && request.dryRun", Message: denial}},
		},
	}, metav1.CreateOptions{})
	require.NoError(f.t, err)
	_, err = policies.ValidatingAdmissionPolicyBindings().Create(f.ctx, &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: meta,
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: f.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}, metav1.CreateOptions{})
	require.NoError(f.t, err)
	f.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		assert.NoError(f.t, policies.ValidatingAdmissionPolicyBindings().Delete(ctx, f.Name, metav1.DeleteOptions{}))
		assert.NoError(f.t, policies.ValidatingAdmissionPolicies().Delete(ctx, f.Name, metav1.DeleteOptions{}))
	})
}

// waitUntilDenied repeats the command, each time with another number at its end, until the policy applies.
func (f *fixture) waitUntilDenied(command []string) {
	f.t.Helper()
	last, number := len(command)-1, 0
	err := wait.PollUntilContextTimeout(f.ctx, 500*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		number++
		result, err := f.Kubectl(append(command[:last:last], command[last]+strconv.Itoa(number))...).Run(ctx)
		return strings.Contains(result.Stderr, denial), err
	})
	require.NoError(f.t, err)
}
