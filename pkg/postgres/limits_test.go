package postgres

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

func TestElements_ReadsListsAsSQLDoes(t *testing.T) {
	for list, want := range map[string][]string{
		`app`:                         {"app"},
		`App, "My ""x", $user,public`: {"app", `My "x`, "$user", "public"},
		`"$user", public`:             {"$user", "public"},
		`""`:                          {""},
		`"a,b" , c`:                   {"a,b", "c"},
	} {
		require.NoError(t, CheckSetting("search_path", list), list)
		assert.Equal(t, want, elements(list), list)
	}
	for _, list := range []string{"a,,b", ",", "a,", `"a`, `a"b"`, "a b", " "} {
		require.Error(t, CheckSetting("search_path", list), list)
	}
	assert.True(t, SameSetting("search_path", "app,public", `app, "public"`))
	assert.False(t, SameSetting("search_path", "app,public", "public, app"))
	assert.False(t, SameSetting("statement_timeout", "5s", "5000"), "the server keeps what it was given")
}

func TestCheckSetting_RefusesWhatNoBindingSets(t *testing.T) {
	for _, name := range []string{"statement_timeout", "app.tenant", "a.b_c.d$1", "default_transaction_read_only"} {
		require.NoError(t, CheckSetting(name, "x"), name)
	}
	for _, name := range []string{
		"", "TimeZone", "a b", "a=b", ".a", "a.", "1a", "a;b", "role", "session_authorization", "local_preload_libraries", "session_preload_libraries",
	} {
		require.Error(t, CheckSetting(name, "x"), name)
		require.Error(t, CheckSetting(name, ""), name)
	}
	require.Error(t, CheckSetting("application_name", "a\x00b"))
	for limit, valid := range map[int32]bool{-2: false, -1: true, 0: false, 1: true, 1000: true} {
		assert.Equal(t, valid, CheckConnectionLimit(limit) == nil, limit)
	}
}

func TestBindScript_SetsLimitsWithTheLogin(t *testing.T) {
	limit := int32(3)
	spec := testBinding()
	spec.Limits = Limits{
		Connections: &limit,
		Settings:    map[string]string{"work_mem": "", "search_path": "app, public", "app.who": `it's "me" \`},
	}
	explained, err := Explain(spec, Login{Set: true})
	require.NoError(t, err)
	assert.NotContains(t, explained, `it's`, "a value is never a part of the SQL")
	assert.Less(
		t, strings.Index(explained, "AS refuses"), strings.Index(explained, "LOCK TABLE"),
		"an unknown parameter is refused before anything is written",
	)
	last := explained[strings.LastIndex(explained, "LOCK TABLE"):]
	login, _, _ := strings.Cut(last, "COMMIT;")
	assert.Contains(t, login, "CONNECTION LIMIT")
	assert.Contains(t, login, "'setting', c.name")
	text, err := json.Marshal(spec.Limits.settings())
	require.NoError(t, err)
	assert.JSONEq(
		t,
		`[{"name":"app.who","list":false,"parts":["it's \"me\" \\"]},{"name":"search_path","list":true,"parts":["app","public"]},
		{"name":"work_mem","list":false,"parts":[]}]`,
		string(text),
	)

	explained, err = Explain(testBinding(), Login{Set: true})
	require.NoError(t, err)
	assert.NotContains(t, explained, "'setting'", "nothing to set")
}

func TestBind_NamesTheSettingThatTheServerRefuses(t *testing.T) {
	refused := `pgbind {"about": 0, "setting": "statement_timeout"}` + "\n"
	server, _ := serverWith(
		t,
		answer{
			program: "psql",
			stdout:  primary + refused,
			stderr:  "psql:<stdin>:9: ERROR:  22023: Ungültiger Wert\n",
			err:     &podexec.ExitError{Code: 3},
		},
	)
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "secret", Host: "svc.ns.svc"})
	var setting *SettingError
	require.ErrorAs(t, err, &setting)
	assert.Equal(t, "--set statement_timeout: Ungültiger Wert (SQLSTATE 22023)", err.Error())

	for context, want := range map[string]string{"superuser": "only a superuser", "postmaster": "set it for the server", "": "no parameter of this name"} {
		refused := `pgbind {"about": 0, "setting": "x", "context": "` + context + `"}` + "\n"
		server, _ := serverWith(t, answer{program: "psql", stdout: primary + refused})
		_, err := server.Bind(t.Context(), testBinding(), Login{Password: "secret", Host: "svc.ns.svc"})
		require.ErrorAs(t, err, &setting)
		require.ErrorContains(t, err, want)
	}
}

func TestBind_SaysThatAllConnectionsAreInUse(t *testing.T) {
	full := `pgbind {"about": 0, "full": 3}` + "\n" + `pgbind {"committed": true}` + "\n"
	server, _ := serverWith(
		t,
		answer{
			program: "psql",
			stdout:  primary + full,
			stderr:  "psql:<stdin>:9: error: FATAL:  too many connections\n",
			err:     &podexec.ExitError{Code: 2},
		},
	)
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "secret", Host: "svc.ns.svc"})
	var login *LoginError
	require.ErrorAs(t, err, &login)
	assert.Equal(t, 3, login.Full)
	require.ErrorContains(t, err, "the application uses all 3 connections")
}
