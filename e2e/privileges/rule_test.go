//go:build e2e

package privileges

import (
	_ "embed"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed rule.sql
var ruleFile string

// ruleCase is something that another role does with an object of the application.
type ruleCase struct {
	title, runs        string
	application, other string
}

const asOther, asApplication, notAtAll = "as the other role", "as the application", "not at all"

func readRuleCases(t *testing.T) []ruleCase {
	t.Helper()
	var cases []ruleCase
	for _, text := range strings.Split(ruleFile, "-- case: ")[1:] {
		headers, sections, err := parseSections("-- case: " + text)
		require.NoError(t, err)
		require.Contains(t, []string{asOther, asApplication, notAtAll}, headers["runs"], headers["case"])
		require.NotEmpty(t, sections["application"], headers["case"])
		require.NotEmpty(t, sections["other"], headers["case"])
		cases = append(cases, ruleCase{headers["case"], headers["runs"], sections["application"], sections["other"]})
	}
	return cases
}

// TestPostgresOwnRule shows what PostgreSQL itself allows: code of the application runs as another role that uses an object of the
// application, except in the cases in which PostgreSQL changes to the owner of the object. docs/security.md has the list.
func TestPostgresOwnRule(t *testing.T) {
	cases := readRuleCases(t)
	require.NotEmpty(t, cases)
	for _, version := range versions(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			a := newAttempt(way{name: "rule"}, "all", 0)
			c := &climbing{server: newServer(t, version), attempts: []*attempt{a}, dir: t.TempDir()}
			c.prepare()
			c.bindAll()
			var steps []step
			for _, rule := range cases {
				application := c.applicationStep(a, "")
				application.script += rule.application
				steps = append(steps, application, c.adminStep(a, rule.other))
			}
			outcomes, count := c.steps(steps...), map[string]int{}
			for i, rule := range cases {
				count[rule.runs]++
				t.Run(rule.title, func(t *testing.T) { rule.check(t, a, outcomes[2*i:2*i+2]) })
			}
			t.Run("kubectl pgbind check names the pairs", func(t *testing.T) { c.checkNamesPairs(t, a) })
			t.Logf("PostgreSQL %s: cases that run %s: %d, %s: %d, %s: %d", version, asOther, count[asOther],
				asApplication, count[asApplication], notAtAll, count[notAtAll])
		})
	}
}

// check judges the application's session and then the other role's.
func (r ruleCase) check(t *testing.T, a *attempt, outcomes []outcome) {
	t.Helper()
	for _, outcome := range outcomes {
		require.NotContains(t, outcome.output, "ERROR:")
	}
	other := "postgres"
	if strings.Contains(r.other, "SET SESSION AUTHORIZATION shopowner") {
		other = "shopowner"
	}
	runs := notAtAll
	for _, match := range regexp.MustCompile(`ran as (\S+) in `).FindAllStringSubmatch(outcomes[1].output, -1) {
		switch match[1] {
		case other:
			runs = asOther
		case a.subject.access:
			if runs != asOther {
				runs = asApplication
			}
		default:
			assert.Fail(t, "the code runs as a third role", match[1])
		}
	}
	assert.Equal(t, r.runs, runs)
}

// checkNamesPairs compares what check reports with what the cases above have shown to run as another role, and what not to run.
func (c *climbing) checkNamesPairs(t *testing.T, a *attempt) {
	t.Helper()
	grant := c.applicationStep(a, "")
	grant.script += "GRANT INSERT ON shop.t1, shop.t5, shop.t25 TO shopowner; GRANT SELECT ON shop.v9, shop.m23 TO shopowner;"
	require.NotContains(t, c.steps(grant)[0].output, "ERROR:")
	result, err := c.Pgbind("check", "cronjob/"+a.subject.name).Run(c.ctx)
	require.NoError(t, err)
	assert.Equal(t, 1, result.Code, "a schema called like the superuser is a fault")
	for _, want := range []string{
		`Shadow .* role postgres mean what this application creates in schema postgres `,
		`SharedCode .* function shop\.lower\(character varying\) of this application, with schema shop in their search_path: .*postgres`,
		`SharedCode .* function postgres\.initcap\(character varying\) of this application, with schema postgres in their search_path: .*postgres`,
		`SharedCode .* operator postgres\.\+\(text,integer\) of this application`,
		`SharedCode .* role shopowner runs code of this application when it uses shop\.t1, shop\.t5, shop\.v9 `,
		`SharedCode .* role PUBLIC runs code of this application when it uses shop\.t11 `,
	} {
		assert.Regexp(t, want, result.Stdout)
	}
	assert.NotContains(t, result.Stdout, "shop.upper", "PostgreSQL prefers its own function with the same argument types")
	assert.NotContains(t, result.Stdout, "shop.t25", "a foreign key to the application's table runs as the application")
	assert.NotContains(t, result.Stdout, "shop.m23", "a materialized view runs nothing when it is read")
}
