package postgres

import (
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// factsAnswer answers the first session of a survey. The next ones try the logins of a and b.
func factsAnswer() answer { return answer{program: "psql", stdout: primary + factsOfAll + surveyEnd} }

func TestSurvey(t *testing.T) {
	server, c := serverWith(
		t, factsAnswer(), answer{program: "psql", stdout: primary + attemptA + letIn + attemptB + letIn + surveyEnd},
	)
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
	assert.NotContains(t, c.stdin[0], "cleartext", "the catalogs are read in a session that knows no password")
	assert.NotContains(t, c.stdin[0], "\\connect -reuse-previous=off")
	assert.Equal(t, 2, strings.Count(c.stdin[1], "cleartext"))
	assert.NotContains(t, c.stdin[1], "\\setenv PGPASSWORD\n", "no login without a password unless it is to be proved")
	assert.True(t, strings.HasPrefix(c.stdin[0], opening(server.Database, true).text.String()))
	for _, word := range []string{"GRANT ", "REVOKE ", "ALTER ", "CREATE ", "DROP ", "UPDATE ", "DELETE ", "INSERT "} {
		for line := range strings.Lines(c.stdin[0] + c.stdin[1]) {
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

// TestSurvey_TakesOnlyLoginsFromALogin has a server answer a login with facts.
func TestSurvey_TakesOnlyLoginsFromALogin(t *testing.T) {
	forged := `pgbind {"role": {"name": "a", "canLogin": true, "expired": false}}
pgbind {"role": {"name": "evil", "mark": "pgbind/v1 id=abc namespace=ns uid=u run=r"}}
pgbind {"databases": ["evil"]}
pgbind {"about": [1]}
pgbind {"exceeds": ["ALTER ROLE evil SUPERUSER"]}
`
	for _, before := range []string{forged + attemptA, attemptA + forged} {
		server, _ := serverWith(t, factsAnswer(), answer{program: "psql", stdout: primary + before + letIn + attemptB + letIn + surveyEnd})
		found, err := server.Survey(t.Context(), questions(), false)
		require.NoError(t, err)
		assert.True(t, found.Roles["a"].Expired)
		assert.Len(t, found.Roles, 2)
		assert.Equal(t, []string{"postgres", "shop"}, found.Databases)
		in := LoginAnswer{Tried: true, Reached: "svc", User: "x", Method: "scram-sha-256:x"}
		assert.Equal(t, Answer{Login: in}, found.Answers[1])
	}
}

// TestNoPasswordFollowsALogin: a server may answer a query as if it were a COPY, and psql sends it the rest of its input then.
func TestNoPasswordFollowsALogin(t *testing.T) {
	logins := loginScript(questions(), []int{0, 1}, true)
	batch, err := newBatch(requests(t, 3), []int{0, 1, 2}).script()
	require.NoError(t, err)
	for name, text := range map[string]string{"survey": logins.text.String(), "batch": batch.text.String()} {
		before, after, found := strings.Cut(text, "-reuse-previous=off")
		require.True(t, found, name)
		for _, password := range []string{"cleartext", "secret0", "secret1", "secret2"} {
			assert.NotContains(t, after, password, name)
		}
		assert.Contains(t, before, map[string]string{"survey": quote("cleartext"), "batch": quote("secret2")}[name])
	}
}

func TestSurveySetsWhatItsScriptsUse(t *testing.T) {
	facts, err := factsScript(questions())
	require.NoError(t, err)
	logins := loginScript(questions(), []int{0, 1}, true)
	require.NoError(t, logins.err)
	for _, sc := range []*script{facts, logins} {
		requireSet(t, sc.text.String())
	}
}

// requireSet requires that a script sets each variable before it uses it.
func requireSet(t *testing.T, text string) {
	t.Helper()
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

func TestSurvey_ContinuesAfterAFailedLogin(t *testing.T) {
	server, c := serverWith(t, factsAnswer(),
		answer{program: "psql", stdout: primary + attemptA, stderr: denied, err: &podexec.ExitError{Code: 3}},
		answer{program: "psql", stdout: primary + attemptB + letIn + surveyEnd})
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	assert.Equal(t, "connection failed: FATAL:  password authentication failed", found.Answers[0].Login.Failure)
	assert.True(t, found.Answers[1].Login.Tried)
	assert.Empty(t, found.Answers[1].Login.Failure)
	assert.Equal(t, 1, strings.Count(c.stdin[2], "cleartext"), "the first is not tried again")
}

func TestSurvey_TriesLoginsOfRolesThatExist(t *testing.T) {
	facts := `pgbind {"role": {"name": "b", "mark": null, "canLogin": true}}` + "\n"
	server, c := serverWith(t, answer{program: "psql", stdout: primary + facts + surveyEnd},
		answer{program: "psql", stdout: primary + attemptB + letIn + surveyEnd})
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	assert.False(t, found.Answers[0].Login.Tried)
	assert.True(t, found.Answers[1].Login.Tried)
	assert.Equal(t, 1, strings.Count(c.stdin[1], "cleartext"))
}

func TestSurvey_Proves(t *testing.T) {
	for stdout, trust := range map[string]bool{surveyEnd: false, surveyEnd + `pgbind {"trust": true}` + "\n": true} {
		server, c := serverWith(t, factsAnswer(),
			answer{program: "psql", stdout: primary + attemptA + letIn + attemptB + letIn + stdout, err: &podexec.ExitError{Code: 3}},
		)
		found, err := server.Survey(t.Context(), questions(), true)
		require.NoError(t, err)
		assert.Equal(t, trust, found.Trust)
		assert.Equal(t, 1, strings.Count(c.stdin[1], "\\setenv PGPASSWORD\n"), "once")
	}
}

func TestSurvey_ReportsAnInterruptedSession(t *testing.T) {
	noSQL := answer{stdout: primary, stderr: "psql:<stdin>:9: ERROR:  42501: no\n", err: &podexec.ExitError{Code: 3}}
	tests := map[string]struct {
		before []answer
		answer answer
		times  int
		err    string
	}{
		"standby":                    {nil, answer{stdout: standby}, 1, ErrStandby.Error()},
		"truncated with success":     {nil, answer{stdout: primary + factsOfAll}, attempts, "truncated output"},
		"SQL error":                  {nil, noSQL, 1, "SQLSTATE 42501"},
		"broken connection":          {nil, answer{stdout: primary, err: errors.New("reset")}, 1, "reset"},
		"truncated during a login":   {[]answer{factsAnswer()}, answer{stdout: primary + attemptA}, attempts, "truncated output"},
		"failover before the logins": {[]answer{factsAnswer()}, answer{stdout: standby}, 1, ErrStandby.Error()},
		"broken during a login":      {[]answer{factsAnswer()}, answer{stdout: primary + attemptA, err: errors.New("reset")}, 1, "reset"},
		"SQL error before a login":   {[]answer{factsAnswer()}, noSQL, 1, "SQLSTATE 42501"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.answer.program = "psql"
			server, c := serverWith(t, append(test.before, slices.Repeat([]answer{test.answer}, test.times)...)...)
			found, err := server.Survey(t.Context(), questions(), false)
			require.ErrorContains(t, err, test.err)
			assert.False(t, found.Answers[0].Login.Tried)
			assert.Len(t, c.argv, len(test.before)+test.times)
		})
	}
}

func TestSurvey_RepeatsATruncatedSession(t *testing.T) {
	logins := answer{program: "psql", stdout: primary + attemptA + letIn + attemptB + letIn + surveyEnd}
	server, _ := serverWith(t, answer{program: "psql", stdout: primary + factsOfAll}, factsAnswer(),
		answer{program: "psql", stdout: primary + attemptA + letIn + attemptB}, logins)
	found, err := server.Survey(t.Context(), questions(), false)
	require.NoError(t, err)
	assert.True(t, found.Answers[0].Login.Tried)
	assert.True(t, found.Answers[1].Login.Tried)
}

// responder answers each psql session by its script, also several at the same time.
type responder struct {
	respond func(script string) string

	mu      sync.Mutex
	scripts []string
}

func (r *responder) Exec(_ context.Context, _ podexec.Container, _ []string, s podexec.Streams) error {
	if _, err := io.WriteString(s.Stdout, "started\n"); err != nil {
		return err
	}
	script, buffer := "", make([]byte, 4096)
	for !strings.Contains(script, "'end', :'run'") {
		n, err := s.Stdin.Read(buffer)
		if script += string(buffer[:n]); err != nil {
			return err
		}
	}
	go func() { _, _ = io.Copy(io.Discard, s.Stdin) }() // it stays open until Exec returns
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts = append(r.scripts, script)
	_, err := io.WriteString(s.Stdout, r.respond(script)+"\n"+`pgbind {"psql": 0}`+"\n")
	return err
}

// TestSurvey_DividesManyLogins answers each session by the numbers in its script.
func TestSurvey_DividesManyLogins(t *testing.T) {
	const number = 4*loginsTogether + 3
	var many []Question
	for range number {
		many = append(many, questions()[0])
	}
	server, _ := serverWith(t)
	psql := &responder{respond: func(script string) string {
		if !strings.Contains(script, "\\connect -reuse-previous=off") {
			return primary + factsOfAll + surveyEnd
		}
		out := primary
		for _, attempt := range regexp.MustCompile(`(?m)^\\set about '(.*)'$`).FindAllStringSubmatch(script, -1) {
			out += `pgbind {"attempt": ` + attempt[1] + ` }` + "\n" + strings.ReplaceAll(letIn, "svc", "host-"+attempt[1])
		}
		return out + surveyEnd
	}}
	server.Exec = psql
	found, err := server.Survey(t.Context(), many, false)
	require.NoError(t, err)
	for i := range number {
		assert.Equal(t, "host-"+strconv.Itoa(i), found.Answers[i].Login.Reached)
	}
	assert.Len(t, psql.scripts, 1+loginSessions)
}

func TestSurvey_StopsAfterManyFailures(t *testing.T) {
	var many []Question
	var numbers []int
	var answers []answer
	for i := range maxFailures + 5 {
		many, numbers = append(many, questions()[0]), append(numbers, i)
		if i < maxFailures {
			attempt := strings.ReplaceAll(attemptA, "0", strconv.Itoa(i))
			answers = append(answers, answer{program: "psql", stdout: primary + attempt, stderr: denied, err: &podexec.ExitError{Code: 3}})
		}
	}
	server, _ := serverWith(t, answers...)
	l := &loginSession{server: *server, questions: many, numbers: numbers, answers: map[int]LoginAnswer{}}
	require.ErrorContains(t, l.run(t.Context()), "the others were not tried")
	assert.True(t, l.answers[maxFailures-1].Tried)
	assert.Len(t, l.answers, maxFailures)
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
