package unbind

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// binding is what is taken back.
type binding struct {
	Subject
	options Options
	name    string            // of the Secret
	secret  *corev1.Secret    // nil: gone
	marks   credentials.Marks // the Secret's, or what the workload's annotation tells
	roles   Roles             // nil: abandoned
	held    *postgres.Holdings
}

// owner is what the comment of the binding's roles must say.
func (b *binding) owner() postgres.Owner {
	return postgres.Owner{ID: b.marks.ID, Run: b.marks.Run, Namespace: b.Namespace}
}

// find looks for the binding by the workload's annotations and by the Secrets' marks; either may be all that is left. nil: nothing is bound.
func (u *Unbinder) find(ctx context.Context, n Subject, o Options) (*binding, error) {
	secrets, err := u.markedSecrets(ctx, n)
	if err != nil {
		return nil, err
	}
	var found []*binding
	for name, marks := range u.noted(n) {
		if secret, ok := secrets[name]; ok {
			marks, _ = credentials.MarksOf(secret)
		}
		found = append(found, &binding{Subject: n, options: o, name: name, secret: secrets[name], marks: marks})
		delete(secrets, name)
	}
	for name, secret := range secrets {
		if marks, _ := credentials.MarksOf(secret); marks.Workload == n.Name {
			found = append(found, &binding{Subject: n, options: o, name: name, secret: secret, marks: marks})
		}
	}
	found = slices.DeleteFunc(found, func(b *binding) bool { return !b.wanted() })
	if len(found) > 1 {
		return nil, several(found)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// wanted says whether the options mean this binding.
func (b *binding) wanted() bool {
	o := b.options
	return (o.Secret == "" || o.Secret == b.name) && (o.Database == "" || o.Database == b.marks.Database)
}

// noted is what the workload's own annotations tell, by the names of the Secrets.
func (u *Unbinder) noted(n Subject) map[string]credentials.Marks {
	noted := map[string]credentials.Marks{}
	if n.Workload == nil {
		return noted
	}
	for name, a := range credentials.AnnotationsOf(n.Workload.Annotations()) {
		noted[name] = credentials.Marks{ID: a.ID, Role: a.Role, Database: a.Database, Generation: a.Generation, Workload: n.Name}
	}
	return noted
}

// markedSecrets lists the Secrets that we made in the namespace, by their names.
func (u *Unbinder) markedSecrets(ctx context.Context, n Subject) (map[string]*corev1.Secret, error) {
	marked := map[string]*corev1.Secret{}
	list, err := u.Kube.CoreV1().Secrets(n.Namespace).List(ctx, metav1.ListOptions{LabelSelector: credentials.ManagedByLabel + "=" + credentials.ManagedBy})
	if apierrors.IsForbidden(err) {
		return marked, u.readNoted(ctx, n, marked)
	}
	if err != nil {
		return nil, fmt.Errorf("list the Secrets of namespace %s: %w", n.Namespace, err)
	}
	for i := range list.Items {
		if _, ok := credentials.MarksOf(&list.Items[i]); ok {
			marked[list.Items[i].Name] = &list.Items[i]
		}
	}
	return marked, nil
}

// readNoted does with the Secrets that the workload's annotations name where the others may not be listed.
func (u *Unbinder) readNoted(ctx context.Context, n Subject, marked map[string]*corev1.Secret) error {
	if n.Workload == nil {
		return fmt.Errorf("%s is gone, and the Secrets of namespace %s may not be listed: only they tell what was bound to it", n.Name, n.Namespace)
	}
	for name := range u.noted(n) {
		secret, err := u.Kube.CoreV1().Secrets(n.Namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read secret/%s in namespace %s: %w", name, n.Namespace, err)
		}
		if _, ok := credentials.MarksOf(secret); ok {
			marked[name] = secret
		}
	}
	return nil
}

// several is the error for a workload with more than one binding.
func several(found []*binding) error {
	slices.SortFunc(found, func(a, b *binding) int { return cmp.Compare(a.name, b.name) })
	var names []string
	for _, b := range found {
		names = append(names, fmt.Sprintf("%s (database %s)", b.name, b.marks.Database))
	}
	return fmt.Errorf("%s has several bindings: choose one with --secret: %s", found[0].Name, strings.Join(names, ", "))
}
