package v1alpha1

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// filled returns a spec whose fields all have a value that contains the text.
func filled(text string, number int64) BindingSpec {
	var spec BindingSpec
	fields := reflect.ValueOf(&spec).Elem()
	for i := range fields.NumField() {
		switch field := fields.Field(i); value := field.Addr().Interface().(type) {
		case *string:
			*value = text
		case *[]string:
			*value = []string{text}
		case *map[string]string:
			*value = map[string]string{text: text}
		case *int32:
			*value = int32(number) //nolint:gosec // a small number
		case **int32:
			limit := int32(number) //nolint:gosec // a small number
			*value = &limit
		case *bool:
			*value = true
		case **metav1.Time:
			*value = &metav1.Time{Time: time.Unix(number, 0)}
		default:
			panic("no value for a field of type " + field.Type().String())
		}
	}
	return spec
}

// only returns a spec that has no other field of from than the named one.
func only(field string, from BindingSpec) BindingSpec {
	var spec BindingSpec
	reflect.ValueOf(&spec).Elem().FieldByName(field).Set(reflect.ValueOf(from).FieldByName(field))
	return spec
}

func TestKeepFrom_KeepsEveryFieldOfTheNewSpec(t *testing.T) {
	now := filled("now", 2)
	assert.Equal(t, now, now.KeepFrom(BindingSpec{}), "a field that is missing in KeepFrom would be lost")
}

func TestKeepFrom_DecidesAboutEveryField(t *testing.T) {
	earlier, now := filled("earlier", 1), filled("now", 2)
	const request, either, both = "the request alone", "the request, or else the earlier spec", "both"
	rules := map[string]string{
		"Workload": request, "Postgres": request, "PostgresNamespace": request, "PostgresContainer": request, "DBName": request,
		"AdminUser": request, "Access": request, "Schemas": request, "Isolated": request,
		"Username": request, "Secret": request,
		"Inject": either, "EnvPrefix": either, "MountPath": either, "Presets": either, "Env": both,
		"CreateDatabase": request, "DatabaseTemplate": request, "DatabaseLocale": request,
		"CreateSchema": request, "Extensions": request, "ExtensionSchema": request,
		"NamesFromWorkload": either,
		"AdminPasswordFrom": either, "PasswordFrom": either, "CAFrom": either, "SSLMode": either, "Expires": either, "TemplatePath": either,
		"FieldManager":    either,
		"ConnectionLimit": either, "Settings": both,
		"Host": either, "Port": either, "ClusterDomain": either,
		"Keys": both, "Containers": both, "OwnerContainer": request,
	}
	spec := reflect.TypeFor[BindingSpec]()
	assert.Len(t, rules, spec.NumField())
	for i := range spec.NumField() {
		field := spec.Field(i).Name
		value := func(s BindingSpec) any { return reflect.ValueOf(s).FieldByName(field).Interface() }
		absent, repeated := value(BindingSpec{}.KeepFrom(earlier)), value(only(field, now).KeepFrom(earlier))
		switch rules[field] {
		case request:
			assert.Zero(t, absent, field)
			assert.Equal(t, value(now), repeated, field)
		case either:
			assert.Equal(t, value(earlier), absent, field)
			assert.Equal(t, value(now), repeated, field)
		case both:
			assert.Equal(t, value(earlier), absent, field)
			if field == "Env" || field == "Settings" {
				assert.Equal(t, map[string]string{"earlier": "earlier", "now": "now"}, repeated)
				continue
			}
			assert.Equal(t, []string{"earlier", "now"}, repeated, field)
		default:
			t.Errorf("no rule for field %s", field)
		}
	}
}

func TestKeepFrom_KeepsAddressesWhole(t *testing.T) {
	earlier := BindingSpec{Host: "pooler", Port: 6432, ClusterDomain: "example.org"}
	assert.Equal(t, BindingSpec{Host: "other"}, BindingSpec{Host: "other"}.KeepFrom(earlier), "the port is not that of another host")
	assert.Equal(t, BindingSpec{Port: 5433}, BindingSpec{Port: 5433}.KeepFrom(earlier))
}

func TestKeepFrom_KeepsTheReferenceWhole(t *testing.T) {
	earlier := BindingSpec{Inject: "volume", MountPath: "/login"}
	assert.Equal(t, BindingSpec{Inject: "env"}, BindingSpec{Inject: "env"}.KeepFrom(earlier))
	assert.Equal(t, BindingSpec{Inject: "volume", MountPath: "/other"}, BindingSpec{MountPath: "/other"}.KeepFrom(earlier))
}

func TestKeepFrom_ReplacesOtherNames(t *testing.T) {
	earlier := BindingSpec{
		Presets:   []string{"url"},
		Inject:    "volume",
		MountPath: "/login",
		EnvPrefix: "X_",
		Env:       map[string]string{"A": "a"},
	}
	now := BindingSpec{NamesFromWorkload: true}
	assert.Equal(t, BindingSpec{NamesFromWorkload: true, Env: map[string]string{"A": "a"}}, now.KeepFrom(earlier))
	assert.Equal(t, "env", now.WithDefaults("shop").Inject)
}

func TestKeepFrom_DoesNotChangeTheEarlierSpec(t *testing.T) {
	keys := append(make([]string, 0, 8), "uri")
	earlier := BindingSpec{Keys: keys}
	assert.Equal(t, []string{"uri", "jdbc"}, BindingSpec{Keys: []string{"jdbc", "uri"}}.KeepFrom(earlier).Keys)
	assert.Equal(t, []string{"uri", "pgpass"}, BindingSpec{Keys: []string{"pgpass"}}.KeepFrom(earlier).Keys)
	assert.Empty(t, keys[1:cap(keys)][0])
}

func TestWithDefaults(t *testing.T) {
	assert.Equal(t, BindingSpec{
		Postgres: "pod/postgresql-sfs-0", PostgresNamespace: "shop", DBName: "postgres", AdminUser: "postgres",
		Access: "all", Schemas: []string{"public"}, Inject: "envFrom", FieldManager: "pgbind.dev",
	}, BindingSpec{}.WithDefaults("shop"))
	all := filled("x", 1)
	assert.Equal(t, all, all.WithDefaults("shop"))
	assert.Equal(t, "template0", BindingSpec{CreateDatabase: true}.WithDefaults("shop").DatabaseTemplate)
	assert.Equal(t, "extensions", BindingSpec{Extensions: []string{"citext"}}.WithDefaults("shop").ExtensionSchema)
}

func TestSplit(t *testing.T) {
	alone := BindingSpec{OwnerContainer: "migrate", Secret: "s", CreateDatabase: true}
	assert.Equal(t, []BindingSpec{alone}, alone.Split(), "without another level, only the owner container is bound")
	both := BindingSpec{
		OwnerContainer:   "migrate",
		Access:           "readwrite",
		Containers:       []string{"web"},
		Presets:          []string{"url"},
		Secret:           "s",
		Username:         "u",
		PasswordFrom:     "secret/p:k",
		CreateDatabase:   true,
		DatabaseTemplate: "t",
		DatabaseLocale:   "C",
	}
	others := both
	others.OwnerContainer = ""
	owner := BindingSpec{OwnerContainer: "migrate", Access: "all", Presets: []string{"url"}}
	assert.Equal(t, []BindingSpec{others, owner}, both.Split())
	assert.Equal(t, []BindingSpec{owner}, owner.Split(), "a stored spec stays as it is")
	assert.True(t, owner.IsOwner())
	assert.False(t, others.IsOwner())
}

func TestSettings_AreKeptUntilTheyAreReset(t *testing.T) {
	earlier := BindingSpec{Settings: map[string]string{"work_mem": "8MB", "statement_timeout": "5s"}}
	kept := BindingSpec{Settings: map[string]string{"work_mem": ""}}.KeepFrom(earlier)
	assert.Equal(t, map[string]string{"work_mem": "", "statement_timeout": "5s"}, kept.Settings)
	assert.Equal(t, map[string]string{"statement_timeout": "5s"}, kept.WithDefaults("shop").Settings, "a reset is not stored")
	assert.Equal(t, map[string]string{"work_mem": "", "statement_timeout": "5s"}, kept.Settings, "the request stays as it is")
	assert.Nil(t, BindingSpec{Settings: map[string]string{"work_mem": ""}}.WithDefaults("shop").Settings)
	assert.Equal(t, "8MB", earlier.Settings["work_mem"])
}

func TestWithDefaults_BindsTheSchemaToCreate(t *testing.T) {
	for want, spec := range map[string]BindingSpec{
		"app":        {CreateSchema: "app"},
		"app,public": {CreateSchema: "app", Schemas: []string{"public"}},
		"public,app": {CreateSchema: "app", Schemas: []string{"public", "app"}},
	} {
		once := spec.WithDefaults("shop")
		assert.Equal(t, want, strings.Join(once.Schemas, ","))
		assert.Equal(t, once, once.WithDefaults("shop"))
	}
}
