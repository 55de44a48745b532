// Package lookup finds the bindings of a workload from the workload's annotations and the metadata of Secrets.
// Both are hints: everyone who can write these objects can forge them.
package lookup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Subject is the workload of a binding. The workload can already be deleted.
type Subject struct {
	Namespace string
	Name      string             // as kubectl prints it: deployment.apps/web
	Workload  *workload.Workload // nil: deleted
}

// Filter selects one binding of a workload.
type Filter struct {
	Secret   string // empty: any
	Database string // empty: any
}

// Binding is a binding, or what is left of it.
type Binding struct {
	Subject
	SecretName string
	Secret     *corev1.Secret    // nil: deleted
	Marks      credentials.Marks // from the Secret, or from the workload's annotation
}

// Owner returns the owner that the comments of the binding's roles must name.
func (b *Binding) Owner() postgres.Owner {
	return postgres.Owner{ID: b.Marks.ID, Run: b.Marks.Run, Namespace: b.Namespace}
}

// AccessOf returns the access that the binding's metadata names.
func AccessOf(m credentials.Marks) postgres.Access {
	access := postgres.Access{Database: m.Database, Schemas: m.Schemas, Level: postgres.Level(m.Access)}
	if len(access.Schemas) == 0 {
		access.Schemas = []string{"public"}
	}
	if m.Isolated {
		access.Isolated = m.ID
	}
	return access
}

// Location returns the reference to the binding's server from the Secret's metadata, or otherwise if the metadata has none.
func (b *Binding) Location(otherwise target.Ref) (target.Ref, error) {
	if b.Marks.Postgres == "" {
		return otherwise, nil
	}
	ref, err := target.ParseRef(b.Marks.Postgres, cmp.Or(b.Marks.PostgresNamespace, b.Namespace))
	if err != nil {
		return ref, fmt.Errorf("the metadata of secret/%s does not name the database's Pod, StatefulSet or Service (%w): use --postgres",
			b.SecretName, err)
	}
	return ref, nil
}

// Find returns the binding of the subject that matches the filter, or nil if there is none. If several match, the error lists them.
func Find(ctx context.Context, kube kubernetes.Interface, n Subject, f Filter) (*Binding, error) {
	secrets, err := markedSecrets(ctx, kube, n)
	if err != nil {
		return nil, err
	}
	var found []*Binding
	for name, marks := range n.noted() {
		b := &Binding{Subject: n, SecretName: name, Marks: marks}
		// The Secret of that name can belong to another binding by now.
		if secret, ok := secrets[name]; ok {
			if now, _ := credentials.MarksOf(secret); now.ID == marks.ID {
				b.Secret, b.Marks = secret, now
				delete(secrets, name)
			}
		}
		found = append(found, b)
	}
	for name, secret := range secrets {
		if marks, _ := credentials.MarksOf(secret); marks.Workload == n.Name {
			found = append(found, &Binding{Subject: n, SecretName: name, Secret: secret, Marks: marks})
		}
	}
	found = slices.DeleteFunc(found, func(b *Binding) bool { return !f.means(b) })
	if len(found) > 1 {
		return nil, several(found)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// Read returns the binding of a Secret. It fails if the Secret has no metadata of a binding.
func Read(ctx context.Context, kube kubernetes.Interface, namespace, name string) (*Binding, error) {
	secret, err := kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read secret/%s in namespace %s: %w", name, namespace, err)
	}
	marks, ok := credentials.MarksOf(secret)
	if !ok {
		return nil, fmt.Errorf("secret/%s in namespace %s no longer belongs to a binding", name, namespace)
	}
	return &Binding{Subject: Subject{Namespace: namespace, Name: marks.Workload}, SecretName: name, Secret: secret, Marks: marks}, nil
}

func (f Filter) means(b *Binding) bool {
	return (f.Secret == "" || f.Secret == b.SecretName) && (f.Database == "" || f.Database == b.Marks.Database)
}

// noted returns the bindings that the workload's annotations name, by the names of their Secrets.
func (n Subject) noted() map[string]credentials.Marks {
	noted := map[string]credentials.Marks{}
	if n.Workload == nil {
		return noted
	}
	for name, a := range credentials.AnnotationsOf(n.Workload.Annotations()) {
		noted[name] = a.Marks(n.Name)
	}
	return noted
}

// markedSecrets returns the Secrets in the namespace that belong to bindings, by name.
func markedSecrets(ctx context.Context, kube kubernetes.Interface, n Subject) (map[string]*corev1.Secret, error) {
	marked := map[string]*corev1.Secret{}
	list, err := kube.CoreV1().Secrets(n.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: credentials.ManagedByLabel + "=" + credentials.ManagedBy})
	if apierrors.IsForbidden(err) {
		return marked, readNoted(ctx, kube, n, marked)
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

// readNoted reads the Secrets that the workload's annotations name, for a user who cannot list Secrets.
func readNoted(ctx context.Context, kube kubernetes.Interface, n Subject, marked map[string]*corev1.Secret) error {
	if n.Workload == nil {
		return fmt.Errorf("%s does not exist, and only the Secrets of namespace %s name its bindings: get the right to list them",
			n.Name, n.Namespace)
	}
	for name := range n.noted() {
		secret, err := kube.CoreV1().Secrets(n.Namespace).Get(ctx, name, metav1.GetOptions{})
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

// several returns the error for a workload with more than one matching binding.
func several(found []*Binding) error {
	slices.SortFunc(found, func(a, b *Binding) int { return cmp.Compare(a.SecretName, b.SecretName) })
	var names []string
	for _, b := range found {
		names = append(names, fmt.Sprintf("%s (database %s)", b.SecretName, b.Marks.Database))
	}
	return fmt.Errorf("%s has several bindings: choose one with --secret: %s", found[0].Name, strings.Join(names, ", "))
}
