package flags

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
)

func TestParseDuration_AcceptsAndRejects(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 30 * day, "12h": 12 * time.Hour, "1h30m": 90 * time.Minute, "36500d": maxDuration} {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "0d", "-1d", "1.5d", "d", "30", "-1h", "99999999d", "36501d", "213504d", "-213503d", "soon"} {
		_, err := parseDuration(text)
		assert.Error(t, err, text)
	}
}

// bindSpec returns the spec and the options that a command line of bind means.
func bindSpec(t *testing.T, args ...string) (v1alpha1.BindingSpec, binding.Options) {
	t.Helper()
	flags, run, cmd := &Spec{}, &Run{}, &cobra.Command{}
	flags.AddTo(cmd.Flags())
	run.AddTo(cmd)
	require.NoError(t, cmd.ParseFlags(args))
	spec, _, err := flags.Complete()
	require.NoError(t, err)
	options, err := run.Complete(cmd)
	require.NoError(t, err)
	return spec, options
}

// specTests are the flags that fill a spec, and the same spec in a file.
func specTests() map[string]struct {
	flags, file string
	want        v1alpha1.BindingSpec
} {
	limit := int32(3)
	return map[string]struct {
		flags, file string
		want        v1alpha1.BindingSpec
	}{
		"postgres":           {"--postgres=sts/pg", "postgres: sts/pg", v1alpha1.BindingSpec{Postgres: "sts/pg"}},
		"postgres-namespace": {"--postgres-namespace=db", "postgresNamespace: db", v1alpha1.BindingSpec{PostgresNamespace: "db"}},
		"postgres-container": {"--postgres-container=main", "postgresContainer: main", v1alpha1.BindingSpec{PostgresContainer: "main"}},
		"admin-user":         {"--admin-user=boss", "adminUser: boss", v1alpha1.BindingSpec{AdminUser: "boss"}},
		"admin-password-from": {
			"--admin-password-from=secret/a:k",
			"adminPasswordFrom: 'secret/a:k'",
			v1alpha1.BindingSpec{AdminPasswordFrom: "secret/a:k"},
		},
		"dbname": {"--dbname=shop", "dbname: shop", v1alpha1.BindingSpec{DBName: "shop"}},
		"host":   {"--host=pooler", "host: pooler", v1alpha1.BindingSpec{Host: "pooler"}},
		"port":   {"--port=6432", "port: 6432", v1alpha1.BindingSpec{Port: 6432}},
		"cluster-domain": {
			"--cluster-domain=example.org",
			"clusterDomain: example.org",
			v1alpha1.BindingSpec{ClusterDomain: "example.org"},
		},
		"access": {"--access=readonly", "access: readonly", v1alpha1.BindingSpec{Access: "readonly"}},
		"schema": {"--schema=a,b --schema=c", "schemas: [a, b, c]", v1alpha1.BindingSpec{Schemas: []string{"a", "b", "c"}}},
		"create-database": {"--create-database --dbname=shop", "createDatabase: true, dbname: shop",
			v1alpha1.BindingSpec{CreateDatabase: true, DBName: "shop"}},
		"database-template": {
			"--create-database --dbname=shop --database-template=t",
			"createDatabase: true, dbname: shop, databaseTemplate: t",
			v1alpha1.BindingSpec{CreateDatabase: true, DBName: "shop", DatabaseTemplate: "t"},
		},
		"database-locale": {"--create-database --dbname=shop --database-locale=C", "createDatabase: true, dbname: shop, databaseLocale: C",
			v1alpha1.BindingSpec{CreateDatabase: true, DBName: "shop", DatabaseLocale: "C"}},
		"create-schema": {"--create-schema=app", "createSchema: app", v1alpha1.BindingSpec{CreateSchema: "app"}},
		"extension": {
			"--extension=citext --extension=cube",
			"extensions: [citext, cube]",
			v1alpha1.BindingSpec{Extensions: []string{"citext", "cube"}},
		},
		"extension-schema": {"--extension=citext --extension-schema=ext", "extensions: [citext], extensionSchema: ext",
			v1alpha1.BindingSpec{Extensions: []string{"citext"}, ExtensionSchema: "ext"}},
		"isolated":      {"--isolated", "isolated: true", v1alpha1.BindingSpec{Isolated: true}},
		"username":      {"--username=shop", "username: shop", v1alpha1.BindingSpec{Username: "shop"}},
		"password-from": {"--password-from=secret/p:k", "passwordFrom: 'secret/p:k'", v1alpha1.BindingSpec{PasswordFrom: "secret/p:k"}},
		"secret":        {"--secret=s", "secret: s", v1alpha1.BindingSpec{Secret: "s"}},
		"key": {
			"--key=uri,servicebinding",
			"keys: [uri, servicebinding]",
			v1alpha1.BindingSpec{Keys: []string{"uri", "servicebinding"}},
		},
		"preset": {"--preset=url,libpq", "presets: [url, libpq]", v1alpha1.BindingSpec{Presets: []string{"url", "libpq"}}},
		"env": {"--env=A={{.Host}},{{.URI}} --env=B=x=y", "env: {A: '{{.Host}},{{.URI}}', B: 'x=y'}",
			v1alpha1.BindingSpec{Env: map[string]string{"A": "{{.Host}},{{.URI}}", "B": "x=y"}}},
		"names-from-workload": {"--names-from-workload", "namesFromWorkload: true", v1alpha1.BindingSpec{NamesFromWorkload: true}},
		"sslmode":             {"--sslmode=verify-full", "sslmode: verify-full", v1alpha1.BindingSpec{SSLMode: "verify-full"}},
		"ca-from":             {"--ca-from=configmap/ca:k", "caFrom: 'configmap/ca:k'", v1alpha1.BindingSpec{CAFrom: "configmap/ca:k"}},
		"inject":              {"--inject=env", "inject: env", v1alpha1.BindingSpec{Inject: "env"}},
		"container": {
			"-c web -c worker",
			"containers: [web, worker]",
			v1alpha1.BindingSpec{Containers: []string{"web", "worker"}},
		},
		"env-prefix":      {"--env-prefix=DB_", "envPrefix: DB_", v1alpha1.BindingSpec{EnvPrefix: "DB_"}},
		"owner-container": {"--owner-container=migrate", "ownerContainer: migrate", v1alpha1.BindingSpec{OwnerContainer: "migrate"}},
		"mount-path": {"--inject=volume --mount-path=/run/db", "inject: volume, mountPath: /run/db",
			v1alpha1.BindingSpec{Inject: "volume", MountPath: "/run/db"}},
		"connection-limit": {"--connection-limit=3", "connectionLimit: 3", v1alpha1.BindingSpec{ConnectionLimit: &limit}},
		"set": {
			"--set=statement_timeout=5s --set=search_path=app,public --set=app.equals=a=b --set=work_mem=",
			"settings: {statement_timeout: 5s, search_path: 'app,public', app.equals: a=b, work_mem: ''}",
			v1alpha1.BindingSpec{
				Settings: map[string]string{"statement_timeout": "5s", "search_path": "app,public", "app.equals": "a=b", "work_mem": ""},
			},
		},
		"template-path": {
			"--template-path=spec.podTemplate",
			"templatePath: spec.podTemplate",
			v1alpha1.BindingSpec{TemplatePath: "spec.podTemplate"},
		},
	}
}

func TestBindFlags_FillASpec(t *testing.T) {
	for name, test := range specTests() {
		spec, _ := bindSpec(t, strings.Fields(test.flags)...)
		assert.Equal(t, test.want, spec, name)
	}
	spec, _ := bindSpec(t)
	assert.Equal(t, v1alpha1.BindingSpec{}, spec, "without flags, BindingSpec.WithDefaults decides")
	spec, _ = bindSpec(t, "--expires=30d")
	assert.WithinDuration(t, time.Now().Add(30*day), spec.Expires.Time, time.Minute)
	later := time.Now().Add(day).UTC().Truncate(time.Second)
	spec, _ = bindSpec(t, "--expires="+later.Format(time.RFC3339))
	assert.Equal(t, later, spec.Expires.Time, "the time that check prints")
	for word, want := range map[string]string{"ro": "readonly", "read-only": "readonly", "rw": "readwrite", "read-write": "readwrite", "all": "all"} {
		spec, _ = bindSpec(t, "--access="+word)
		assert.Equal(t, want, spec.Access, "a spec has one name for each level")
	}
	spec, _ = bindSpec(t, "--password-from=stdin")
	assert.Empty(t, spec.PasswordFrom, "standard input is not stored")
}

func TestBindFlags_FillOptions(t *testing.T) {
	spec, options := bindSpec(
		t, "--adopt", "--force", "--wait=false", "--timeout=1m", "--restart", "--recreate", "--field-manager=me",
		"--dry-run=server",
	)
	assert.Equal(t, v1alpha1.BindingSpec{}, spec)
	assert.Equal(t, binding.Options{
		Adopt: true, Force: true, Timeout: time.Minute, Restart: true, Recreate: true, FieldManager: "me", DryRun: cmdutil.DryRunServer,
	}, options)
	_, options = bindSpec(t)
	assert.Equal(t, binding.Options{Wait: true, Timeout: 5 * time.Minute}, options)
}

func TestApply_ReadsTheSpecOfAFile(t *testing.T) {
	for name, test := range specTests() {
		file := "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/web, " + test.file + "}\n"
		documents, err := (&manifest.Reader{Stdin: strings.NewReader(file)}).Read(manifest.Stdin)
		require.NoError(t, err, name)
		items, err := binding.NewItems(documents, binding.Options{Wait: true})
		require.NoError(t, err, name)
		test.want.Workload = "deployment/web"
		assert.Equal(t, test.want, items[0].Spec, name)
		assert.Equal(t, binding.Options{Wait: true, Exact: true}, items[0].Options, name)
	}
}

func TestBindFlags_CoverEveryFieldAndFlag(t *testing.T) {
	exceptions := map[string]string{
		"Workload": "it is the argument",
		"Expires":  "the flag is a duration, which TestBindFlags_FillASpec tests by itself",
		// The pipeline stores it.
		"FieldManager": "it is a flag of the run, also of those that bind nothing",
	}
	filled, flags := map[string]bool{}, map[string]bool{"expires": true, "field-manager": true}
	for name, test := range specTests() {
		flags[name] = true
		spec := reflect.ValueOf(test.want)
		for i := range spec.NumField() {
			if !spec.Field(i).IsZero() {
				filled[spec.Type().Field(i).Name] = true
			}
		}
	}
	spec := reflect.TypeFor[v1alpha1.BindingSpec]()
	for i := range spec.NumField() {
		field := spec.Field(i)
		_, exception := exceptions[field.Name]
		assert.NotEqual(t, filled[field.Name], exception, "field %s needs a flag and a test, or is an exception", field.Name)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Name != "Workload" {
			assert.True(t, flags[strings.TrimPrefix(flagOf(name), "--")], "flag of field %s", field.Name)
		}
	}
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	(&Spec{}).AddTo(set)
	set.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden { // it only names what replaces it
			return
		}
		assert.True(t, flags[flag.Name], "flag --%s has no test", flag.Name)
		assert.Contains(t, []string{"", "[]", "0", "false"}, flag.DefValue, "--%s: defaults are in BindingSpec.WithDefaults", flag.Name)
	})
}

func TestBindFlags_RejectInvalidValues(t *testing.T) {
	for args, want := range map[string]string{
		"--sslmode=on":                          "--sslmode: invalid value \"on\": use disable",
		"--key=url":                             "--key: invalid key \"url\"",
		"--access=some":                         "--access: ",
		"--postgres=job/x":                      "--postgres: ",
		"--inject=file":                         "--inject: invalid value \"file\": use envFrom",
		"--inject=volume":                       "--inject: ",
		"--mount-path=/x":                       "--mount-path: ",
		"--create-database":                     "--create-database: name the database with --dbname",
		"--database-template=t":                 "--database-template: it needs createDatabase",
		"--database-locale=C":                   "--database-locale: it needs createDatabase",
		"--extension-schema=x":                  "--extension-schema: it needs an extension",
		"--create-schema=app --access=readonly": "--create-schema: its owner can create objects in it",
		"--create-schema=app --extension=citext --extension-schema=app": "--extension-schema: the application can create objects in schema \"app\"",
		"--extension=citext --extension-schema=pg_catalog":              "--extension-schema: ",
		"--connection-limit=0":                              "--connection-limit: use 1 or more, or -1 for no limit",
		"--connection-limit=-2":                             "--connection-limit: use 1 or more",
		"--set=statement_timeout":                           "--set statement_timeout: use NAME=VALUE",
		"--set=work_mem=1MB --set=work_mem=2MB":             "--set work_mem: use NAME=VALUE, once",
		"--set=DateStyle=ISO":                               "--set: invalid name \"DateStyle\": use a parameter of PostgreSQL in lower case",
		"--set==x":                                          "--set: invalid name \"\"",
		"--set=role=postgres":                               "--set: parameter role decides as which role the login acts",
		"--set=session_authorization=x":                     "--set: parameter session_authorization decides",
		"--set=local_preload_libraries=x":                   "--set: parameter local_preload_libraries can prevent every login",
		"--set=session_preload_libraries=":                  "--set: parameter session_preload_libraries can",
		"--set=search_path=a,,b":                            "--set: the value of parameter search_path is no list of names",
		"--expires=2001-01-01T00:00:00Z":                    "in the future",
		"--expires=2999-12-31T23:59:59Z":                    "within the next hundred years",
		"--expires=soon":                                    "invalid --expires \"soon\"",
		"--ca-from=stdin":                                   "--ca-from: ",
		"--password-from=hunter2":                           "--password-from: ",
		"--names-from-workload --preset=url":                "--names-from-workload: leave out --preset",
		"--names-from-workload --inject=volume":             "--names-from-workload: use --inject env or none",
		"--names-from-workload --env-prefix=X_":             "--names-from-workload: leave out --env-prefix",
		"--password-from=stdin --admin-password-from=stdin": "cannot both read stdin",
	} {
		flags, set := &Spec{}, pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.AddTo(set)
		require.NoError(t, set.Parse(strings.Fields(args)))
		_, _, err := flags.Complete()
		require.ErrorContains(t, err, want, args)
		assert.NotContains(t, err.Error(), "hunter2", "it can be a password")
	}
}
