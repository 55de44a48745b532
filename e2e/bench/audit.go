package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// The size of the namespace and of the server that an audit reads, and its limit.
const (
	auditPods, auditRoles = 1000, 100
	auditClients          = 10 // Pods that run
	auditSessions         = 50 // of each of them
	auditLimit            = 2 * time.Second
)

// benchAudit measures an audit of a namespace with many Pods. A few run and hold many sessions; the others are never scheduled.
func (b *bench) benchAudit(ctx context.Context, r *report) error {
	n, err := b.database(ctx, moreSessions)
	if err != nil {
		return err
	}
	roles := fmt.Sprintf(
		"SELECT format('CREATE ROLE client_%%s LOGIN PASSWORD %%L', i, 'only-for-this-test') FROM generate_series(1, %d) AS i \\gexec",
		auditRoles,
	)
	if _, err := n.AdminSQL(ctx, roles); err != nil {
		return err
	}
	if err := b.auditedPods(ctx, n.Name); err != nil {
		return err
	}
	err = b.until(ctx, "every session is there", func(ctx context.Context) (bool, error) {
		count, err := n.AdminSQL(ctx, "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'client%' AND query LIKE '%pg_sleep%'")
		return count == strconv.Itoa(auditClients*auditSessions), err
	})
	if err != nil {
		return err
	}
	taken, err := b.look(ctx, n.Pgbind("audit", "--fail-on=none", "--output=json"))
	if err != nil {
		return err
	}
	r.within(
		fmt.Sprintf(
			"audit of %d Pods, %d roles and %d sessions",
			auditPods,
			auditRoles,
			auditClients*auditSessions,
		),
		median(taken),
		auditLimit,
	)
	return nil
}

// moreSessions lets the server accept twice the sessions of the clients.
func moreSessions(object *unstructured.Unstructured) error {
	return harness.ChangeServer(object, func(server map[string]any) {
		server["args"] = []any{"-c", fmt.Sprint("max_connections=", 2*auditClients*auditSessions)}
	})
}

// auditedPods creates the Pods: each client is that of a Deployment, and the others belong to nothing.
func (b *bench) auditedPods(ctx context.Context, namespace string) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i := range auditClients {
		group.Go(func() error {
			_, err := b.client.AppsV1().Deployments(namespace).Create(within, auditClient(i+1), metav1.CreateOptions{})
			return err
		})
	}
	for i := range auditPods - auditClients {
		group.Go(func() error {
			pods := b.client.CoreV1().Pods(namespace)
			pod, err := pods.Create(within, unscheduledPod(i), metav1.CreateOptions{})
			if err != nil {
				return err
			}
			pod.Status.Phase, pod.Status.PodIP = corev1.PodRunning, fmt.Sprintf("10.199.%d.%d", i/250, i%250+1)
			pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
			_, err = pods.UpdateStatus(within, pod, metav1.UpdateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("create the Pods of namespace %s: %w", namespace, err)
	}
	return nil
}

// auditClient is a Deployment whose Pod holds sessions open.
func auditClient(number int) *appsv1.Deployment {
	client := deployment(fmt.Sprintf("client-%d", number), 1)
	client.Spec.Template.Spec.TerminationGracePeriodSeconds = new(int64)
	c := &client.Spec.Template.Spec.Containers[0]
	c.Image = "postgres:15"
	c.Command = []string{
		"sh",
		"-c",
		fmt.Sprintf(
			`echo 'SELECT pg_sleep(3600)' >/tmp/script && exec pgbench --no-vacuum --client=%d --time=3600 --file=/tmp/script postgres`,
			auditSessions,
		),
	}
	c.Env = []corev1.EnvVar{
		{Name: "PGHOST", Value: "postgresql-svc"},
		{Name: "PGUSER", Value: fmt.Sprintf("client_%d", number)},
		{Name: "PGPASSWORD", Value: "only-for-this-test"},
	}
	return client
}

// unscheduledPod is a Pod that no scheduler looks at, so that it needs no processor.
func unscheduledPod(number int) *corev1.Pod {
	app := corev1.Container{Name: "app", Image: "pgbind-app:dev", Env: []corev1.EnvVar{
		{Name: "POSTGRES_HOST", Value: "postgresql-svc"},
		{Name: "POSTGRES_USERNAME", Value: fmt.Sprintf("client_%d", number%auditRoles+1)},
	}}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%03d", number)},
		Spec:       corev1.PodSpec{SchedulerName: "none", Containers: []corev1.Container{app}},
	}
}
