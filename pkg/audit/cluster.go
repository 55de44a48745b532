package audit

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/pager"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// secretRoles are the roles whose logins Secrets hold.
type secretRoles map[types.NamespacedName]string

// cluster is what was read from the API server.
type cluster struct {
	namespace string // empty: all namespaces
	pods      []corev1.Pod
	index     *podIndex
	owners    *owners
	workloads map[types.UID]workloadRef // of Pods
	templates []template

	bindings    []binding // that have a Secret
	secretsRead bool      // the metadata of all Secrets of bindings

	secretLogins []secretLogin // values; only if they were asked for
	valuesRead   bool

	gaps []string // what could not be read
}

// reader reads a cluster. Lists run at the same time.
type reader struct {
	kube     kubernetes.Interface
	metadata metadata.Interface
	mu       sync.Mutex
	cluster  *cluster
	nodes    map[netip.Addr]string
	specs    []workloadSpec
}

// workloadSpec is the pod template of a workload that can have no Pod now.
type workloadSpec struct {
	meta metav1.ObjectMeta
	kind string
	spec corev1.PodSpec
}

// read lists what the audit joins. Only Pods are necessary; everything else that cannot be read becomes a gap.
func (r *reader) read(ctx context.Context, namespace string) (*cluster, error) {
	r.cluster = &cluster{
		namespace: namespace,
		workloads: map[types.UID]workloadRef{},
	}
	r.cluster.owners, r.nodes = newOwners(), map[netip.Addr]string{}
	var lists errgroup.Group
	lists.Go(func() error {
		err := each(ctx, r.kube.CoreV1().Pods(namespace).List, func(p *corev1.Pod) { r.cluster.pods = append(r.cluster.pods, *p) })
		if err != nil {
			return fmt.Errorf("list pods: %w", err)
		}
		return nil
	})
	optional(r, &lists, "nodes", func() error { return each(ctx, r.kube.CoreV1().Nodes().List, r.addNode) })
	optional(r, &lists, "deployments", func() error {
		return each(
			ctx,
			r.kube.AppsV1().Deployments(namespace).List,
			func(d *appsv1.Deployment) { r.addSpec("Deployment", d.ObjectMeta, d.Spec.Template.Spec) },
		)
	})
	optional(r, &lists, "statefulsets", func() error {
		return each(
			ctx,
			r.kube.AppsV1().StatefulSets(namespace).List,
			func(s *appsv1.StatefulSet) { r.addSpec("StatefulSet", s.ObjectMeta, s.Spec.Template.Spec) },
		)
	})
	optional(r, &lists, "daemonsets", func() error {
		return each(
			ctx,
			r.kube.AppsV1().DaemonSets(namespace).List,
			func(s *appsv1.DaemonSet) { r.addSpec("DaemonSet", s.ObjectMeta, s.Spec.Template.Spec) },
		)
	})
	optional(r, &lists, "cronjobs", func() error {
		return each(ctx, r.kube.BatchV1().CronJobs(namespace).List, func(c *batchv1.CronJob) {
			r.addSpec("CronJob", c.ObjectMeta, c.Spec.JobTemplate.Spec.Template.Spec)
		})
	})
	for _, resource := range []schema.GroupVersionResource{
		appsv1.SchemeGroupVersion.WithResource("replicasets"), batchv1.SchemeGroupVersion.WithResource("jobs"),
	} {
		optional(r, &lists, resource.Resource, func() error {
			return each(ctx, r.metadata.Resource(resource).Namespace(namespace).List, r.addOwner)
		})
	}
	optional(r, &lists, "secrets", func() error { return r.readBindings(ctx, namespace) })
	err := lists.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	slices.Sort(r.cluster.gaps)
	return r.cluster, err
}

// optional runs a list whose failure is a gap.
func optional(r *reader, lists *errgroup.Group, resource string, list func() error) {
	lists.Go(func() error {
		if err := list(); err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.cluster.gaps = append(r.cluster.gaps, fmt.Sprintf("%s cannot be listed: %v", resource, err))
		}
		return nil
	})
}

// each calls use for each object of a list, page by page.
func each[L runtime.Object, T any](ctx context.Context, list func(context.Context, metav1.ListOptions) (L, error), use func(*T)) error {
	return eachWith(ctx, metav1.ListOptions{}, list, use)
}

func eachWith[L runtime.Object, T any](ctx context.Context, options metav1.ListOptions,
	list func(context.Context, metav1.ListOptions) (L, error), use func(*T)) error {
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return list(ctx, options)
	})
	return pages.EachListItem(ctx, options, func(item runtime.Object) error {
		if object, ok := any(item).(*T); ok {
			use(object)
		}
		return nil
	})
}

func (r *reader) addNode(n *corev1.Node) {
	for _, address := range n.Status.Addresses {
		if addr, err := netip.ParseAddr(address.Address); err == nil {
			r.nodes[addr.Unmap()] = n.Name
		}
	}
	// Network plugins translate addresses to the first one of the node's range as well.
	for _, text := range n.Spec.PodCIDRs {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			r.nodes[prefix.Masked().Addr().Next()] = n.Name
		}
	}
}

func (r *reader) addSpec(kind string, meta metav1.ObjectMeta, spec corev1.PodSpec) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.specs = append(r.specs, workloadSpec{meta, kind, spec})
	r.cluster.owners.known[meta.UID] = metav1.GetControllerOf(&meta)
}

func (r *reader) addOwner(object *metav1.PartialObjectMetadata) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cluster.owners.known[object.UID] = metav1.GetControllerOf(object)
}

// readBindings reads which Secrets of bindings exist, and not their values.
func (r *reader) readBindings(ctx context.Context, namespace string) error {
	options := metav1.ListOptions{LabelSelector: secret.ManagedByLabel + "=" + secret.ManagedBy}
	secrets := r.metadata.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(namespace)
	err := eachWith(ctx, options, secrets.List, func(object *metav1.PartialObjectMetadata) {
		if marks, ok := secret.MarksOf(object); ok {
			name := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
			r.cluster.bindings = append(r.cluster.bindings, binding{name, marks.ID, withoutGroup(marks.Workload), marks.Role})
		}
	})
	r.cluster.secretsRead = err == nil
	return err
}

// binding is a binding according to the metadata of its Secret.
type binding struct {
	secret             types.NamespacedName
	id, workload, role string
}

// isBoundTo reports whether the role is the login of a binding of the workload.
func (c *cluster) isBoundTo(namespace, workload, role string) bool {
	return slices.ContainsFunc(c.bindings, func(b binding) bool {
		return b.secret.Namespace == namespace && b.workload == withoutGroup(workload) && b.role == role
	})
}

// hasBinding reports whether a binding with this id has a Secret in the namespace.
func (c *cluster) hasBinding(namespace, id string) bool {
	return slices.ContainsFunc(c.bindings, func(b binding) bool { return b.secret.Namespace == namespace && b.id == id })
}

// withoutGroup turns deployment.apps/web into deployment/web.
func withoutGroup(workload string) string {
	kind, name, _ := strings.Cut(workload, "/")
	kind, _, _ = strings.Cut(kind, ".")
	return kind + "/" + name
}

// finish names the owners of Pods, and collects the templates: those of workloads, and those of Pods of other kinds.
func (r *reader) finish(ctx context.Context, resolve Resolver) {
	c := r.cluster
	c.index = newPodIndex(c.pods, r.nodes)
	have := map[workloadRef]bool{}
	for _, s := range r.specs {
		w := c.owners.of(ctx, s.kind, &s.meta, resolve)
		have[w] = true
		c.templates = append(c.templates, templateOf(w, &s.spec))
	}
	for i := range c.pods {
		pod := &c.pods[i]
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		w := c.owners.of(ctx, "Pod", &pod.ObjectMeta, resolve)
		c.workloads[pod.UID] = w
		if !have[w] {
			have[w] = true
			c.templates = append(c.templates, templateOf(w, &pod.Spec))
		}
	}
}

func (c *cluster) workloadOf(pod *corev1.Pod) workloadRef { return c.workloads[pod.UID] }

// covers reports whether the audit reads the namespace.
func (c *cluster) covers(namespace string) bool { return c.namespace == "" || c.namespace == namespace }
