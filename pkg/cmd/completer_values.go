package cmd

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// list returns the metadata of the objects in the namespace, or of cluster-scoped objects; nothing if they cannot be read.
func (c *completer) list(ctx context.Context, resource schema.GroupVersionResource,
	options metav1.ListOptions) []metav1.PartialObjectMetadata {
	config, err := c.connection.ToRESTConfig()
	if err != nil {
		return nil
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil
	}
	namespace := ""
	if resource != corev1.SchemeGroupVersion.WithResource("namespaces") {
		namespace = c.namespace()
	}
	objects, err := client.Resource(resource).Namespace(namespace).List(ctx, options)
	if err != nil {
		return nil
	}
	return objects.Items
}

func (c *completer) namespace() string {
	namespace, _, err := c.connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return metav1.NamespaceDefault
	}
	return namespace
}

func (c *completer) namespaces(ctx context.Context, _ line) []string {
	return namesOfObjects(c.list(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), metav1.ListOptions{}))
}

// secrets lists the Secrets of bindings.
func (c *completer) secrets(ctx context.Context, _ line) []string {
	return namesOfObjects(c.ourSecrets(ctx))
}

// databases lists the databases of the bindings in the namespace. Asking the server would need an exec, which is audited.
func (c *completer) databases(ctx context.Context, _ line) []string {
	names := map[string]bool{"postgres": true}
	for _, secret := range c.ourSecrets(ctx) {
		if marks, ok := credentials.MarksOf(&secret); ok && marks.Database != "" {
			names[marks.Database] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (c *completer) ourSecrets(ctx context.Context) []metav1.PartialObjectMetadata {
	options := metav1.ListOptions{LabelSelector: credentials.ManagedByLabel + "=" + credentials.ManagedBy}
	return c.list(ctx, corev1.SchemeGroupVersion.WithResource("secrets"), options)
}

func namesOfObjects(objects []metav1.PartialObjectMetadata) []string {
	names := make([]string, 0, len(objects))
	for i := range objects {
		names = append(names, objects[i].Name)
	}
	return names
}

// servers lists the Pods that seem to run PostgreSQL.
func (c *completer) servers(ctx context.Context, l line) []string {
	config, err := c.connection.ToRESTConfig()
	if err != nil {
		return nil
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil
	}
	pods, err := client.CoreV1().Pods(cmp.Or(flagValue(l.cmd, "postgres-namespace"), c.namespace())).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	var names []string
	for _, ref := range target.Candidates(pods.Items) {
		names = append(names, ref.String())
	}
	return names
}

func flagValue(cmd *cobra.Command, name string) string {
	if flag := cmd.Flag(name); flag != nil {
		return flag.Value.String()
	}
	return ""
}

// containers lists the containers of the workload on the command line.
func (c *completer) containers(ctx context.Context, l line) []string {
	client, err := workload.NewClient(c.connection, credentials.ManagedBy)
	if err != nil {
		return nil
	}
	workloads, err := client.Get(ctx, c.namespace(), l.args)
	if err != nil || len(workloads) == 0 {
		return nil
	}
	names := []string{"*"}
	for _, container := range workloads[0].Template().Spec.Containers {
		names = append(names, container.Name)
	}
	return names
}

func (c *completer) contexts(context.Context, line) []string {
	return slices.Sorted(maps.Keys(c.kubeconfig().Contexts))
}

func (c *completer) clusters(context.Context, line) []string {
	return slices.Sorted(maps.Keys(c.kubeconfig().Clusters))
}

func (c *completer) users(context.Context, line) []string {
	return slices.Sorted(maps.Keys(c.kubeconfig().AuthInfos))
}

func (c *completer) kubeconfig() clientcmdapi.Config {
	config, err := c.connection.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return clientcmdapi.Config{}
	}
	return config
}
