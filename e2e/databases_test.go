//go:build e2e

package e2e

import (
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

// linkPrograms creates links in /programs to every program of the image but one, in the order of PATH.
const linkPrograms = `IFS=:; for folder in $PATH; do ln -s "$folder"/* /programs/ 2>/dev/null; done; rm /programs/"$1"`

// without removes a program from the lesson's database container; everything else works.
func without(program string) harness.Change {
	return func(object *unstructured.Unstructured) error {
		if object.GetKind() != "StatefulSet" {
			return nil
		}
		set := &appsv1.StatefulSet{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, set); err != nil {
			return err
		}
		pod := &set.Spec.Template.Spec
		mount := corev1.VolumeMount{Name: "programs", MountPath: "/programs"}
		pod.Volumes = append(
			pod.Volumes,
			corev1.Volume{Name: "programs", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		)
		pod.InitContainers = []corev1.Container{{
			Name: "link-programs", Image: pod.Containers[0].Image, VolumeMounts: []corev1.VolumeMount{mount},
			Command: []string{"sh", "-c", linkPrograms, "sh", program},
		}}
		database := &pod.Containers[0]
		database.VolumeMounts = append(database.VolumeMounts, mount)
		database.Env = append(database.Env, corev1.EnvVar{Name: "PATH", Value: "/programs"})
		changed, err := runtime.DefaultUnstructuredConverter.ToUnstructured(set)
		object.Object = changed
		return err
	}
}

func TestProgramMissing(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"createuser", "psql"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			f := newNamespace(t)
			require.NoError(t, f.ApplyLesson(f.ctx, harness.WithoutClaim, without(program)))
			f.rollout("statefulset/" + lesson.Database)
			f.rollout(application)

			result := f.run(f.Pgbind(application))

			t.Log(result.Stderr)
			assert.Equal(t, 1, result.Code, result.Stdout)
			assert.Contains(t, result.Stderr, program)
			assert.Contains(t, result.Stderr, lesson.DatabasePod)
			assert.Empty(t, f.application().Spec.Template.Spec.Containers[0].EnvFrom)
			roles, err := f.Kubectl("exec", "--stdin", lesson.DatabasePod, "--", "sh", "-c",
				"exec /usr/lib/postgresql/*/bin/psql --username=postgres --no-align --tuples-only").
				Stdin("SELECT rolname FROM pg_roles WHERE oid >= 16384").Output(f.ctx)
			require.NoError(t, err)
			assert.Empty(t, roles, "no role is left behind")
		})
	}
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
	return databasePod(
		name,
		corev1.Container{Name: name, Image: databaseImage, Command: []string{"sleep", "infinity"}, ReadinessProbe: never},
	)
}
