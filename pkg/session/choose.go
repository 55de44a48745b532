package session

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

// choose reads the Secret of the one binding that is meant. That there is none, or more than one, is an error that lists them.
func (o *Opener) choose(ctx context.Context, r Request) (*corev1.Secret, error) {
	name := r.Secret
	if name == "" {
		candidates, err := o.candidates(ctx, r)
		if err != nil {
			return nil, err
		}
		if len(candidates) != 1 {
			return nil, choiceError(r, candidates)
		}
		name = candidates[0].secret
	}
	secret, err := o.Kube.CoreV1().Secrets(r.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read secret/%s in namespace %s: %w", name, r.Namespace, err)
	}
	return secret, nil
}

// candidate is a binding that may be meant.
type candidate struct{ workload, secret, database string }

// candidates are the bindings that the named workload notes, or all of the namespace.
func (o *Opener) candidates(ctx context.Context, r Request) ([]candidate, error) {
	var found []candidate
	if len(r.Workload) == 0 {
		all, err := o.Inventory.Read(ctx, r.Namespace, labels.Everything())
		if err != nil {
			return nil, err
		}
		for _, b := range all.Bindings {
			if b.Secret != inventory.Absent {
				found = append(found, candidate{b.Marks.Workload, b.SecretName, b.Marks.Database})
			}
		}
		return found, nil
	}
	workloads, err := o.Workloads.Get(ctx, r.Namespace, r.Workload)
	if err != nil {
		return nil, err
	}
	for _, w := range workloads {
		for secret, note := range credentials.AnnotationsOf(w.Annotations()) {
			found = append(found, candidate{w.String(), secret, note.Database})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return strings.Compare(a.secret, b.secret) })
	return found, nil
}

// choiceError says what there is to choose from.
func choiceError(r Request, candidates []candidate) error {
	what := "namespace " + r.Namespace
	if len(r.Workload) > 0 {
		what = strings.Join(r.Workload, " ") + " in " + what
	}
	if len(candidates) == 0 {
		return fmt.Errorf("%s has no binding: make one with kubectl pgbind TYPE/NAME", what)
	}
	var lines strings.Builder
	for _, c := range candidates {
		fmt.Fprintf(&lines, "\n  kubectl pgbind psql %s --secret %s -n %s    # database %s", c.workload, c.secret, r.Namespace, c.database)
	}
	return fmt.Errorf("%s has %d bindings: choose one of them%s", what, len(candidates), lines.String())
}
