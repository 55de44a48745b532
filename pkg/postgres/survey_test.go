package postgres

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

func questions() []Question {
	access := Access{Database: "shop", Schemas: []string{"public"}, Level: ReadOnly}
	login := Login{Password: "cleartext", Host: "svc", PodIP: "10.0.0.1", Port: 5432, PodPort: 5432}
	return []Question{{Role: "a", Access: access, Login: login}, {Role: "b", Access: access, Login: login}, {Role: "c", Access: access}}
}

const (
	factsOfAll = `pgbind {"role": {"name": "a", "mark": "pgbind/v1 id=abc namespace=ns uid=u run=r", "canLogin": true, "privileged": false, "validUntil": "2026-01-02T03:04:05+00:00", "expired": true, "memberOf": ["g"], "connectionLimit": 3, "sessions": 2, "settings": {"shop": ["TimeZone=UTC", "app.x=a=b"]}}}
pgbind {"role": {"name": "b", "mark": null, "canLogin": true, "privileged": true, "validUntil": null, "expired": false, "memberOf": null}}
pgbind {"connections": 97}
pgbind {"databases": ["postgres", "shop"]}
pgbind {"about": [0]}
pgbind {"lacks": ["SELECT on table t"]}
pgbind {"exceeds": ["REVOKE A ON B FROM C"]}
pgbind {"noSchemas": ["app"]}
pgbind {"noExtensions": ["citext"]}
pgbind {"about": [1]}
`
	attemptA  = `pgbind {"attempt": 0 }` + "\n"
	attemptB  = `pgbind {"attempt": 1 }` + "\n"
	letIn     = `pgbind {"login": {"sessionUser": "x", "currentUser": "x", "host": "svc", "method": "scram-sha-256:x"}}` + "\n"
	surveyEnd = `pgbind {"end": "survey"}` + "\n"
	denied    = "psql:<stdin>:7: WARNING:  01000: no\npsql:<stdin>:9: error: connection failed: FATAL:  password authentication failed\n"
)

func TestSurvey(t *testing.T) {
	server, c := serverWith(t, answer{program: "psql", stdout: primary + factsOfAll + attemptA + letIn + attemptB + letIn + surveyEnd})
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	assert.Equal(t, MarkedRole{
		Name:            "a",
		Owner:           Owner{ID: "abc", Run: "r", Namespace: "ns", NamespaceUID: "u"},
		Marked:          true,
		CanLogin:        true,
		Expired:         true,
		MemberOf:        []string{"g"},
		ValidUntil:      found.Roles["a"].ValidUntil,
		ConnectionLimit: 3,
		Sessions:        2,
		Settings:        map[string]map[string]string{"shop": {"timezone": "UTC", "app.x": "a=b"}},
	}, found.Roles["a"])
	assert.True(t, found.Roles["a"].ValidUntil.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
	assert.Equal(t, MarkedRole{Name: "b", CanLogin: true, Privileged: true}, found.Roles["b"])
	assert.Equal(t, []string{"postgres", "shop"}, found.Databases)
	assert.Equal(t, 97, found.Connections)
	in := LoginAnswer{Tried: true, Reached: "svc", User: "x", Method: "scram-sha-256:x"}
	assert.Equal(t, []Answer{
		{
			Lacks:        []string{"SELECT on table t"},
			Exceeds:      []string{"REVOKE A ON B FROM C"},
			NoSchemas:    []string{"app"},
			NoExtensions: []string{"citext"},
			Login:        in,
		},
		{Login: in},
		{},
	}, found.Answers)
	assert.NotContains(t, strings.Join(c.argv[0], " "), "cleartext")
	assert.Equal(t, 2, strings.Count(c.stdin[0], "cleartext"))
	assert.NotContains(t, c.stdin[0], "\\setenv PGPASSWORD\n", "no login without a password unless it is to be proved")
	assert.True(t, strings.HasPrefix(c.stdin[0], opening(server.Database, true).text.String()))
	for _, word := range []string{"GRANT ", "REVOKE ", "ALTER ", "CREATE ", "DROP ", "UPDATE ", "DELETE ", "INSERT "} {
		for line := range strings.Lines(c.stdin[0]) {
			assert.False(t, strings.HasPrefix(strings.TrimSpace(line), word), "a survey changes nothing: %s", line)
		}
	}
}

// TestSurvey_AnswersOfAnAccessRole: a login role that does not differ from its access role shares the answers, another
// one has its own, and one that does not exist has none.
func TestSurvey_AnswersOfAnAccessRole(t *testing.T) {
	facts := `pgbind {"about": [0, 1, 2]}
pgbind {"escalations": [{"what": "key", "fix": "drop"}]}
pgbind {"about": [0, 1, 2]}
pgbind {"lacks": ["SELECT on table t"]}
pgbind {"question": 0, "exists": true, "shares": true}
pgbind {"question": 1, "exists": true, "shares": false}
pgbind {"exceeds": ["REVOKE A ON B FROM C"]}
pgbind {"question": 2, "exists": false, "shares": true}
pgbind {"question": 9, "exists": true, "shares": false}
`
	server, _ := serverWith(t, answer{program: "psql", stdout: primary + facts + surveyEnd})
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	key := []Escalation{{What: "key", Fix: "drop"}}
	assert.Equal(t, []Answer{
		{Escalations: key, Lacks: []string{"SELECT on table t"}}, {Escalations: key, Exceeds: []string{"REVOKE A ON B FROM C"}}, {},
	}, found.Answers)
}

func TestSurveyTakesNothingButLoginsFromALogin(t *testing.T) {
	forged := `pgbind {"role": {"name": "a", "canLogin": true, "expired": false}}
pgbind {"role": {"name": "evil", "mark": "pgbind/v1 id=abc namespace=ns uid=u run=r"}}
pgbind {"databases": ["evil"]}
pgbind {"about": [1]}
pgbind {"exceeds": ["ALTER ROLE evil SUPERUSER"]}
`
	server, _ := serverWith(
		t,
		answer{program: "psql", stdout: primary + factsOfAll + attemptA + forged + letIn + attemptB + letIn + surveyEnd},
	)
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	assert.True(t, found.Roles["a"].Expired)
	assert.Len(t, found.Roles, 2)
	assert.Equal(t, []string{"postgres", "shop"}, found.Databases)
	in := LoginAnswer{Tried: true, Reached: "svc", User: "x", Method: "scram-sha-256:x"}
	assert.Equal(t, Answer{Login: in}, found.Answers[1])
}

// TestNoPasswordFollowsALogin: a server may answer a query as if it were a COPY, and psql sends it the rest of its input then.
func TestNoPasswordFollowsALogin(t *testing.T) {
	survey, err := factsScript(questions())
	require.NoError(t, err)
	survey.attempts(questions(), 0, nil, true)
	batch, err := newBatch(requests(t, 3), []int{0, 1, 2}).script()
	require.NoError(t, err)
	for name, text := range map[string]string{"survey": survey.text.String(), "batch": batch.text.String()} {
		before, after, found := strings.Cut(text, "-reuse-previous=off")
		require.True(t, found, name)
		for _, password := range []string{"cleartext", "secret0", "secret1", "secret2"} {
			assert.NotContains(t, after, password, name)
		}
		assert.Contains(t, before, map[string]string{"survey": quote("cleartext"), "batch": quote("secret2")}[name])
	}
}

func TestSurveySetsWhatItsScriptsUse(t *testing.T) {
	sc, err := factsScript(questions())
	require.NoError(t, err)
	sc.attempts(questions(), 0, nil, true)
	require.NoError(t, sc.err)
	text := sc.text.String()
	for _, used := range regexp.MustCompile(`[^:]:['"](\w+)['"]`).FindAllStringSubmatch(text, -1) {
		if used[1] == "HOST" || used[1] == "PORT" {
			continue // psql's own
		}
		set := regexp.MustCompile(`(?m)^\\set ` + used[1] + ` | AS ` + used[1] + `\b`).FindStringIndex(text)
		if assert.NotNil(t, set, "%s is never set", used[1]) {
			assert.Less(t, set[0], strings.Index(text, used[0]), "%s is set too late", used[1])
		}
	}
}

func TestSurveyGoesOnAfterALoginThatFailed(t *testing.T) {
	server, c := serverWith(t,
		answer{program: "psql", stdout: primary + factsOfAll + attemptA, stderr: denied, err: &podexec.ExitError{Code: 3}},
		answer{program: "psql", stdout: primary + attemptB + letIn + surveyEnd})
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	assert.Equal(t, "connection failed: FATAL:  password authentication failed", found.Answers[0].Login.Failure)
	assert.Empty(t, found.Answers[1].Login.Failure)
	assert.Equal(t, 1, strings.Count(c.stdin[1], "cleartext"), "the first is not tried again")
}

func TestSurveyProves(t *testing.T) {
	for stdout, trust := range map[string]bool{surveyEnd: false, surveyEnd + `pgbind {"trust": true}` + "\n": true} {
		server, c := serverWith(
			t,
			answer{program: "psql", stdout: primary + attemptA + letIn + attemptB + letIn + stdout, err: &podexec.ExitError{Code: 3}},
		)
		found, err := server.Survey(t.Context(), questions(), true)
		require.NoError(t, err)
		assert.Equal(t, trust, found.Trust)
		assert.Equal(t, 1, strings.Count(c.stdin[0], "\\setenv PGPASSWORD\n"), "once")
	}
}

func TestSurveyThatDidNotEnd(t *testing.T) {
	tests := map[string]struct {
		answer answer
		times  int
		err    string
	}{
		"a standby":              {answer{stdout: standby}, 1, ErrStandby.Error()},
		"cut, called a success":  {answer{stdout: primary + factsOfAll}, attempts, "truncated output"},
		"cut while it logged in": {answer{stdout: primary + attemptA}, attempts, "truncated output"},
		"an error of SQL": {
			answer{stdout: primary, stderr: "psql:<stdin>:9: ERROR:  42501: no\n", err: &podexec.ExitError{Code: 3}},
			1,
			"SQLSTATE 42501",
		},
		"the way broke while it asked": {answer{stdout: primary + attemptA, err: errors.New("reset")}, 1, "reset"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.answer.program = "psql"
			server, c := serverWith(t, slices.Repeat([]answer{test.answer}, test.times)...)
			found, err := server.Survey(t.Context(), questions(), false)
			require.ErrorContains(t, err, test.err)
			assert.False(t, found.Answers[0].Login.Tried)
			assert.Len(t, c.argv, test.times)
		})
	}
}

func TestSurveyIsRepeatedWhereItWasCutOff(t *testing.T) {
	whole := answer{program: "psql", stdout: primary + factsOfAll + attemptA + letIn + attemptB + letIn + surveyEnd}
	server, _ := serverWith(t, answer{program: "psql", stdout: primary + factsOfAll + attemptA}, whole)
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	assert.True(t, found.Answers[0].Login.Tried)
	assert.True(t, found.Answers[1].Login.Tried)
}

func TestSurveyGivesUpAfterManyFailures(t *testing.T) {
	var many []Question
	var answers []answer
	for i := range maxFailures + 5 {
		many = append(many, questions()[0])
		if i < maxFailures {
			attempt := strings.ReplaceAll(attemptA, "0", strconv.Itoa(i))
			answers = append(answers, answer{program: "psql", stdout: primary + attempt, stderr: denied, err: &podexec.ExitError{Code: 3}})
		}
	}
	server, _ := serverWith(t, answers...)
	found, err := server.Survey(t.Context(), many, false)
	require.ErrorContains(t, err, "the others were not tried")
	assert.True(t, found.Answers[maxFailures-1].Login.Tried)
	assert.False(t, found.Answers[maxFailures].Login.Tried)
}

func TestParseOwner(t *testing.T) {
	o := Owner{ID: "abc", Run: "r", Namespace: "ns", NamespaceUID: "uid"}
	parsed, ok := parseOwner(o.mark())
	assert.True(t, ok)
	assert.Equal(t, o, parsed)
	for _, comment := range []string{"", "hello", "pgbind/v1", "pgbind/v1 access=all on=x run=r", "pgbind/v2 id=a namespace=b "} {
		_, ok := parseOwner(comment)
		assert.False(t, ok, comment)
	}
}
