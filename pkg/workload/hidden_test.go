package workload_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// settings returns an envFrom entry for the ConfigMap "settings".
func settings(prefix string) corev1.EnvFromSource {
	return corev1.EnvFromSource{
		Prefix:       prefix,
		ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}},
	}
}

func TestHiddenVariables(t *testing.T) {
	host := corev1.EnvVar{Name: "POSTGRES_HOST", Value: "elsewhere"}
	keys := map[string][]string{"configmap/settings": {"POSTGRES_HOST", "HOST", "LOG"}, "secret/late": {"POSTGRES_PASSWORD"}}
	by := func(variable, source string) []workload.Hidden {
		return []workload.Hidden{{Container: "app", Variable: variable, By: source}}
	}
	for name, tt := range map[string]struct {
		container corev1.Container
		want      []workload.Hidden
	}{
		"nothing":                         {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("", ours)}}, nil},
		"kubectl set env":                 {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("", ours)}, Env: []corev1.EnvVar{host}}, by("POSTGRES_HOST", "env")},
		"kubectl set env, other prefix":   {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("DB_", ours)}, Env: []corev1.EnvVar{host}}, nil},
		"the same key in env":             {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("", ours)}, Env: []corev1.EnvVar{keyRef("POSTGRES_HOST", ours, "POSTGRES_HOST")}}, nil},
		"an earlier ConfigMap":            {corev1.Container{EnvFrom: []corev1.EnvFromSource{settings(""), envFrom("", ours)}}, nil},
		"a later ConfigMap":               {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("", ours), settings("")}}, by("POSTGRES_HOST", "configmap/settings")},
		"a later ConfigMap with a prefix": {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("", ours), settings("POSTGRES_")}}, by("POSTGRES_HOST", "configmap/settings")},
		"a later Secret":                  {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("", ours), envFrom("", "late")}}, by("POSTGRES_PASSWORD", "secret/late")},
		"a later source, unread":          {corev1.Container{EnvFrom: []corev1.EnvFromSource{envFrom("", ours), envFrom("", "unread")}}, nil},
		"single variables":                {corev1.Container{Env: []corev1.EnvVar{keyRef("PGHOST", ours, "POSTGRES_HOST")}, EnvFrom: []corev1.EnvFromSource{settings("")}}, nil},
		"a second entry of the same name": {corev1.Container{Env: []corev1.EnvVar{keyRef("POSTGRES_HOST", ours, "POSTGRES_HOST"), host}}, by("POSTGRES_HOST", "env")},
		"without the Secret":              {corev1.Container{Env: []corev1.EnvVar{host}, EnvFrom: []corev1.EnvFromSource{settings("")}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			tpl := template("app", "other")
			tt.container.Name = "app"
			tpl.Spec.Containers[0] = tt.container
			assert.Equal(t, tt.want, workload.HiddenVariables(&tpl, ours, lessonKeys(), keys))
		})
	}
}

func TestHidden_ReadsLaterSources(t *testing.T) {
	server, client := newAPIServer(t)
	d := deployment("web")
	d.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{
		envFrom("", "early"), envFrom("", ours), settings(""), envFrom("", "late"), envFrom("", "locked"),
	}
	server.on("GET "+webPath, answer(d))
	server.on(
		"GET /api/v1/namespaces/shop/configmaps/settings",
		answer(&corev1.ConfigMap{ObjectMeta: meta("settings"), Data: map[string]string{"LOG": "1"}}),
	)
	server.on(
		"GET /api/v1/namespaces/shop/secrets/late",
		answer(&corev1.Secret{ObjectMeta: meta("late"), Data: map[string][]byte{"POSTGRES_HOST": nil}}),
	)
	server.on(
		"GET /api/v1/namespaces/shop/secrets/locked",
		refuse(apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "locked", nil)),
	)
	ws, err := client.Get(t.Context(), namespace, []string{"deploy/web"})
	require.NoError(t, err)
	hidden := client.Hidden(t.Context(), ws[0], ours, lessonKeys())
	assert.Equal(t, []workload.Hidden{{Container: "app", Variable: "POSTGRES_HOST", By: "secret/late"}}, hidden)
	assert.Equal(t, "container app gets POSTGRES_HOST from secret/late and not from the Secret", hidden[0].String())
}
