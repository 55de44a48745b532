//go:build e2e && controllers

package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// controller is a controller of another project. It runs in the namespace of a test and sees no other namespace.
type controller struct {
	name string // of its folder in e2e/tools, and of its image
	args []string
	port int32 // answers when the controller is ready
	path string
	// folders are where the controller writes. There is nothing in its image but the program.
	folders []string
	change  func(*corev1.PodSpec) // changes its Pod
}

// start starts the controller, which may do everything in its namespace.
func (f *fixture) start(c controller) {
	f.t.Helper()
	f.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: c.name}})
	f.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: c.name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: c.name, Namespace: f.Name}},
	})
	f.create(deployment(c.name, func(pod *corev1.PodSpec) {
		pod.ServiceAccountName = c.name
		program := &pod.Containers[0]
		program.Image, program.Args = "pgbind-"+c.name+":dev", c.args
		program.Env = []corev1.EnvVar{{Name: "RUNTIME_NAMESPACE", Value: f.Name}}
		program.ReadinessProbe = &corev1.Probe{
			PeriodSeconds: 1, TimeoutSeconds: 5, FailureThreshold: 60,
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: c.path, Port: intstr.FromInt32(c.port)}},
		}
		for _, folder := range c.folders {
			name := strings.Trim(folder, "/")
			pod.Volumes = append(pod.Volumes, corev1.Volume{
				Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
			})
			program.VolumeMounts = append(program.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: folder})
		}
		if c.change != nil {
			c.change(pod)
		}
	}))
	f.rollout("deployment/" + c.name)
}

// module is a Go module that a folder in e2e/tools requires.
type module struct {
	tool, path string
}

// files returns the files in the module that match a pattern.
func (m module) files(t *testing.T, pattern string) []string {
	t.Helper()
	args := []string{"-C", "tools/" + m.tool, "list", "-m", "-f", "{{.Dir}}", m.path}
	folder, err := exec.CommandContext(t.Context(), "go", args...).Output() //nolint:gosec // the names are the test's
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), pattern))
	require.NoError(t, err)
	require.NotEmpty(t, files, "%s in %s", pattern, m.path)
	return files
}

// define defines the kinds in these files of the module for the time of the test. What is defined already stays as it is.
func (m module) define(t *testing.T, pattern string) {
	t.Helper()
	for _, file := range m.files(t, pattern) {
		installDefinition(t, file)
	}
}

func installDefinition(t *testing.T, file string) {
	t.Helper()
	name, err := cluster.Kubectl("create", "--filename="+file, "--dry-run=client", "--output=name").Output(t.Context())
	require.NoError(t, err)
	name = strings.TrimSpace(name)
	// One that an earlier test has deleted can still be there.
	_, err = cluster.Kubectl("get", name, "--output=name").Output(t.Context())
	if err == nil {
		deleted, err := cluster.Kubectl("get", name, "--output=jsonpath={.metadata.deletionTimestamp}").Output(t.Context())
		require.NoError(t, err)
		if deleted == "" {
			return
		}
		_, err = cluster.Kubectl("wait", "--for=delete", "--timeout=60s", name).Output(t.Context())
		require.NoError(t, err)
	}
	_, err = cluster.Kubectl("create", "--filename="+file).Output(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		_, err := cluster.Kubectl("delete", name).Output(ctx)
		assert.NoError(t, err)
	})
	requireEstablished(t, name)
}
