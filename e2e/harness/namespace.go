package harness

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Namespace is one namespace of the cluster and the commands within it.
type Namespace struct {
	*Harness
	Name string
}

// Namespace returns the namespace of that name. It need not exist yet.
func (h *Harness) Namespace(name string) *Namespace {
	return &Namespace{Harness: h, Name: name}
}

// CreateNamespace creates a namespace with a generated name.
func (h *Harness) CreateNamespace(ctx context.Context) (*Namespace, error) {
	created, err := h.Client.CoreV1().Namespaces().Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "pgbind-e2e-"}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("make a namespace: %w", err)
	}
	return h.Namespace(created.Name), nil
}

// Delete deletes the namespace and does not wait for the end.
func (n *Namespace) Delete(ctx context.Context) error {
	if err := n.Client.CoreV1().Namespaces().Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete the namespace %s: %w", n.Name, err)
	}
	return nil
}

// Kubectl is "kubectl args..." in this namespace.
func (n *Namespace) Kubectl(args ...string) *Command {
	return n.Harness.Kubectl(append([]string{"--namespace=" + n.Name}, args...)...)
}

// Pgbind is "kubectl pgbind args..." in this namespace. Arguments after -- belong to psql.
func (n *Namespace) Pgbind(args ...string) *Command {
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	return n.Harness.Pgbind(slices.Insert(slices.Clone(args), end, "--namespace="+n.Name)...)
}
