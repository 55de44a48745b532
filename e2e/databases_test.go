//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// programFolder is where a container keeps links to the few programs that an exec'd command is to find.
const programFolder = "/run/programs"

// linkPrograms is shell text that fills programFolder with what every image has, and with the given paths.
func linkPrograms(paths ...string) string {
	everywhere := "/bin/env /bin/sh /bin/cat /bin/sleep"
	return "mkdir " + programFolder + "; ln -s " + everywhere + " " + strings.Join(paths, " ") + " " + programFolder + "; "
}

// onlyLinked makes an exec'd command find what linkPrograms linked and nothing else.
func onlyLinked() []corev1.EnvVar {
	return []corev1.EnvVar{{Name: "PATH", Value: programFolder}}
}

func databasePod(name string, container corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{container}},
	}
}

// sleepingDatabase runs and never becomes ready.
func sleepingDatabase(name string) *corev1.Pod {
	never := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"false"}}}}
	return databasePod(name, corev1.Container{Name: name, Image: databaseImage, Command: []string{"sleep", "infinity"}, ReadinessProbe: never})
}

// withoutPsql runs the lesson's database as ever, except that an exec'd command finds createuser and dropuser but no psql.
func withoutPsql(object *unstructured.Unstructured) error {
	if object.GetKind() != "StatefulSet" {
		return nil
	}
	set := &appsv1.StatefulSet{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, set); err != nil {
		return err
	}
	container := &set.Spec.Template.Spec.Containers[0]
	container.Env = append(container.Env, onlyLinked()...)
	container.Command = []string{"/bin/sh", "-c", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; " +
		`PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); ` +
		linkPrograms("/usr/lib/postgresql/*/bin/createuser", "/usr/lib/postgresql/*/bin/dropuser") + "exec docker-entrypoint.sh postgres"}
	container.ReadinessProbe.Exec.Command = append([]string{"sh", "-c", `exec /usr/lib/postgresql/*/bin/pg_isready "$@"`}, container.ReadinessProbe.Exec.Command...)
	var err error
	object.Object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(set)
	return err
}

func TestPsqlMissing(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	require.NoError(t, f.ApplyLesson(f.ctx, harness.WithoutClaim, withoutPsql))
	f.rollout("statefulset/" + lesson.Database)
	f.rollout(application)

	result := f.run(f.Pgbind(application))

	assert.Equal(t, 1, result.Code, result.Stdout)
	assert.Contains(t, result.Stderr, "psql")
	assert.Contains(t, result.Stderr, lesson.DatabasePod)
	assert.Empty(t, f.deployment(lesson.Application).Spec.Template.Spec.Containers[0].EnvFrom)
	roles, err := f.Kubectl("exec", "--stdin", lesson.DatabasePod, "--", "sh", "-c",
		"exec /usr/lib/postgresql/*/bin/psql --username=postgres --no-align --tuples-only").
		Stdin("SELECT rolname FROM pg_roles WHERE oid >= 16384").Output(f.ctx)
	require.NoError(t, err)
	assert.Empty(t, roles, "the role that createuser made is taken back")
}
