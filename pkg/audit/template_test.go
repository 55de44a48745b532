package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestTemplateOf_FindsServersInLiteralValues(t *testing.T) {
	services := serviceNames{"data": {"pg", "postgres"}}
	for name, test := range map[string]struct {
		variable, value, namespace string
		uses                       bool
		user                       string
	}{
		"a host":                     {"DB_HOST", "pg.data", "shop", true, ""},
		"a complete host":            {"DB_HOST", "pg.data.svc.cluster.local.", "shop", true, ""},
		"a host and a port":          {"DB_ADDRESS", "pg.data.svc:5432", "shop", true, ""},
		"several hosts":              {"PGHOST", "pg-0.pg.data,pg-1.pg.data", "shop", true, ""},
		"a Pod":                      {"DB_HOST", "pg-0.pg.data.svc", "shop", true, ""},
		"a short name":               {"DB_HOST", "pg", "data", true, ""},
		"a short name elsewhere":     {"DB_HOST", "pg", "shop", false, ""},
		"another Service":            {"DB_HOST", "pg.other", "shop", false, ""},
		"a word that is also a name": {"DB_USER", "postgres", "data", false, "postgres"},
		"a URL":                      {"DATABASE_URL", "postgres://app:secret@pg.data:5432/shop?sslmode=require", "shop", true, "app"},
		"a URL without a user":       {"URL", "postgresql://pg.data/shop", "shop", true, ""},
		"a URL of elsewhere":         {"DATABASE_URL", "postgres://app:secret@db.example.com/shop", "data", false, "app"},
		"JDBC":                       {"SPRING_DATASOURCE_URL", "jdbc:postgresql://pg.data:5432/shop?user=app&password=secret", "shop", true, "app"},
		"a DSN":                      {"DSN", "host=pg.data user=app password=secret", "shop", true, "app"},
		".NET":                       {"ConnectionStrings__Db", "Server=pg.data;User Id=app;Password=secret", "shop", true, "app"},
		"not a URL":                  {"X", "postgres://%zz", "data", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := templateOf(workloadRef{namespace: test.namespace}, &corev1.PodSpec{Containers: []corev1.Container{
				{Env: []corev1.EnvVar{{Name: test.variable, Value: test.value}}},
			}})
			uses := false
			for _, h := range got.hosts {
				uses = uses || services.match(h, test.namespace)
				assert.NotContains(t, h.name, "secret")
			}
			assert.Equal(t, test.uses, uses, "%+v", got)
			if test.user != "" {
				assert.Contains(t, got.users, test.user)
			}
			assert.NotContains(t, got.users, "secret")
		})
	}
}

func TestTemplateOf_NamesTheSecretsThatCanHoldALogin(t *testing.T) {
	key := func(variable, secret, key string) corev1.EnvVar {
		return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}}}
	}
	volume := func(name string) corev1.Volume {
		return corev1.Volume{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}}
	}
	got := templateOf(workloadRef{namespace: "shop"}, &corev1.PodSpec{
		InitContainers: []corev1.Container{
			{
				EnvFrom: []corev1.EnvFromSource{
					{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "all"}}},
				},
			},
		},
		Containers: []corev1.Container{
			{Env: []corev1.EnvVar{key("DB_PASSWORD", "a", "x"), key("X", "b", "uri"), key("LICENCE", "c", "text")}},
		},
		Volumes: []corev1.Volume{
			volume("ca"),
			volume("pg-login"),
			{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{
					{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}},
				},
			}}},
		},
	})
	var names []string
	for _, name := range got.secrets {
		assert.Equal(t, "shop", name.Namespace)
		names = append(names, name.Name)
	}
	assert.Equal(t, []string{"a", "all", "b", "db", "pg-login"}, names)
}

func TestLoginsIn(t *testing.T) {
	stored := &corev1.Secret{
		Data: map[string][]byte{"POSTGRES_HOST": []byte("pg.data"), "POSTGRES_USERNAME": []byte("app"), "POSTGRES_PASSWORD": []byte("p"),
			"uri": []byte("postgres://app:q@pg.data/shop"), "token": []byte("t")},
	}
	stored.Namespace, stored.Name = "shop", "login"
	name := types.NamespacedName{Namespace: "shop", Name: "login"}
	assert.ElementsMatch(
		t, []secretLogin{{name, []string{"pg.data"}, "app", "p"}, {name, []string{"pg.data"}, "app", "q"}},
		loginsIn(stored),
	)
}

func TestUses_NeedsAHostForASuperuser(t *testing.T) {
	f := cleanFacts()
	for name, test := range map[string]struct {
		login secretLogin
		uses  bool
	}{
		"a role of this server":    {secretLogin{user: "web"}, true},
		"no role of this server":   {secretLogin{user: "other"}, false},
		"this server's host":       {secretLogin{user: "postgres", hosts: []string{"pg.data"}}, true},
		"another server's host":    {secretLogin{user: "web", hosts: []string{"pg.other"}}, false},
		"a superuser without host": {secretLogin{user: "postgres"}, false},
	} {
		assert.Equal(t, test.uses, f.uses(test.login), name)
	}
}
