package binding

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

func TestValidate_RejectsValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for field, specs := range map[string][]v1alpha1.BindingSpec{
		"postgresNamespace": {{PostgresNamespace: "A"}, {PostgresNamespace: "a.b"}},
		"postgresContainer": {{PostgresContainer: "a/b"}},
		"containers":        {{Containers: []string{"web", "A"}}},
		"secret":            {{Secret: "a_b"}, {Secret: "a/b"}},
		"adminUser":         {{AdminUser: long}},
		"dbname":            {{DBName: long}, {DBName: "a\x00b"}},
		"databaseTemplate":  {{DatabaseTemplate: long, CreateDatabase: true, DBName: "shop"}},
		"schemas":           {{Schemas: []string{"a", long}}},
		"createSchema":      {{CreateSchema: long}},
		"extensions":        {{Extensions: []string{long}}},
		"extensionSchema":   {{Extensions: []string{"citext"}, ExtensionSchema: long}},
		"username":          {{Username: "pg_shop"}, {Username: "a\nb"}, {Username: "public"}, {Username: long}},
		"host":              {{Host: "a b"}, {Host: "/tmp"}},
		"clusterDomain":     {{ClusterDomain: "a/b"}},
		"port":              {{Port: -1}, {Port: 65536}},
		"envPrefix":         {{EnvPrefix: "9"}, {EnvPrefix: "a b"}, {EnvPrefix: "APP."}, {EnvPrefix: "A=B"}, {EnvPrefix: "ä"}},
		"mountPath":         {{MountPath: "x", Inject: "volume"}, {MountPath: "/a:b", Inject: "volume"}},
	} {
		for _, spec := range specs {
			found := Validate(spec)
			require.Len(t, found, 1, "%s: %v", field, found)
			assert.Equal(t, field, found[0].Field)
		}
	}
}

func TestValidate_AcceptsValues(t *testing.T) {
	t.Parallel()
	for _, spec := range []v1alpha1.BindingSpec{
		{}, {Containers: []string{"*"}}, {Host: "10.0.0.1", Port: 65535}, {Host: "db.example.org."}, {DBName: "Sales 1", Schemas: []string{`we "ird`}}, {DBName: "x\x1b[31m", Schemas: []string{"a\nb"}},
		{Username: "we ird"}, {Secret: "a.b-c"}, {MountPath: "/run/db", Inject: "volume"}, {AdminUser: "Boss"},
		{EnvPrefix: "APP_"}, {EnvPrefix: "_"}, {EnvPrefix: "a9"},
	} {
		assert.Empty(t, Validate(spec), "%+v", spec)
	}
}
