//go:build e2e

package e2e

import (
	"fmt"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

const (
	appImage      = "pgbind-app:dev"
	databaseImage = "postgres:15"
)

func workloadNumber(i int) string { return fmt.Sprintf("workload-%d", i) }

// create applies the object in the namespace.
func (f *fixture) create(object runtime.Object) {
	f.t.Helper()
	kinds, _, err := scheme.Scheme.ObjectKinds(object)
	require.NoError(f.t, err)
	object.GetObjectKind().SetGroupVersionKind(kinds[0])
	manifest, err := yaml.Marshal(object)
	require.NoError(f.t, err)
	_, err = f.Kubectl("create", "--filename=-").Stdin(string(manifest)).Output(f.ctx)
	require.NoError(f.t, err)
}

// template is a Pod with the web app; change, if there is one, alters it.
func template(name string, change func(*corev1.PodSpec)) (*metav1.LabelSelector, corev1.PodTemplateSpec) {
	labels := map[string]string{"app": name}
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: name, Image: appImage}}}
	if change != nil {
		change(&spec)
	}
	return &metav1.LabelSelector{MatchLabels: labels}, corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec}
}

func deployment(name string, change func(*corev1.PodSpec)) *appsv1.Deployment {
	selector, pod := template(name, change)
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{Selector: selector, Template: pod}}
}

func statefulSet(name string) *appsv1.StatefulSet {
	selector, pod := template(name, nil)
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: pod}}
}

func daemonSet(name string) *appsv1.DaemonSet {
	selector, pod := template(name, nil)
	return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: pod}}
}

func replicaSet(name string) *appsv1.ReplicaSet {
	selector, pod := template(name, nil)
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: pod}}
}

func replicationController(name string) *corev1.ReplicationController {
	selector, pod := template(name, nil)
	return &corev1.ReplicationController{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ReplicationControllerSpec{Selector: selector.MatchLabels, Template: &pod},
	}
}

// job is a template of Jobs that end at once.
func job(name string) batchv1.JobSpec {
	_, pod := template(name, func(spec *corev1.PodSpec) {
		spec.RestartPolicy = corev1.RestartPolicyNever
		spec.Containers[0].Image, spec.Containers[0].Command = databaseImage, []string{"env"}
	})
	return batchv1.JobSpec{Template: pod}
}

func cronJob(name string) *batchv1.CronJob {
	return &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       batchv1.CronJobSpec{Schedule: "0 4 1 1 *", JobTemplate: batchv1.JobTemplateSpec{Spec: job(name)}},
	}
}

// barePod is a Pod with the web app that nothing controls.
func barePod(name string) *corev1.Pod {
	_, pod := template(name, nil)
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: pod.Labels}, Spec: pod.Spec}
}
