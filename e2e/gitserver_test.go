//go:build e2e && controllers

package e2e

import (
	"encoding/json"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	gitServer = "git" // a Deployment and a Service
	gitImage  = "pgbind-git:dev"
	gitPort   = 8080
)

// startGit starts a Git server with one repository, from which controllers read the manifest of the application.
func (f *fixture) startGit() {
	f.t.Helper()
	f.serve(gitServer, gitImage, gitPort)
}

// gitURL is the address of the repository in the cluster.
func (f *fixture) gitURL() string {
	return "http://" + gitServer + "." + f.Name + ".svc.cluster.local.:8080/app.git"
}

// serve starts a server with a Service of the same name.
func (f *fixture) serve(name, image string, port int32) {
	f.t.Helper()
	f.create(deployment(name, func(pod *corev1.PodSpec) {
		pod.Containers[0].Image = image
		pod.Containers[0].ReadinessProbe = &corev1.Probe{
			PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}},
		}
	}))
	f.service(name, port, port)
	f.rollout("deployment/" + name)
}

// service creates a Service for the Deployment of its name.
func (f *fixture) service(name string, port, target int32) {
	f.t.Helper()
	f.create(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: port, TargetPort: intstr.FromInt32(target)}},
	}})
}

// push commits the manifest if it has changed, and returns the last commit.
func (f *fixture) push(manifest string) string {
	f.t.Helper()
	commit, err := f.Kubectl("exec", "--stdin", "deployment/"+gitServer, "--", "sh", "-ec", `cat >app.yaml
		git add app.yaml
		git diff --cached --quiet || git commit --quiet --message=change
		git push --quiet origin HEAD:main
		git rev-parse HEAD`).Stdin(manifest).Output(f.ctx)
	require.NoError(f.t, err)
	return strings.TrimSpace(commit)
}

// testPush pushes changes of other fields while the application is bound.
func (f *fixture) testPush(apply func(*fixture, string)) {
	f.bind(application)
	before := f.login(firstSecret)
	changed := f.lessonApplication()
	greeting := []any{map[string]any{"name": "GREETING", "value": "hello"}}
	containers, _, err := unstructured.NestedSlice(changed.Object, "spec", "template", "spec", "containers")
	require.NoError(f.t, err)
	containers[0].(map[string]any)["env"] = greeting //nolint:forcetypeassert // the manifest of the lesson
	require.NoError(f.t, unstructured.SetNestedSlice(changed.Object, containers, "spec", "template", "spec", "containers"))
	manifest, err := json.Marshal(changed)
	require.NoError(f.t, err)
	f.requireServed(func() {
		for range reconciliations {
			apply(f, string(manifest))
			f.requireUsable(firstSecret)
		}
		assert.Equal(f.t, int32(2), *f.application().Spec.Replicas)
		assert.Equal(f.t, []corev1.EnvVar{{Name: "GREETING", Value: "hello"}}, f.application().Spec.Template.Spec.Containers[0].Env)
		assert.Equal(f.t, before, f.login(firstSecret))
	})
	f.unbound(tool{apply: apply})
}
