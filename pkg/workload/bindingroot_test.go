package workload_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

func TestReference_MountsServiceBindings(t *testing.T) {
	root := func(value string) corev1.EnvVar { return corev1.EnvVar{Name: "SERVICE_BINDING_ROOT", Value: value} }
	for name, test := range map[string]struct {
		env  []corev1.EnvVar
		path string
	}{
		"no variable":    {nil, "/bindings/"},
		"own directory":  {[]corev1.EnvVar{root("/run/bound")}, "/run/bound/"},
		"same directory": {[]corev1.EnvVar{root("/bindings")}, "/bindings/"},
	} {
		t.Run(name, func(t *testing.T) {
			tpl := template("app", "sidecar")
			tpl.Spec.Containers[0].Env = test.env
			before := tpl.DeepCopy()
			first, second := reference(workload.InjectVolume), reference(workload.InjectVolume)
			first.MountPath, second.MountPath, second.Secret = "", "", "another"
			first.ServiceBinding, second.ServiceBinding = true, true
			for _, r := range []workload.Reference{first, second, first} {
				require.NoError(t, r.Add(&tpl))
				assert.True(t, r.Present(&tpl))
			}
			c := tpl.Spec.Containers[0]
			assert.Equal(
				t, []string{test.path + ours, test.path + "another"},
				[]string{c.VolumeMounts[0].MountPath, c.VolumeMounts[1].MountPath},
			)
			require.Len(t, c.Env, 1)
			assert.Equal(t, test.path, c.Env[0].Value+"/")

			workload.RemoveReference(&tpl, ours)
			assert.Equal(t, c.Env, tpl.Spec.Containers[0].Env, "the other binding needs the variable")
			workload.RemoveReference(&tpl, "another")
			assert.Len(t, tpl.Spec.Containers[0].Env, len(before.Spec.Containers[0].Env))
			assert.Empty(t, tpl.Annotations)
		})
	}
}

func TestReference_RefusesAnUnknownServiceBindingRoot(t *testing.T) {
	tpl := template("app")
	tpl.Spec.Containers[0].Env = []corev1.EnvVar{keyRef("SERVICE_BINDING_ROOT", "other", "root")}
	r := reference(workload.InjectVolume)
	r.MountPath, r.ServiceBinding = "", true
	require.ErrorContains(t, r.Add(&tpl), "--mount-path")
}
