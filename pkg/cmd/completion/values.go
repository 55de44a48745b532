package completion

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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
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

func (c *completer) namespaces(ctx context.Context, _ *cobra.Command, _ []string) []string {
	return namesOfObjects(c.list(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), metav1.ListOptions{}))
}

// secrets lists the Secrets of bindings.
func (c *completer) secrets(ctx context.Context, _ *cobra.Command, _ []string) []string {
	return namesOfObjects(c.ourSecrets(ctx))
}

// databases lists the databases of the bindings in the namespace. Asking the server would need an exec, which is audited.
func (c *completer) databases(ctx context.Context, _ *cobra.Command, _ []string) []string {
	names := map[string]bool{"postgres": true}
	for _, item := range c.ourSecrets(ctx) {
		if marks, ok := secret.MarksOf(&item); ok && marks.DBName != "" {
			names[marks.DBName] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (c *completer) ourSecrets(ctx context.Context) []metav1.PartialObjectMetadata {
	options := metav1.ListOptions{LabelSelector: secret.ManagedByLabel + "=" + secret.ManagedBy}
	return c.list(ctx, corev1.SchemeGroupVersion.WithResource("secrets"), options)
}

func namesOfObjects(objects []metav1.PartialObjectMetadata) []string {
	names := make([]string, 0, len(objects))
	for i := range objects {
		names = append(names, objects[i].Name)
	}
	return names
}

// servers lists the ways to name the servers of the namespace: Services first, Pods last.
func (c *completer) servers(ctx context.Context, cmd *cobra.Command, _ []string) []string {
	config, err := c.connection.ToRESTConfig()
	if err != nil {
		return nil
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil
	}
	namespace, _ := cmd.Flags().GetString("postgres-namespace") // empty if the command does not have the flag
	found, _, err := server.NewFinder(client).Servers(ctx, cmp.Or(namespace, c.namespace()))
	if err != nil {
		return nil
	}
	var names, pods []string
	for _, f := range found {
		for _, ref := range f.Refs {
			if ref.Kind == server.KindPod {
				pods = append(pods, ref.String())
			} else {
				names = append(names, ref.String())
			}
		}
	}
	return append(names, pods...)
}

// containers lists the containers of the workload on the command line.
func (c *completer) containers(ctx context.Context, _ *cobra.Command, args []string) []string {
	client, err := workload.NewClient(c.connection, secret.ManagedBy)
	if err != nil {
		return nil
	}
	workloads, err := client.Get(ctx, c.namespace(), args)
	if err != nil || len(workloads) == 0 {
		return nil
	}
	names := []string{"*"}
	for _, container := range workloads[0].Template().Spec.Containers {
		names = append(names, container.Name)
	}
	return names
}

func (c *completer) contexts(context.Context, *cobra.Command, []string) []string {
	return slices.Sorted(maps.Keys(c.kubeconfig().Contexts))
}

func (c *completer) clusters(context.Context, *cobra.Command, []string) []string {
	return slices.Sorted(maps.Keys(c.kubeconfig().Clusters))
}

func (c *completer) users(context.Context, *cobra.Command, []string) []string {
	return slices.Sorted(maps.Keys(c.kubeconfig().AuthInfos))
}

func (c *completer) kubeconfig() clientcmdapi.Config {
	config, err := c.connection.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return clientcmdapi.Config{}
	}
	return config
}
