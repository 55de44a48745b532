package psql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// choose reads the Secret of the binding that the request means. If none or several match, the error lists them.
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
		return nil, workload.ReadError("secret/"+name, r.Namespace, err)
	}
	return secret, nil
}

// candidate is a binding that the request can mean.
type candidate struct{ workload, secret, database, access string }

// candidates returns the bindings of the workloads, or all of the namespace. With --inject none, a workload has no annotation, and
// the metadata of the Secret names it.
func (o *Opener) candidates(ctx context.Context, r Request) ([]candidate, error) {
	var found []candidate
	var names []string
	if len(r.Workload) > 0 {
		workloads, err := o.Workloads.Get(ctx, r.Namespace, r.Workload)
		if err != nil {
			return nil, err
		}
		for _, w := range workloads {
			names = append(names, w.String())
			for secret, note := range secret.AnnotationsOf(w.Annotations()) {
				found = append(found, candidate{w.String(), secret, note.DBName, note.Access})
			}
		}
	}
	if len(found) == 0 {
		all, err := o.Inventory.Read(ctx, r.Namespace, labels.Everything())
		if err != nil {
			return nil, err
		}
		for _, b := range all.Entries {
			if b.Secret != inventory.Absent && (len(names) == 0 || slices.Contains(names, b.Marks.Workload)) {
				found = append(found, candidate{b.Marks.Workload, b.SecretName, b.Marks.DBName, b.Marks.Access})
			}
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return strings.Compare(a.secret, b.secret) })
	return found, nil
}

// choiceError returns the error that lists the candidates.
func choiceError(r Request, candidates []candidate) error {
	what := "namespace " + r.Namespace
	if len(r.Workload) > 0 {
		what = strings.Join(r.Workload, " ") + " in " + what
	}
	if len(candidates) == 0 {
		return fmt.Errorf(
			"%s has no binding: create one with: kubectl pgbind %s -n %s", what,
			cmp.Or(strings.Join(r.Workload, " "), "TYPE/NAME"), r.Namespace,
		)
	}
	var lines strings.Builder
	for _, c := range candidates {
		fmt.Fprintf(
			&lines, "\n  kubectl pgbind psql %s --secret %s -n %s    # database %s, %s", c.workload, c.secret,
			r.Namespace, c.database, c.access,
		)
	}
	return fmt.Errorf("%s has %d bindings: choose one%s", what, len(candidates), lines.String())
}
