package workload_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// ours is the default name of a Secret.
const ours = "postgresql-secret-2"

// lessonKeys returns the default keys of a Secret.
func lessonKeys() []string {
	return []string{"POSTGRES_HOST", "POSTGRES_USERNAME", "POSTGRES_PASSWORD"}
}

// reference returns a reference to the Secret of the tests, in the container "app".
func reference(inject workload.Inject) workload.Reference {
	return workload.Reference{
		Secret:     ours,
		Inject:     inject,
		Containers: []string{"app"},
		Keys:       lessonKeys(),
		MountPath:  "/run/secrets/postgres",
	}
}

// envFrom returns an entry for a Secret.
func envFrom(prefix, name string) corev1.EnvFromSource {
	return corev1.EnvFromSource{
		Prefix:    prefix,
		SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}},
	}
}

// keyRef returns a variable that refers to one key of a Secret.
func keyRef(name, from, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: from}, Key: key}}}
}

func TestReference_AddsAndRemoves(t *testing.T) {
	for inject, want := range map[workload.Inject]corev1.Container{
		workload.InjectEnvFrom: {EnvFrom: []corev1.EnvFromSource{envFrom("", "other"), envFrom("", ours)}},
		workload.InjectEnv: {EnvFrom: []corev1.EnvFromSource{envFrom("", "other")}, Env: []corev1.EnvVar{
			keyRef("POSTGRES_HOST", ours, "POSTGRES_HOST"), keyRef("POSTGRES_USERNAME", ours, "POSTGRES_USERNAME"), keyRef("POSTGRES_PASSWORD", ours, "POSTGRES_PASSWORD")}},
		workload.InjectVolume: {EnvFrom: []corev1.EnvFromSource{envFrom("", "other")}, VolumeMounts: []corev1.VolumeMount{
			{Name: "pgbind-postgresql-secret-2", ReadOnly: true, MountPath: "/run/secrets/postgres"}}},
	} {
		t.Run(string(inject), func(t *testing.T) {
			tpl := template("app", "sidecar")
			tpl.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", "other")}
			before := tpl.DeepCopy()
			want.Name, want.Image = tpl.Spec.Containers[0].Name, tpl.Spec.Containers[0].Image
			r := reference(inject)
			r.Adopt = true
			assert.False(t, r.Present(&tpl))
			for range 2 {
				require.NoError(t, r.Add(&tpl))
				assert.Equal(t, want, tpl.Spec.Containers[0])
				assert.True(t, r.Present(&tpl))
			}
			assert.Equal(t, before.Spec.Containers[1], tpl.Spec.Containers[1], "the other container stays unchanged")
			assert.True(t, workload.UsesSecret(&tpl.Spec, ours))

			assert.True(t, workload.RemoveReference(&tpl, ours))
			assert.False(t, workload.UsesSecret(&tpl.Spec, ours))
			assert.Equal(t, before.Spec.Containers[0].EnvFrom, tpl.Spec.Containers[0].EnvFrom)
			assert.Empty(t, tpl.Spec.Containers[0].Env)
			assert.Empty(t, tpl.Spec.Volumes)
			assert.False(t, workload.RemoveReference(&tpl, ours))
		})
	}
}

func TestReference_NoneChangesNothing(t *testing.T) {
	tpl := template("app")
	require.NoError(t, reference(workload.InjectNone).Add(&tpl))
	assert.Equal(t, template("app"), tpl)
	assert.True(t, reference(workload.InjectNone).Present(&tpl))
}

func TestReference_ChangesFormWithAdopt(t *testing.T) {
	forms := []workload.Inject{workload.InjectEnvFrom, workload.InjectEnv, workload.InjectVolume}
	for _, from := range forms {
		for _, to := range forms {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				got, want := template("app"), template("app")
				require.NoError(t, reference(from).Add(&got))
				r := reference(to)
				r.Adopt = true
				require.NoError(t, r.Add(&got))
				require.NoError(t, r.Add(&want))
				workload.RemoveReference(&want, "nothing")
				assert.Len(t, got.Spec.Volumes, len(want.Spec.Volumes))
				assert.ElementsMatch(t, want.Spec.Containers[0].EnvFrom, got.Spec.Containers[0].EnvFrom)
				assert.ElementsMatch(t, want.Spec.Containers[0].Env, got.Spec.Containers[0].Env)
				assert.ElementsMatch(t, want.Spec.Containers[0].VolumeMounts, got.Spec.Containers[0].VolumeMounts)
			})
		}
	}
}

func TestReference_AddsPrefix(t *testing.T) {
	tpl := template("app")
	require.NoError(t, reference(workload.InjectEnvFrom).Add(&tpl))
	r := reference(workload.InjectEnvFrom)
	r.Prefix = "SHOP_"
	assert.False(t, r.Present(&tpl))
	require.NoError(t, r.Add(&tpl))
	assert.Equal(t, []corev1.EnvFromSource{envFrom("SHOP_", ours)}, tpl.Spec.Containers[0].EnvFrom)

	tpl = template("app")
	r.Inject = workload.InjectEnv
	require.NoError(t, r.Add(&tpl))
	assert.Equal(t, keyRef("SHOP_POSTGRES_HOST", ours, "POSTGRES_HOST"), tpl.Spec.Containers[0].Env[0])
	assert.True(t, workload.RemoveReference(&tpl, ours))
}

func TestReference_ReportsConflicts(t *testing.T) {
	own := corev1.EnvVar{Name: "POSTGRES_HOST", Value: "localhost"}
	equal := keyRef("POSTGRES_HOST", ours, "POSTGRES_HOST")
	otherKey := keyRef("POSTGRES_HOST", ours, "HOST")
	for name, tt := range map[string]struct {
		inject workload.Inject
		prefix string
		adopt  bool
		env    corev1.EnvVar
		want   string
	}{
		"envFrom, own value":         {workload.InjectEnvFrom, "", false, own, "remove it, or choose other names with --env-prefix"},
		"envFrom, own value, adopt":  {workload.InjectEnvFrom, "", true, own, "container app already sets POSTGRES_HOST in env, which wins"},
		"envFrom, own value, prefix": {workload.InjectEnvFrom, "SHOP_", false, own, ""},
		"envFrom, equal":             {workload.InjectEnvFrom, "", false, equal, "--adopt"},
		"envFrom, equal, adopt":      {workload.InjectEnvFrom, "", true, equal, ""},
		"env, own value":             {workload.InjectEnv, "", false, own, "--env-prefix"},
		"env, equal":                 {workload.InjectEnv, "", false, equal, "--adopt"},
		"env, equal, adopt":          {workload.InjectEnv, "", true, equal, ""},
		"env, another key, adopt":    {workload.InjectEnv, "", true, otherKey, "--env-prefix"},
		"volume has no variables":    {workload.InjectVolume, "", false, own, ""},
		"none has no conflicts":      {workload.InjectNone, "", false, own, ""},
		"unknown way to inject":      {"file", "", false, own, `unknown way to inject "file"`},
	} {
		t.Run(name, func(t *testing.T) {
			tpl := template("app")
			tpl.Spec.Containers[0].Env = []corev1.EnvVar{tt.env}
			r := reference(tt.inject)
			r.Prefix, r.Adopt = tt.prefix, tt.adopt
			err := r.Add(&tpl)
			if tt.want == "" {
				require.NoError(t, err)
				assert.True(t, r.Present(&tpl))
				return
			}
			require.ErrorContains(t, err, tt.want)
			assert.False(t, r.Present(&tpl))
		})
	}
}

func TestReference_ReturnsConflictError(t *testing.T) {
	tpl := template("app")
	tpl.Spec.Containers[0].Env = []corev1.EnvVar{keyRef("POSTGRES_HOST", ours, "POSTGRES_HOST")}
	var conflict *workload.ConflictError
	require.ErrorAs(t, reference(workload.InjectEnv).Add(&tpl), &conflict)
	assert.Equal(t, &workload.ConflictError{Container: "app", Variable: "POSTGRES_HOST", Equal: true}, conflict)
}

func TestReference_MountsVolume(t *testing.T) {
	tpl := template("app", "other")
	tpl.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/run/secrets/postgres/"}}
	r := reference(workload.InjectVolume)
	require.ErrorContains(t, r.Add(&tpl), "container app already mounts something at /run/secrets/postgres")

	for _, bad := range []string{"", "relative", "/a:b"} {
		r.MountPath = bad
		require.ErrorContains(t, r.Add(&tpl), "--mount-path")
	}
	r.MountPath, r.Containers = "/run/pg", []string{"app", "other"}
	require.NoError(t, r.Add(&tpl))
	assert.Len(t, tpl.Spec.Volumes, 1)
	r.MountPath = "/run/pg2"
	assert.False(t, r.Present(&tpl))
	require.NoError(t, r.Add(&tpl))
	assert.Len(t, tpl.Spec.Containers[1].VolumeMounts, 1, "a new path replaces the old one")
	assert.True(t, workload.RemoveReference(&tpl, ours))
	assert.Empty(t, tpl.Spec.Volumes)
	assert.Len(t, tpl.Spec.Containers[0].VolumeMounts, 1, "the other mount stays")
}

func TestReference_NamesVolumeForEverySecret(t *testing.T) {
	long := strings.Repeat("a", 200)
	names := map[string]string{}
	for _, secretName := range []string{"short", "with.dots", "with-dots", long, long + "b", strings.Repeat("a.", 40) + "b"} {
		tpl := template("app")
		r := reference(workload.InjectVolume)
		r.Secret = secretName
		require.NoError(t, r.Add(&tpl))
		name := tpl.Spec.Volumes[0].Name
		assert.Empty(t, validation.IsDNS1123Label(name))
		assert.Empty(t, names[name], "two Secrets share the volume name %s", name)
		names[name] = secretName
		assert.True(t, workload.RemoveReference(&tpl, secretName))
		assert.Empty(t, tpl.Spec.Volumes)
	}
}

func TestRemoveReference_KeepsOtherReferences(t *testing.T) {
	tpl := template("app")
	app := &tpl.Spec.Containers[0]
	app.Env = []corev1.EnvVar{keyRef("DB_USER", ours, "POSTGRES_USERNAME"), keyRef("POSTGRES_HOST", "other", "POSTGRES_HOST")}
	app.EnvFrom = []corev1.EnvFromSource{envFrom("", "other")}
	tpl.Spec.Volumes = []corev1.Volume{
		{Name: "theirs", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: ours}}},
	}
	before := tpl.DeepCopy()
	assert.False(t, workload.RemoveReference(&tpl, ours))
	assert.Equal(t, before, &tpl)
	assert.True(t, workload.UsesSecret(&tpl.Spec, ours))
}

func TestUsesSecret_FindsEveryUse(t *testing.T) {
	source := func(v corev1.VolumeSource) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: v}} }
	}
	projected := corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: ours}}
	for name, use := range map[string]func(*corev1.PodSpec){
		"envFrom": func(s *corev1.PodSpec) { s.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("X_", ours)} },
		"env":     func(s *corev1.PodSpec) { s.Containers[0].Env = []corev1.EnvVar{keyRef("X", ours, "Y")} },
		"init": func(s *corev1.PodSpec) {
			s.InitContainers = []corev1.Container{{Env: []corev1.EnvVar{keyRef("X", ours, "Y")}}}
		},
		"volume": source(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: ours}}),
		"second": func(s *corev1.PodSpec) {
			s.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", ours+"-binding")}
		},
		"projected": source(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &projected}}}}),
	} {
		t.Run(name, func(t *testing.T) {
			spec := template("app").Spec
			assert.False(t, workload.UsesSecret(&spec, ours))
			use(&spec)
			assert.True(t, workload.UsesSecret(&spec, ours))
			assert.False(t, workload.UsesSecret(&spec, "other"))
		})
	}
}
