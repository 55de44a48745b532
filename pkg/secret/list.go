package secret

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"
)

// List reads the Secrets of all bindings of a namespace with their values, page by page. It returns them by name.
func List(ctx context.Context, kube kubernetes.Interface, namespace string) (map[string]*corev1.Secret, error) {
	secrets := kube.CoreV1().Secrets(namespace)
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return secrets.List(ctx, options)
	})
	found := map[string]*corev1.Secret{}
	err := pages.EachListItem(ctx, metav1.ListOptions{LabelSelector: ManagedByLabel + "=" + ManagedBy}, func(item runtime.Object) error {
		if s, ok := item.(*corev1.Secret); ok {
			found[s.Name] = s
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the Secrets of namespace %s: %w", namespace, err)
	}
	return found, nil
}
