package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

const (
	// A survey of many bindings tries their logins in several sessions at the same time, because both sides compute a hash of each password.
	loginSessions = 4
	// loginsTogether is the number of logins up to which one session is enough.
	loginsTogether = 25

	// Each login that fails ends a session, and can take as long as its timeout. The others are not tried after maxFailures of them, or after
	// failingTime.
	maxFailures = 500
	failingTime = time.Minute
)

// loginSession tries some logins, one after the other.
type loginSession struct {
	server    Server // a copy, because a Server belongs to one goroutine
	questions []Question
	numbers   []int // of the questions whose logins are tried
	prove     bool

	answers map[int]LoginAnswer
	trust   bool
	err     error
}

// tryLogins tries the login of each question that has a password and a role that exists.
func (s *Server) tryLogins(ctx context.Context, found *Survey, questions []Question, prove bool) error {
	var numbers []int
	for i, q := range questions {
		if _, exists := found.Roles[q.Role]; exists && q.Login.Password != "" {
			numbers = append(numbers, i)
		}
	}
	var sessions []*loginSession
	for some := range slices.Chunk(numbers, max(loginsTogether, (len(numbers)+loginSessions-1)/loginSessions)) {
		sessions = append(sessions, &loginSession{
			server: *s, questions: questions, numbers: some, prove: prove && len(sessions) == 0, answers: map[int]LoginAnswer{},
		})
	}
	parallel.Each(sessions, loginSessions, func(l *loginSession) { l.err = l.run(ctx) })
	var errs []error
	for _, l := range sessions {
		for i, answer := range l.answers {
			found.Answers[i].Login = answer
		}
		found.Trust = found.Trust || l.trust
		errs = append(errs, l.err)
	}
	return errors.Join(errs...)
}

// run tries all logins. After one that failed, it continues with the next in another psql session.
func (l *loginSession) run(ctx context.Context) error {
	rest := l.numbers
	start, failures := time.Now(), 0
	for ; failures < maxFailures && time.Since(start) < failingTime; failures++ {
		failed, err := repeat(ctx, isCut, func() (int, error) { return l.session(ctx, rest) })
		if err != nil || failed < 0 {
			return err
		}
		rest = rest[slices.Index(rest, failed)+1:]
		if len(rest) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d logins failed within %s, so the others were not tried", failures, time.Since(start).Round(time.Second))
}

// session tries logins until one fails, and returns its number, or -1 if all succeeded.
func (l *loginSession) session(ctx context.Context, numbers []int) (failed int, err error) {
	out, err := l.server.psql(ctx, loginScript(l.questions, numbers, l.prove))
	if out == nil {
		return -1, err
	}
	attempt := l.take(out)
	switch {
	case out.Server != nil && out.Server.Standby:
		return -1, ErrStandby
	case out.End == endOfSurvey:
		return -1, nil
	case attempt < 0 || !slices.Contains(numbers, attempt) || !exited(err):
		return -1, l.server.surveyError(out, err)
	}
	l.answers[attempt] = LoginAnswer{Tried: true, Failure: lastLine(out.stderr)}
	return attempt, nil
}

// take reads the logins that succeeded. It returns the number of the login during which the session ended, or -1. The reports can come from
// any server that a Secret names, and are used for logins only.
func (l *loginSession) take(out *output) (unfinished int) {
	unfinished = -1
	for _, text := range out.reports {
		var line struct {
			Attempt *int   `json:"attempt"`
			Login   *login `json:"login"`
		}
		switch {
		case json.Unmarshal(text, &line) != nil:
		case line.Attempt != nil:
			unfinished = *line.Attempt
		case line.Login != nil && unfinished >= 0:
			l.answers[unfinished] = LoginAnswer{
				Tried: true, Reached: line.Login.Host, User: line.Login.CurrentUser, Method: line.Login.Method,
			}
			unfinished = -1
		}
	}
	l.trust = l.trust || out.Trust
	return unfinished
}

// loginScript logs in as the roles of some questions. It gives psql all passwords before the first login, because the server of a login can
// have psql send it the rest of the script.
func loginScript(questions []Question, numbers []int, prove bool) *script {
	sc := new(script).set("run", endOfSurvey).run("begin_session")
	for _, i := range numbers {
		sc.keep(i, questions[i].Login.Password)
	}
	for _, i := range numbers {
		complete := questions[i].Login
		complete.HostComplete = true // as the application has it
		sc.set("about", strconv.Itoa(i)).address(complete, questions[i].Role, questions[i].Access.Database)
		sc.run("begin_login").kept(i).run("login")
	}
	sc.run("end")
	if prove {
		sc.run("login_without_password")
	}
	return sc
}

// lastLine returns the last line that psql wrote to its standard error: why it ended.
func lastLine(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	return message(lines[len(lines)-1])
}

// exited reports whether psql itself ended, in contrast to a broken connection to it.
func exited(err error) bool {
	var exit *podexec.ExitError
	return errors.As(err, &exit)
}
