//nolint:gosec // the passwords are examples
package keys

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// literals returns a container with these variables, sorted by name.
func literals(variables map[string]string) Container {
	var c Container
	for _, name := range sortedKeys(variables) {
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: variables[name]})
	}
	return c
}

// edit returns a copy of the usual five variables, with changes. An empty value removes a variable.
func edit(changes map[string]string) map[string]string {
	variables := map[string]string{"DB_HOST": "db", "DB_PORT": "5432", "DB_NAME": "shop", "DB_USER": "app", "DB_PASSWORD": "f0rmer-secret"}
	maps.Copy(variables, changes)
	maps.DeleteFunc(variables, func(_, value string) bool { return value == "" })
	return variables
}

func namesOf(names Names) []string {
	var found []string
	for _, name := range names.Variables {
		found = append(found, name.Template.Name())
	}
	slices.Sort(found)
	return found
}

func TestRecognize_RefusesWhatIsUnclear(t *testing.T) {
	for what, test := range map[string]struct {
		variables map[string]string
		message   string
	}{
		"another host": {edit(map[string]string{"DB_HOST": "mysql"}), "no variable names a host of this server"},
		"no password":  {edit(map[string]string{"DB_PASSWORD": ""}), "no variable next to it has the password"},
		"no user":      {edit(map[string]string{"DB_USER": ""}), "no variable next to it has the username"},
		"a password in a file": {
			edit(map[string]string{"DB_PASSWORD": "", "DB_PASSWORD_FILE": "/run/pw"}), "from the file that DB_PASSWORD_FILE names",
		},
		"a login and a file": {edit(map[string]string{"DB_PASSWORD_FILE": "/run/pw"}), "it names a file"},
		"a URL and a file": {
			map[string]string{"DATABASE_URL": "postgres://app:a@db/shop", "DATABASE_URL_FILE": "/run/url"}, "it names a file",
		},
		"an administrator's user": {edit(map[string]string{"DB_USER": "", "POSTGRES_USER": "postgres"}), "different prefixes"},
		"two users":               {edit(map[string]string{"DB_USERNAME": "owner"}), "different values for the username"},
		"two passwords":           {edit(map[string]string{"DB_PASS": "other"}), "different values for the password"},
		"two logins": {
			map[string]string{"DATABASE_URL": "postgres://app:a@db/shop", "MIGRATION_URL": "postgres://owner:b@db/shop"},
			"different values for the username",
		},
		"two databases": {
			map[string]string{"DATABASE_URL": "postgres://app:a@db/shop", "AUDIT_URL": "postgres://app:a@db/audit"},
			"different values for the database",
		},
		"two ports":       {edit(map[string]string{"DB_DSN": "postgres://app:f0rmer-secret@db:6432/shop"}), "different values for the port"},
		"an unclear port": {edit(map[string]string{"DB_DSN": "postgres://db/shop", "DB_PORT": "6432"}), "its value has no port"},
		"two servers of one owner": {
			edit(map[string]string{"DB_HOSTNAME": "other"}), "they name different servers",
		},
		"several hosts":        {map[string]string{"DATABASE_URL": "postgres://app:a@db,db2/shop"}, "not supported"},
		"a user twice":         {map[string]string{"DATABASE_URL": "postgres://app:a@db/shop?user=x"}, "not supported"},
		"a host in parameters": {map[string]string{"DATABASE_URL": "postgres://app:a@db/shop?host=other"}, "not supported"},
		"a wrong escape":       {map[string]string{"DATABASE_URL": "postgres://app:100%@db/shop"}, "not supported"},
		"a plus sign":          {map[string]string{"JDBC_URL": "jdbc:postgresql://db/shop?user=a+b&password=c"}, "not supported"},
		"nothing":              {nil, "no variable names a host"},
	} {
		t.Run(what, func(t *testing.T) {
			names, problems := Recognize(literals(test.variables), theServer)
			assert.Empty(t, names.Variables)
			assert.Equal(t, Values{}, names.Former)
			require.NotEmpty(t, problems)
			assert.Contains(t, problems[len(problems)-1].Message, test.message)
			for _, value := range test.variables {
				assert.False(t, len(value) > 6 && strings.Contains(problems[len(problems)-1].Message, value), "a value is in the message")
			}
		})
	}
}

func TestRecognize_LeavesOtherVariables(t *testing.T) {
	usual := []string{"DB_HOST", "DB_NAME", "DB_PASSWORD", "DB_PORT", "DB_USER"}
	for what, test := range map[string]struct {
		changes  map[string]string
		want     []string
		problems []string
	}{
		"of other services": {changes: map[string]string{
			"REDIS_HOST": "cache", "REDIS_PASSWORD": "x", "SMTP_USER": "app", "ADMIN_PASSWORD": "y", "PORT": "5432", "USER": "app", "NAME": "shop",
			"APP_NAME": "shop", "DB_TYPE": "postgres", "DB_SCHEMA": "public", "DB_SSLMODE": "disable", "DB": "postgres", "DB_POOL_SIZE": "5432",
			"DB_FILE": "/shop.sqlite", "DB_SSL_CA_FILE": "/ca.crt",
			"MONGO_URL": "mongodb://app:f@db/shop", "WEB_URL": "http://db:5432/shop", "MYSQL_HOST": "db2", "MYSQL_USER": "app",
		}, want: usual},
		"of an administrator": {changes: map[string]string{"DB_ADMIN_USER": "postgres", "DB_ROOT_PASSWORD": "root"}, want: usual},
		"of another login": {
			changes: map[string]string{"POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": "admin"}, want: usual,
			problems: []string{"POSTGRES_PASSWORD", "POSTGRES_USER"},
		},
		"of another server": {
			changes: map[string]string{"POSTGRES_HOST": "old", "POSTGRES_USER": "app", "POSTGRES_PASSWORD": "f0rmer-secret"}, want: usual,
			problems: []string{"POSTGRES_PASSWORD"}, // it contains the password
		},
		"except other spellings": {
			changes: map[string]string{"PGUSER": "app", "PGPASSWORD": "f0rmer-secret", "POSTGRES_DB": "shop"},
			want:    []string{"DB_HOST", "DB_NAME", "DB_PASSWORD", "DB_PORT", "DB_USER", "PGPASSWORD", "PGUSER", "POSTGRES_DB"},
		},
		"except other forms": {
			changes: map[string]string{"ADO": "Host=db;Username=app;Password=f0rmer-secret", "X": "app:f0rmer-secret@db:5432/shop"},
			want:    []string{"ADO", "DB_HOST", "DB_NAME", "DB_PASSWORD", "DB_PORT", "DB_USER", "X"},
		},
		"with the password in another form": {
			changes: map[string]string{"CONFIG": `{"password":"f0rmer-secret"}`}, want: usual, problems: []string{"CONFIG"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			names, problems := Recognize(literals(edit(test.changes)), theServer)
			assert.Equal(t, test.want, namesOf(names))
			found := subjects(problems)
			slices.Sort(found)
			assert.Equal(t, test.problems, found)
		})
	}
}

func TestRecognize_ShortNames(t *testing.T) {
	variables := map[string]string{
		"HOST":     "db",
		"PORT":     "8069",
		"USER":     "odoo",
		"PASSWORD": "f0rmer-secret",
		"NAME":     "shop",
		"DATABASE": "x",
	}
	names, problems := Recognize(literals(variables), theServer)
	assert.Equal(t, []string{"HOST", "PASSWORD", "USER"}, namesOf(names), "the port is not that of a database")
	assert.Empty(t, problems)
	variables["PORT"] = "5432"
	names, _ = Recognize(literals(variables), theServer)
	assert.Equal(t, []string{"HOST", "PASSWORD", "PORT", "USER"}, namesOf(names))
}

func TestRecognize_TakesTheNamedDatabase(t *testing.T) {
	variables := map[string]string{
		"DATABASE_URL": "postgres://app:a@db/shop", "AUDIT_DATABASE_URL": "postgres://audit:b@db/audit", "AUDIT_DATABASE_USER": "audit",
	}
	server := theServer
	for database, want := range map[string]string{"shop": "DATABASE_URL", "audit": "AUDIT_DATABASE_URL"} {
		server.Database = database
		names, problems := Recognize(literals(variables), server)
		assert.Contains(t, namesOf(names), want)
		assert.Equal(t, database, names.Former.Database)
		require.Len(t, problems, 1)
		assert.Contains(t, problems[0].Message, "for another database")
	}
	server.Database = "other"
	names, problems := Recognize(literals(variables), server)
	assert.Empty(t, names.Variables)
	assert.Len(t, problems, 1)
}

func TestRecognize_SaysWhereValuesComeFrom(t *testing.T) {
	key := func(name, secret string) corev1.EnvVar {
		selector := &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: "k"}
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: selector}}
	}
	selector := &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "k"}
	c := Container{
		Env: []corev1.EnvVar{
			{Name: "DB_HOST", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: selector}},
			{Name: "DB_USER", Value: "app"}, key("DB_PASSWORD", "login"),
			{Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}},
			{Name: "DB_NAME", Value: "$$(shop)$(NODE"}, {Name: "LOOP", Value: "$(DB_HOST) $(UNKNOWN)"},
		},
		EnvFrom: []corev1.EnvFromSource{
			{Prefix: "DB_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "more"}}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "hidden"}}},
		},
		ConfigMaps: map[string]map[string]string{"settings": {"k": "DB.shop.svc."}, "more": {"PORT": "5432", "USER": "another"}},
		Secrets:    map[string]map[string][]byte{"login": {"k": []byte("f0rmer-secret")}},
	}
	names, problems := Recognize(c, theServer)
	assert.Equal(t, []string{"secret/hidden is not readable: its variables are unknown"}, subjects(problems))
	origins := map[string]Origin{}
	var logins []string
	for _, name := range names.Variables {
		origins[name.Template.Name()] = name.Origin
		if name.Login() {
			logins = append(logins, name.Template.Name())
		}
	}
	assert.Equal(t, map[string]Origin{
		"DB_HOST":     OriginConfigMap,
		"DB_USER":     OriginLiteral,
		"DB_PASSWORD": OriginSecret,
		"DB_PORT":     OriginEnvFrom,
		"DB_NAME":     OriginLiteral,
	}, origins)
	assert.Equal(t, []string{"DB_USER", "DB_PASSWORD"}, logins)
	assert.Equal(t, Values{Host: "DB.shop.svc.", Port: 5432, Database: "$(shop)$(NODE", Username: "app", Password: "f0rmer-secret"},
		names.Former)

	c.Secrets = nil
	names, problems = Recognize(c, theServer)
	assert.Empty(t, names.Variables)
	assert.Equal(t, []string{"DB_PASSWORD", "secret/hidden is not readable: its variables are unknown"}, subjects(problems))
}

func TestParseForm_KeepsTheRest(t *testing.T) {
	const login = "{{urlquery .Username}}:{{urlquery .Password}}"
	for value, want := range map[string]string{
		"postgresql+asyncpg://u:p@h/d":            "postgresql+asyncpg://" + login + "@{{.ShortAddress}}/{{urlquery .Database}}",
		"ecto://u:p@[::1]:6432/d?ssl=true&pool=5": "ecto://" + login + "@{{.Address}}/{{urlquery .Database}}?ssl=true&pool=5",
		"r2dbc:pool:postgresql://u:p@h:1/":        "r2dbc:pool:postgresql://" + login + "@{{.Address}}/",
		"jdbc:postgresql://h/d?user=u&x=1&password=p": "jdbc:postgresql://{{.ShortAddress}}/{{urlquery .Database}}" +
			"?user={{urlquery .Username}}&x=1&password={{urlquery .Password}}",
		"postgres://u@h/d?options=-c%20x%3D{{y}}": "postgres://{{urlquery .Username}}@{{.ShortAddress}}" +
			"/{{urlquery .Database}}?options=-c%20x%3D" + `{{"{"}}{{"{"}}y}}`,
		"u:p@h:1/d": login + "@{{.Address}}/{{urlquery .Database}}",
		" host = h\tuser='a \\'b' connect_timeout=3 ": " host = {{conninfo .Host}}\tuser={{conninfo .Username}} connect_timeout=3 ",
		`Server=h; User Id=u;Pooling="x;y";Password=p;`: `Server={{dotnet .Host}}; User Id={{dotnet .Username}};Pooling="x;y"` +
			`;Password={{dotnet .Password}};`,
		"host=h; username=u;port=1": "host={{dotnet .Host}}; username={{dotnet .Username}};port={{.Port}}",
	} {
		f, ok := parseForm(value)
		require.True(t, ok, value)
		assert.False(t, f.unclear, value)
		assert.Equal(t, want, f.template)
		assert.True(t, f.rendersAgain(value), value)
	}
	for _, value := range []string{
		"", "db", "http://u:p@h/d", "redis://:p@h/0", "postgres", "postgres://", "mysql://u:p@h/d", "u:p@tcp(h:3306)/d", "host=h", "a=b;c=d",
		"postgres://u:p@h/d#f", "postgres://u:p#q@h/d", "postgres://u:p/q@h/d", "h:5432/d", "user=u password=p", `Host="h`,
	} {
		_, ok := parseForm(value)
		assert.False(t, ok, value)
	}
}

// FuzzRecognize puts values into each form. What is recognised has to render to the former value again.
func FuzzRecognize(f *testing.F) {
	f.Add("postgres://app:secret@db:5432/shop?sslmode=disable", "app", "f0rmer-secret", "db")
	f.Add("jdbc:postgresql://db/shop?user=a%20b&password=c%2B", "a b", "c+", "db.shop:5432")
	f.Add(`host=db user='a\'b' password=\ x dbname="y"`, "u", "{{", "[::1]:5432")
	f.Add(`Host=db;Username="a;""b";Password='c;''d'`, "-}}", "{{/*", "db")
	f.Fuzz(func(t *testing.T, text, user, password, host string) {
		if !utf8.ValidString(text + user + password + host) {
			return
		}
		for name, variables := range map[string]map[string]string{
			"text":  {"DATABASE_URL": text, "DATABASE_USER": user, "DATABASE_PASSWORD": password},
			"parts": {"DB_HOST": host, "DB_USER": user, "DB_PASSWORD": password, "DB_NAME": text},
			"uri":   {"DATABASE_URL": "postgres://" + url.QueryEscape(user) + ":" + url.PathEscape(password) + "@db/" + text},
		} {
			c := literals(variables)
			c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool { return strings.Contains(e.Value, "$") })
			if len(c.Env) < len(variables) {
				continue
			}
			names, problems := Recognize(c, theServer)
			if len(names.Variables) == 0 {
				require.NotEmpty(t, problems, name)
				continue
			}
			require.NotEmpty(t, names.Former.Username)
			require.NotEmpty(t, names.Former.Password)
			for _, n := range names.Variables {
				former := names.Former // each variable can have another name of the host
				own := theServer.classify(setting{name: n.Template.Name(), value: variables[n.Template.Name()], known: true})
				former.Host = own.form.parts[PartHost]
				value, err := n.Template.Render(former)
				require.NoError(t, err)
				assertSameMeaning(t, variables[n.Template.Name()], value)
			}
		}
	})
}

// assertSameMeaning compares two values. Only escapes and quotes may differ.
func assertSameMeaning(t *testing.T, former, value string) {
	t.Helper()
	if former != value {
		assert.Equal(t, plainText(former), plainText(value))
	}
}

// plainText removes quotes, and escapes of which both digits are there.
func plainText(text string) string {
	text = regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(text, func(escape string) string {
		decoded, err := url.PathUnescape(escape)
		if err != nil {
			return escape
		}
		return decoded
	})
	return strings.NewReplacer(`\`, "", `'`, "", `"`, "").Replace(text)
}
