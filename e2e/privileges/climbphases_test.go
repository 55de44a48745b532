//go:build e2e

package privileges

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

//go:embed climb_fingerprint.sql
var climbFingerprint string

// endOthers returns the session to the superuser.
const endOthers = "\nROLLBACK;\nRESET SESSION AUTHORIZATION;\nRESET ALL;\nDISCARD TEMP;\n"

// phases is what an attempt leaves for its verdict. The fingerprints are taken before the application's session, after it, after the
// work of others, after the second bind, and after the application's second session.
type phases struct {
	before, tried, used, bound, after string
	application, others, again        string
	failed                            string   // what a session of the superuser printed in which no statement may fail
	regranted                         bool     // the second bind grants again what was revoked
	ranAs                             []string // roles other than the binding's own that ran its code
	climbs                            []string
}

// each runs the sessions of a phase of all attempts, those of several attempts in one exec.
func (c *climbing) each(attempts []*attempt, phase func(*attempt) ([]step, func([]outcome))) {
	c.t.Helper()
	for some := range slices.Chunk(attempts, 8) {
		var steps []step
		var ends []int
		var takes []func([]outcome)
		for _, a := range some {
			more, take := phase(a)
			steps, takes = append(steps, more...), append(takes, take)
			ends = append(ends, len(steps))
		}
		outcomes, from := c.steps(steps...), 0
		for i, take := range takes {
			take(outcomes[from:ends[i]])
			from = ends[i]
		}
	}
}

// try has the application's session and then the work of others.
func (c *climbing) try(a *attempt) ([]step, func([]outcome)) {
	var steps []step
	if a.control {
		steps = append(steps, c.adminStep(a, climbBound+a.way.sections["control"]))
	}
	steps = append(steps, c.adminStep(a, climbBound+part+climbFingerprint))
	for i := range steps {
		steps[i].strict = true
	}
	others := "SET search_path = pg_catalog;\n" + a.way.sections["others"] + endOthers
	// The last revocation gives the second bind something to do.
	used := c.adminStep(a, climbFingerprint+part+others+part+climbFingerprint+part+`REVOKE SELECT ON shop.items FROM :"access";`)
	return append(steps, c.applicationStep(a, "application"), used), func(outcomes []outcome) {
		p, last := &a.phases, len(outcomes)-1
		p.note(outcomes[:last-1]...)
		p.before, p.application, p.others = outcomes[last-2].part(1), outcomes[last-1].output, messages(outcomes[last].output)
		p.tried, p.used = outcomes[last].part(0), outcomes[last].part(2)
	}
}

// messages returns the lines about errors and about code that ran.
func messages(output string) string {
	return strings.Join(regexp.MustCompile(`(?m)^.*(ERROR|WARNING): .*$`).FindAllString(output, -1), "\n")
}

// bindAgain binds everything once more, and expects no difference for other roles.
func (c *climbing) bindAgain(attempts []*attempt) {
	c.t.Helper()
	fingerprint := step{
		database:  "postgres",
		script:    climbFingerprint,
		variables: map[string]string{"login": "", "access": "", "level": ""},
	}
	before := c.strict(fingerprint)[0].output
	c.apply(attempts)
	after := c.strict(fingerprint)[0].output
	found := slices.DeleteFunc(differences(before, after, allKinds()), func(difference string) bool {
		return slices.ContainsFunc(attempts, func(a *attempt) bool { return ofLogin(difference, a.subject.login.Username) })
	})
	assert.Empty(c.t, found, "a second bind changes nothing but settings of the login role itself, and memberships in it")
}

// ofLogin reports whether a difference is one that a bind makes on purpose: a setting of the login role, or the end of a membership in it.
// Before version 16, a login role can grant itself to others, who would keep its privileges.
func ofLogin(difference, login string) bool {
	if strings.Contains(difference, " setting|") {
		return strings.Contains(difference, "|"+login+"|")
	}
	return regexp.MustCompile(`^lost member\|[^|]*\|` + regexp.QuoteMeta(login) + `\|[tf]$`).MatchString(difference)
}

// tryAgain has the application's second session, if the way has one.
func (c *climbing) tryAgain(a *attempt) ([]step, func([]outcome)) {
	bound := c.adminStep(a, climbFingerprint+part+`SELECT has_table_privilege(:'access', to_regclass('shop.items'), 'SELECT');`)
	steps := []step{bound}
	if a.way.sections["again"] != "" {
		steps = append(steps, c.applicationStep(a, "again"), c.adminStep(a, climbFingerprint))
	}
	return steps, func(outcomes []outcome) {
		p := &a.phases
		p.bound, p.regranted = outcomes[0].part(0), strings.TrimSpace(outcomes[0].part(1)) == "t"
		p.after = p.bound
		if len(outcomes) > 1 {
			p.again, p.after = outcomes[1].output, outcomes[2].output
		}
	}
}

func (p *phases) note(strict ...outcome) {
	for _, outcome := range strict {
		if outcome.code != 0 {
			p.failed += outcome.output
		}
	}
}

func (c *climbing) adminStep(a *attempt, script string) step {
	variables := a.variables()
	variables["canary"] = c.canary
	return step{database: a.database, script: script, variables: variables}
}

func (c *climbing) applicationStep(a *attempt, section string) step {
	script := `SELECT 'session of ' || session_user;` + "\n" + a.way.sections[section]
	return step{login: a.subject.login, database: a.database, script: script, variables: a.variables()}
}

// readLog reads as which roles the attackers' code ran, in every session of the server, and judges all attempts.
func (c *climbing) readLog() {
	c.t.Helper()
	log, err := c.Kubectl("logs", lesson.DatabasePod, "--container="+lesson.Container).Output(c.ctx)
	require.NoError(c.t, err)
	ran := map[string]map[string]bool{}
	for _, match := range regexp.MustCompile(`WARNING:\s+ran as (\S+) in (\S+)`).FindAllStringSubmatch(log, -1) {
		if ran[match[2]] == nil {
			ran[match[2]] = map[string]bool{}
		}
		ran[match[2]][match[1]] = true
	}
	for _, a := range c.attempts {
		for _, role := range slices.Sorted(maps.Keys(ran[a.database])) {
			if role != a.subject.login.Username && role != a.subject.access {
				a.phases.ranAs = append(a.phases.ranAs, role)
			}
		}
		a.phases.climbs = c.climbs(a)
		for _, output := range []*string{&a.phases.application, &a.phases.others, &a.phases.again, &a.phases.failed} {
			*output = c.redact(*output)
		}
		a.done = true
	}
}

// climbs returns what the application reached beyond its level.
func (c *climbing) climbs(a *attempt) []string {
	p := a.phases
	everything := allKinds()
	others := without(everything, "content")
	// Facts about the whole server may have changed because of another attempt.
	local := without(everything, "content", "default", "role", "password", "member", "setting", "file", "server")
	var found []string
	for _, phase := range []struct {
		name, before, after string
		kinds               []string
	}{
		{"the application", p.before, p.tried, everything},
		{"the work of others", p.tried, p.used, others},
		{"the second bind", p.used, p.bound, local},
		{"the application's second session", p.bound, p.after, everything},
	} {
		if a.control && phase.name == "the second bind" {
			continue // a control has none
		}
		for _, difference := range differences(phase.before, phase.after, phase.kinds) {
			found = append(found, phase.name+" changed: "+difference)
		}
	}
	for _, role := range p.ranAs {
		found = append(found, "code of the application ran as "+role)
	}
	for _, output := range []string{p.application, p.again} {
		if strings.Contains(output, c.canary) {
			found = append(found, "the application read a protected row")
		}
		if strings.Contains(output, c.verifier) {
			found = append(found, "the application read a verifier")
		}
	}
	return found
}

func (a *attempt) verify(t *testing.T) {
	t.Helper()
	require.True(t, a.done, "the attempt did not run to its end")
	p := a.phases
	require.Empty(t, p.failed)
	for _, fingerprint := range []string{p.before, p.tried, p.used, p.bound, p.after} {
		require.Contains(t, fingerprint, "\nend\n", "the fingerprint is complete")
	}
	for section, output := range map[string]string{"application": p.application, "again": p.again} {
		if a.way.sections[section] != "" {
			require.Contains(t, output, "session of "+a.subject.login.Username, "the application logs in")
		}
	}
	if a.control {
		assert.NotEmpty(t, p.climbs, "with %s the way must work, or the attempt proves nothing: %s\n%s\nothers:\n%s",
			a.way.control, a.way.title, p.application, p.others)
		for _, climb := range p.climbs[:min(3, len(p.climbs))] {
			t.Log(climb)
		}
		return
	}
	assert.Empty(t, p.climbs, "%s (%s)", a.way.title, a.way.source)
	assert.NotContains(t, p.others, "ERROR:", "the work of others goes on")
	assert.True(t, p.regranted, "the second bind grants again what was revoked")
}

// redact replaces secrets in the output of a test.
func (c *climbing) redact(text string) string {
	if c.verifier != "" {
		text = strings.ReplaceAll(text, c.verifier, "VERIFIER")
	}
	return strings.ReplaceAll(text, c.canary, "CANARY")
}

func allKinds() []string {
	return []string{
		"role", "password", "member", "setting", "file", "server", "owner", "code", "acl", "default", "comment",
		"object", "content",
	}
}

func without(kinds []string, left ...string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return slices.Contains(left, kind) })
}

// differences are the facts of these kinds that were lost or came, at most 20. An owner that comes is a new object.
func differences(before, after string, kinds []string) []string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	var found []string
	compare := func(these, those []string, verb string) {
		known := map[string]bool{}
		for _, line := range those {
			known[line] = true
		}
		for _, line := range these {
			kind, _, _ := strings.Cut(line, "|")
			if !known[line] && slices.Contains(kinds, kind) && (kind != "owner" || verb == "lost") && len(found) < 20 {
				found = append(found, fmt.Sprintf("%s %s", verb, line))
			}
		}
	}
	compare(old, now, "lost")
	compare(now, old, "new")
	return found
}
