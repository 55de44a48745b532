package inventory

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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
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

// Binding is one binding with its Secret and its workload, or what is left of them.
type Binding struct {
	Subject
	SecretName string
	Secret     *corev1.Secret // nil: deleted
	Marks      secret.Marks   // from the Secret, or from the workload's annotation
}

// Owner returns the owner that the comments of the binding's roles must name.
func (b *Binding) Owner() postgres.Owner {
	return postgres.Owner{ID: b.Marks.ID, Run: b.Marks.Run, Namespace: b.Namespace}
}

// FieldManager returns the field manager of every write for the binding: the chosen one, or else that of the bind.
func (b *Binding) FieldManager(chosen string) string {
	return cmp.Or(chosen, b.Marks.FieldManager, fieldmanager.Default)
}

// AccessOf returns the access that the binding's metadata names.
func AccessOf(m secret.Marks) postgres.Access {
	access := postgres.Access{Database: m.DBName, Schemas: m.WithDefaults("").Schemas, Level: postgres.Level(m.Access)}
	if m.Isolated {
		access.Isolated = m.ID
	}
	return access
}

// Location returns the reference to the binding's server from the Secret's metadata, or otherwise if the metadata has none.
func (b *Binding) Location(otherwise server.Ref) (server.Ref, error) {
	if b.Marks.Postgres == "" {
		return otherwise, nil
	}
	ref, err := server.ParseRef(b.Marks.Postgres, cmp.Or(b.Marks.PostgresNamespace, b.Namespace))
	if err != nil {
		return ref, fmt.Errorf("the metadata of secret/%s does not name the database's Pod, StatefulSet or Service (%w): use --postgres",
			b.SecretName, err)
	}
	return ref, nil
}

// Secrets are the Secrets of the bindings of a namespace.
type Secrets struct {
	kube      kubernetes.Interface
	namespace string
	marked    map[string]marked // by name
	forbidden bool              // they cannot be listed
}

// marked is a Secret with the metadata of a binding.
type marked struct {
	secret *corev1.Secret
	marks  secret.Marks
}

// List lists the Secrets of the bindings of a namespace. If that is forbidden, Find reads the Secrets that annotations of workloads name.
func List(ctx context.Context, kube kubernetes.Interface, namespace string) (*Secrets, error) {
	s := &Secrets{kube: kube, namespace: namespace, marked: map[string]marked{}}
	listed, err := secret.List(ctx, kube, namespace)
	if apierrors.IsForbidden(err) {
		s.forbidden = true
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	for _, stored := range listed {
		s.add(stored)
	}
	return s, nil
}

// add adds a Secret, if it has the metadata of a binding.
func (s *Secrets) add(stored *corev1.Secret) {
	if marks, ok := secret.MarksOf(stored); ok {
		s.marked[stored.Name] = marked{stored, marks}
	}
}

// Find returns the binding of the subject, which is in the namespace, that matches the filter, or nil if there is none.
// If several match, the error lists them.
func (s *Secrets) Find(ctx context.Context, n Subject, f Filter) (*Binding, error) {
	found, err := s.FindAll(ctx, n, f)
	switch {
	case err != nil || len(found) == 0:
		return nil, err
	case len(found) > 1:
		return nil, several(found)
	}
	return found[0], nil
}

// FindAll returns the binding of the subject that matches the filter, and with it that of its owner container, or none.
// If others match, the error lists them.
func (s *Secrets) FindAll(ctx context.Context, n Subject, f Filter) ([]*Binding, error) {
	if s.forbidden {
		if err := s.readNoted(ctx, n); err != nil {
			return nil, err
		}
	}
	var found []*Binding
	noted := n.noted()
	for name, marks := range noted {
		b := &Binding{Subject: n, SecretName: name, Marks: marks}
		// The Secret of that name can belong to another binding by now.
		if stored, ok := s.marked[name]; ok && stored.marks.ID == marks.ID {
			b.Secret, b.Marks = stored.secret, stored.marks
		}
		found = append(found, b)
	}
	for name, stored := range s.marked {
		if stored.marks.Workload == n.Name && noted[name].ID != stored.marks.ID {
			found = append(found, &Binding{Subject: n, SecretName: name, Secret: stored.secret, Marks: stored.marks})
		}
	}
	found = slices.DeleteFunc(found, func(b *Binding) bool { return !f.Matches(b.SecretName, b.Marks.DBName) })
	slices.SortFunc(found, func(a, b *Binding) int { return cmp.Compare(a.SecretName, b.SecretName) })
	if len(found) == 2 && found[0].shares(found[1]) || len(found) < 2 {
		return found, nil
	}
	return nil, several(found)
}

// shares reports whether one of two bindings is that of the owner container, and the other one that of the other containers.
func (b *Binding) shares(other *Binding) bool {
	return b.Marks.Location == other.Marks.Location && b.Marks.DBName == other.Marks.DBName && b.Marks.IsOwner() != other.Marks.IsOwner()
}

// Read returns the binding of a Secret. It fails if the Secret has no metadata of a binding.
func Read(ctx context.Context, kube kubernetes.Interface, namespace, name string) (*Binding, error) {
	stored, err := kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, workload.ReadError("secret/"+name, namespace, err)
	}
	marks, ok := secret.MarksOf(stored)
	if !ok {
		return nil, fmt.Errorf("secret/%s in namespace %s no longer belongs to a binding", name, namespace)
	}
	return &Binding{Subject: Subject{Namespace: namespace, Name: marks.Workload}, SecretName: name, Secret: stored, Marks: marks}, nil
}

// Matches reports whether the filter selects the binding with that Secret and database.
func (f Filter) Matches(secretName, database string) bool {
	return (f.Secret == "" || f.Secret == secretName) && (f.Database == "" || f.Database == database)
}

// noted returns the bindings that the workload's annotations name, by the names of their Secrets.
func (n Subject) noted() map[string]secret.Marks {
	if n.Workload == nil {
		return nil
	}
	noted := secret.AnnotationsOf(n.Workload.Annotations())
	for name, marks := range noted {
		marks.Workload = n.Name // annotations can be copied from another workload
		noted[name] = marks
	}
	return noted
}

// readNoted reads the Secrets that the workload's annotations name, for a user who cannot list Secrets.
func (s *Secrets) readNoted(ctx context.Context, n Subject) error {
	if n.Workload == nil {
		return fmt.Errorf("%s does not exist, and only the Secrets of namespace %s name its bindings: get the right to list them",
			n.Name, n.Namespace)
	}
	for name := range n.noted() {
		stored, err := s.kube.CoreV1().Secrets(s.namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read secret/%s in namespace %s: %w", name, n.Namespace, err)
		}
		s.add(stored)
	}
	return nil
}

// several returns the error for a workload with more than one matching binding.
func several(found []*Binding) error {
	var names []string
	for _, b := range found {
		names = append(names, fmt.Sprintf("%s (database %s)", b.SecretName, b.Marks.DBName))
	}
	return fmt.Errorf("%s has several bindings: choose one with --secret: %s", found[0].Name, strings.Join(names, ", "))
}
