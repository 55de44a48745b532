package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// workers is how many requests of the preparations run at once.
const workers = 16

// database creates a namespace with the lesson's database, as the changes make it. It is deleted at the end.
func (b *bench) database(ctx context.Context, changes ...harness.Change) (*harness.Namespace, error) {
	n, err := b.CreateNamespace(ctx)
	if err != nil {
		return nil, err
	}
	b.made = append(b.made, n)
	all, err := lesson.Objects(n.Name)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, object := range all {
		if object.GetKind() == "Namespace" || object.GetKind() == "Deployment" {
			continue
		}
		// Each probe is an exec. In a real cluster, many nodes share the work of probing twenty databases; here it takes two cores.
		for _, change := range append([]harness.Change{harness.WithoutClaim, harness.WithoutReadiness}, changes...) {
			if err := change(object); err != nil {
				return nil, err
			}
		}
		objects = append(objects, object)
	}
	if err := n.Apply(ctx, objects...); err != nil {
		return nil, err
	}
	if err := n.Rollout(ctx, "statefulset/"+lesson.Database); err != nil {
		return nil, err
	}
	_, err = n.AdminSQL(ctx, lesson.CompanySQL())
	return n, err
}

func deploymentName(number int) string { return fmt.Sprintf("app-%04d", number) }

// deploy creates Deployments with a number of Pods each, and waits until their controller has observed them.
func (b *bench) deploy(ctx context.Context, n *harness.Namespace, number int, replicas int32) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i := range number {
		group.Go(func() error {
			_, err := b.client.AppsV1().Deployments(n.Name).Create(within, deployment(deploymentName(i), replicas), metav1.CreateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("make Deployments in namespace %s: %w", n.Name, err)
	}
	return b.settle(ctx, n)
}

func deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name, "bench": "yes"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "pgbind-app:dev"}}},
			},
		},
	}
}

// settle waits until the controller has observed every Deployment.
func (b *bench) settle(ctx context.Context, n *harness.Namespace) error {
	return b.until(ctx, "the Deployments of namespace "+n.Name+" are seen to", func(ctx context.Context) (bool, error) {
		list, err := b.client.AppsV1().Deployments(n.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		for i := range list.Items {
			if list.Items[i].Status.ObservedGeneration < list.Items[i].Generation {
				return false, nil
			}
		}
		return true, nil
	})
}

// clear deletes the Deployments, their bindings and the roles.
func (b *bench) clear(ctx context.Context, n *harness.Namespace) error {
	background := metav1.DeletePropagationBackground
	deletion := metav1.DeleteOptions{PropagationPolicy: &background}
	if err := b.client.AppsV1().Deployments(n.Name).DeleteCollection(ctx, deletion, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("delete the Deployments of namespace %s: %w", n.Name, err)
	}
	ours := metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-pgbind"}
	if err := b.client.CoreV1().Secrets(n.Name).DeleteCollection(ctx, deletion, ours); err != nil {
		return fmt.Errorf("delete the Secrets of namespace %s: %w", n.Name, err)
	}
	if _, err := n.AdminSQL(ctx, `SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'pgb\_%' \gexec`); err != nil {
		return err
	}
	return b.until(ctx, "the ReplicaSets of namespace "+n.Name+" are gone", func(ctx context.Context) (bool, error) {
		list, err := b.client.AppsV1().ReplicaSets(n.Name).List(ctx, metav1.ListOptions{Limit: 1})
		return err == nil && len(list.Items) == 0, err
	})
}

// until waits for a condition, two minutes at most.
func (b *bench) until(ctx context.Context, what string, condition wait.ConditionWithContextFunc) error {
	if err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, 2*time.Minute, true, condition); err != nil {
		return fmt.Errorf("wait until %s: %w", what, err)
	}
	return nil
}
