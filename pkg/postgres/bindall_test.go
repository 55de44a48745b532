package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

func requests(t *testing.T, number int) []Request {
	t.Helper()
	var all []Request
	for i := range number {
		spec := testBinding()
		spec.Owner.Run = fmt.Sprintf("run%d", i)
		all = append(all, Request{Role: spec, Login: Login{Password: fmt.Sprintf("secret%d", i), Set: true, Host: "svc.ns.svc"}})
	}
	return all
}

// reported is what the session says of requests: the transactions of those completed, and then their logins.
func reported(completed, loggedIns int, method string) string {
	var text strings.Builder
	text.WriteString(primary)
	for i := range completed {
		fmt.Fprintf(&text, "pgbind {\"about\": %d}\npgbind {\"did\": \"GRANT %d\"}\n%s", i, i, hosted)
	}
	for i := range loggedIns {
		fmt.Fprintf(&text, "pgbind {\"attempt\": %d}\n%s", i, loggedIn(method))
	}
	return text.String()
}

func TestBindAllIsOneSession(t *testing.T) {
	for method, err := range map[string]error{"scram-sha-256": nil, "": &podexec.ExitError{Code: 2}} {
		server, c := serverWith(t, answer{program: "psql", stdout: reported(3, 3, method) + `pgbind {"end": "batch"}`, err: err})
		outcomes := server.BindAll(t.Context(), requests(t, 3))
		require.Len(t, outcomes, 3)
		for i, outcome := range outcomes {
			require.NoError(t, outcome.Err)
			assert.Equal(t, []string{fmt.Sprintf("GRANT %d", i)}, outcome.Result.Did)
			assert.Equal(t, "svc.ns.svc.cluster.local", outcome.Result.Host)
			assert.True(t, outcome.Result.Verified)
		}
		require.Len(t, c.stdin, 1)
		assert.Equal(
			t, 2, strings.Count(c.stdin[0], "LOCK TABLE pg_catalog.pg_authid"),
			"they share an access role and its two transactions",
		)
		assert.NotContains(t, strings.Join(c.argv[0], " "), "secret1")
	}
}

func TestBindAll_ReportsOtherDatabases(t *testing.T) {
	others := `pgbind {"others": ["shop"]}` + "\n"
	for number := range 3 {
		end := `pgbind {"end": "batch"}`
		if number == 0 {
			end = `pgbind {"end": "run0"}`
		}
		text := strings.Replace(reported(number+1, number+1, "scram-sha-256"), `pgbind {"attempt": 0}`, others+`pgbind {"attempt": 0}`, 1)
		server, c := serverWith(t, answer{program: "psql", stdout: text + end})
		all := requests(t, number+1)
		for i := range all {
			all[i].Role.Access.Database = "postgres"
		}
		for _, outcome := range server.BindAll(t.Context(), all) {
			require.NoError(t, outcome.Err)
			assert.Equal(t, []string{"shop"}, outcome.Result.Others)
		}
		assert.Equal(t, 1, strings.Count(c.stdin[0], `'others'`), "it is read once")
	}
	server, c := serverWith(t, answer{program: "psql", stdout: reported(1, 1, "scram-sha-256") + `pgbind {"end": "run0"}`})
	all := requests(t, 1)
	all[0].Role.Access.Database = "shop"
	_ = server.BindAll(t.Context(), all)
	assert.NotContains(t, c.stdin[0], `'others'`)
}

func TestBindAllLooksAHostsNameUpOnce(t *testing.T) {
	const pod, address = "10.0.0.1", "10.0.0.9"
	all := requests(t, 5)
	for i := range all {
		all[i].Login.Address, all[i].Login.PodIP = address, pod
	}
	all[2].Login.Port = 6432
	all[4].Login.HostComplete = true
	at := func(hosts ...string) answer {
		text := reported(5, 0, "")
		for i, host := range hosts {
			login := strings.Replace(loggedIn("scram-sha-256"), "svc.ns.svc.cluster.local", host, 1)
			text += fmt.Sprintf("pgbind {\"attempt\": %d}\n%s", i, login)
		}
		return answer{program: "psql", stdout: text + `pgbind {"end": "batch"}`}
	}
	for name, test := range map[string]struct{ hosts, reached []string }{
		"which leads to the server": {[]string{"svc", "svc", "svc", "svc", "svc"}, []string{"svc", "svc", "svc", "svc", "svc"}},
		"which leads nowhere":       {[]string{pod, "svc", "svc", "svc", "svc"}, []string{pod, pod, "svc", pod, "svc"}},
		"whose address is silent":   {[]string{"svc", pod, "svc", pod, "svc"}, []string{"svc", pod, "svc", pod, "svc"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, c := serverWith(t, at(test.hosts...))
			for i, outcome := range server.BindAll(t.Context(), all) {
				require.NoError(t, outcome.Err)
				assert.Equal(t, test.reached[i], outcome.Result.Reached, i)
			}
			var ways []bool
			for _, login := range regexp.MustCompile(`(?m)^\\set conn .*$`).FindAllString(c.stdin[0], -1) {
				ways = append(ways, strings.Contains(login, "hostaddr"))
			}
			assert.Equal(t, []bool{false, true, false, true, false}, ways[2:], "after the two of the opening")
		})
	}
}

func TestBindAllForgetsAnAddressThatMayBeWrong(t *testing.T) {
	all := requests(t, 4)
	for i := range all {
		all[i].Login.Address, all[i].Login.PodIP = "10.0.0.9", "10.0.0.1"
	}
	end := `pgbind {"end": "batch"}`
	server, c := serverWith(
		t,
		answer{
			program: "psql",
			stdout:  reported(4, 1, "scram-sha-256") + "pgbind {\"attempt\": 1}\n",
			stderr:  "psql:<stdin>:9: error: no",
			err:     &podexec.ExitError{Code: 3},
		},
		answer{program: "psql", stdout: primary + hosted + loggedIn("scram-sha-256") + `pgbind {"end": "run1"}`},
		answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + end},
	)
	for _, outcome := range server.BindAll(t.Context(), all) {
		require.NoError(t, outcome.Err)
	}
	for i, uses := range []int{3, 0, 0} {
		assert.Equal(t, uses, strings.Count(c.stdin[i], "hostaddr"), i)
	}
	assert.Equal(t, "10.0.0.9", all[3].Login.Address, "it is the caller's")
}

func TestBindAllHasTwoTransactionsForEachAccessRole(t *testing.T) {
	lacking := `pgbind {"lacks": ["SELECT on table x"]}` + "\n"
	text := primary + "pgbind {\"about\": 0}\n" + lacking + "pgbind {\"about\": 0}\n" + hosted + "pgbind {\"about\": 2}\n" + hosted + "pgbind {\"about\": 1}\n" + hosted
	for i := range 3 {
		text += fmt.Sprintf("pgbind {\"attempt\": %d}\n%s", i, loggedIn("scram-sha-256"))
	}
	server, c := serverWith(t, answer{program: "psql", stdout: text + `pgbind {"end": "batch"}`})
	all := requests(t, 3)
	all[1].Role.Access.Level = ReadOnly
	outcomes := server.BindAll(t.Context(), all)
	assert.Equal(t, 4, strings.Count(c.stdin[0], "LOCK TABLE pg_catalog.pg_authid"))
	for i, lacks := range [][]string{{"SELECT on table x"}, nil, {"SELECT on table x"}} {
		assert.Equal(t, lacks, outcomes[i].Result.Lacks)
	}
}

func TestBindAll_SuccessorsShareASession(t *testing.T) {
	all := requests(t, 3)
	for i := range all {
		all[i].Role.Name, all[i].Role.Former = fmt.Sprintf("pgb_abc%d_2", i), fmt.Sprintf("pgb_abc%d_1", i)
		all[i].Role.Access = Access{Database: "postgres"}
	}
	says := func(numbers ...int) answer {
		text := primary
		for _, report := range []string{`pgbind {"actsAs": "pgbind_access"}` + "\n" + hosted, ""} {
			for at, i := range numbers {
				if report != "" {
					text += fmt.Sprintf("pgbind {\"about\": %d}\n%s", at, report)
					continue
				}
				login := strings.NewReplacer(
					"pgb_abc_1", all[i].Role.Name, testBinding().Access.Role(), "pgbind_access",
				).Replace(loggedIn("scram-sha-256"))
				text += fmt.Sprintf("pgbind {\"attempt\": %d}\n%s", at, login)
			}
		}
		return answer{program: "psql", stdout: text + `pgbind {"end": "batch"}`}
	}
	t.Run("all succeed", func(t *testing.T) {
		server, c := serverWith(t, says(0, 1, 2))
		for _, outcome := range server.BindAll(t.Context(), all) {
			require.NoError(t, outcome.Err)
			assert.Equal(t, "svc.ns.svc.cluster.local", outcome.Result.Host)
		}
		assert.Equal(t, 3, strings.Count(c.stdin[0], "LOCK TABLE pg_catalog.pg_authid"), "a transaction each")
	})
	t.Run("a former role is gone", func(t *testing.T) {
		gone := primary + `pgbind {"about": 0}` + "\n" + `pgbind {"gone": "pgb_abc1_1"}` + "\n"
		beforeLogin, _, _ := strings.Cut(says(0).stdout, `pgbind {"attempt"`)
		server, _ := serverWith(t,
			answer{program: "psql", stdout: beforeLogin + strings.Replace(gone, `"about": 0`, `"about": 1`, 1)},
			answer{program: "psql", stdout: gone}, says(0, 2))
		outcomes := server.BindAll(t.Context(), all)
		require.NoError(t, outcomes[0].Err)
		var failure *GoneError
		require.ErrorAs(t, outcomes[1].Err, &failure)
		require.NoError(t, outcomes[2].Err)
	})
}

func TestBindAllGoesOnWithoutTheCulprit(t *testing.T) {
	single := func(run string) answer {
		return answer{program: "psql", stdout: primary + hosted + loggedIn("scram-sha-256") + `pgbind {"end": "` + run + `"}`}
	}
	refused := `pgbind {"refused": {"role": "r", "verdict": "foreign"}}`
	t.Run("a role is refused", func(t *testing.T) {
		server, _ := serverWith(t,
			answer{program: "psql", stdout: reported(1, 0, "") + "pgbind {\"about\": 1}\n" + refused},
			answer{program: "psql", stdout: primary + refused},
			answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + `pgbind {"end": "batch"}`})
		outcomes := server.BindAll(t.Context(), requests(t, 3))
		require.NoError(t, outcomes[0].Err)
		var foreign *ForeignRoleError
		require.ErrorAs(t, outcomes[1].Err, &foreign)
		require.NoError(t, outcomes[2].Err)
	})
	t.Run("a role of several that are judged together", func(t *testing.T) {
		report := `pgbind {"refused": {"role": "pgb_two_1", "verdict": "foreign"}}`
		all := requests(t, 3)
		all[2].Role.Name = "pgb_two_1"
		server, c := serverWith(t,
			answer{program: "psql", stdout: primary + "pgbind {\"about\": 0}\n" + report},
			answer{program: "psql", stdout: primary + report},
			answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + `pgbind {"end": "batch"}`})
		outcomes := server.BindAll(t.Context(), all)
		require.NoError(t, outcomes[0].Err)
		require.NoError(t, outcomes[1].Err)
		require.Error(t, outcomes[2].Err)
		assert.NotContains(t, c.stdin[2], quote("pgb_two_1"))
	})
	t.Run("several roles do not exist", func(t *testing.T) {
		all := requests(t, 5)
		var missing []string
		for i, name := range map[int]string{1: "pgb_one_1", 2: "pgb_two_1", 4: "pgb_four_1"} {
			all[i].Role.Name = name
			missing = append(missing, `"`+name+`"`)
		}
		server, _ := serverWith(
			t,
			answer{
				program: "psql",
				stdout:  primary + "pgbind {\"about\": 0}\n" + `pgbind {"incomplete": [` + strings.Join(missing, ", ") + `]}`,
			},
			answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + `pgbind {"end": "batch"}`},
		)
		for i, outcome := range server.BindAll(t.Context(), all) {
			if i == 0 || i == 3 {
				require.NoError(t, outcome.Err, i)
				continue
			}
			require.ErrorIs(t, outcome.Err, ErrIncomplete, i)
		}
	})
	t.Run("a login fails", func(t *testing.T) {
		failed := answer{program: "psql", stdout: primary + hosted, stderr: "psql:<stdin>:9: error: no", err: &podexec.ExitError{Code: 3}}
		server, _ := serverWith(
			t,
			answer{
				program: "psql",
				stdout:  reported(3, 1, "scram-sha-256") + "pgbind {\"attempt\": 1}\n",
				err:     &podexec.ExitError{Code: 3},
			},
			failed,
			single("run2"),
		)
		outcomes := server.BindAll(t.Context(), requests(t, 3))
		require.NoError(t, outcomes[0].Err, "its login was made in the first session")
		var login *LoginError
		require.ErrorAs(t, outcomes[1].Err, &login)
		require.NoError(t, outcomes[2].Err)
	})
	t.Run("before version 16 only the end tells that passwords are asked for", func(t *testing.T) {
		server, _ := serverWith(t,
			answer{program: "psql", stdout: reported(2, 1, "") + "pgbind {\"attempt\": 1}\n", err: &podexec.ExitError{Code: 3}},
			single("run1"), single("run0"))
		for _, outcome := range server.BindAll(t.Context(), requests(t, 2)) {
			require.NoError(t, outcome.Err)
		}
	})
}

func TestBindAllGoesOnOneByOneAfterThreeCulprits(t *testing.T) {
	session := answer{
		program: "psql",
		stdout:  primary + "pgbind {\"about\": 0}\n",
		stderr:  "psql:<stdin>:9: ERROR:  42501: no",
		err:     &podexec.ExitError{Code: 3},
	}
	failed := answer{program: "psql", stdout: primary, stderr: "psql:<stdin>:9: ERROR:  42501: no", err: &podexec.ExitError{Code: 3}}
	server, _ := serverWith(t, session, failed, session, failed, session, failed, failed, failed)
	for _, outcome := range server.BindAll(t.Context(), requests(t, 5)) {
		var refused *SQLError
		require.ErrorAs(t, outcome.Err, &refused)
	}
}

func TestBindAllDoesNotRepeatWhatIsHopeless(t *testing.T) {
	reset := errors.New("reset")
	for name, test := range map[string]struct {
		answer answer
		is     error
	}{
		"a standby":             {answer{program: "psql", stdout: standby}, ErrStandby},
		"the connection broke":  {answer{program: "psql", stdout: reported(1, 0, ""), err: reset}, reset},
		"the context has ended": {answer{program: "psql", err: context.Canceled}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answer)
			for _, outcome := range server.BindAll(t.Context(), requests(t, 2)) {
				require.ErrorIs(t, outcome.Err, test.is)
			}
		})
	}
}

func TestBind_NamesAReleaseThatIgnoresTheRole(t *testing.T) {
	for version, want := range map[int]string{
		130017: "PostgreSQL 13.17 ignores the role that ALTER ROLE ... SET role names: update the server to 13.18 or later",
		140014: "14.15 or later", 150009: "15.10 or later", 160005: "16.6 or later", 170001: "17.2 or later", 170002: "", 150010: "",
	} {
		ofVersion := strings.Replace(primary, "150018", strconv.Itoa(version), 1)
		login := strings.NewReplacer("ACCESS", testBinding().Name, "METHOD", "scram-sha-256").Replace(loginOK)
		server, _ := serverWith(t, answer{program: "psql", stdout: ofVersion + hosted + login + ended})
		_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
		require.ErrorContains(t, err, "the session acts as role")
		if want == "" {
			assert.NotContains(t, err.Error(), "or later")
			continue
		}
		assert.ErrorContains(t, err, want)
	}
}
