package binding

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	corev1 "k8s.io/api/core/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// show prints what a run would do for the items of a dry run, which end here.
func (r *run) show(_ context.Context, items []*Item) {
	for _, i := range items {
		if i.Options.DryRun == cmdutil.DryRunNone {
			continue
		}
		if err := i.show(); err != nil {
			i.Fail(err)
			continue
		}
		r.Progress.Bound(i)
		r.finish(i)
	}
}

// maxPlan limits the lines of a plan. The results follow it.
const maxPlan = 38

// maxLine limits the length of a line of a plan. Annotations are long.
const maxLine = 160

func (i *Item) show() error {
	p := i.plan
	lines := p.showRoles()
	secrets, err := p.showSecrets()
	if err != nil {
		return err
	}
	lines = append(lines, secrets...)
	change, err := p.showWorkload()
	if err != nil {
		return err
	}
	i.isNew, i.changed = p.secret.existing == nil, len(change) > 0 && !p.injectsNothing()
	i.Report.Show(strings.Join(shorten(append(lines, change...), i.Options.Script), "\n"))
	if i.Options.Script {
		if err := i.showScript(); err != nil {
			return err
		}
	}
	i.warnOfReplicas()
	i.Outcome, i.Binding = i.outcome(), p.object(nil)
	i.Report.Done("secret/"+p.secret.name, verb(i.isNew, "created"))
	i.Report.Done(i.Workload.String(), verb(i.changed, "bound"))
	return nil
}

// shorten returns lines that a person can read at a glance, or all of them.
func shorten(lines []string, all bool) []string {
	if all {
		return lines
	}
	if more := len(lines) - maxPlan; more > 0 {
		lines = append(lines[:maxPlan-1:maxPlan-1], fmt.Sprintf("# and %d more lines: -v=2 prints them and the whole script", more+1))
	}
	short := make([]string, len(lines))
	for at, line := range lines {
		if text := []rune(line); len(text) > maxLine {
			line = string(text[:maxLine]) + "…"
		}
		short[at] = line
	}
	return short
}

// showRoles returns what a run does in the database, in plain SQL.
func (p *Plan) showRoles() []string {
	what := "its password stays"
	switch {
	case p.secret.existing == nil:
		what = "new"
	case p.adopted != nil:
		what = "adopted: its password stays, and what it holds in its own name in the schemas goes to its access role"
	}
	lines := []string{
		fmt.Sprintf(
			"# pod/%s, container %s, database %q: role %s, %s", p.endpoint.Pod.Name, p.endpoint.Container,
			p.spec.DBName, p.role.Name, what,
		),
		fmt.Sprintf(
			"# access level %s; a bind runs what is missing, and grants the same on what other roles create later",
			p.role.Access.Level,
		),
	}
	if !p.spec.CreateDatabase {
		lines = append(lines, "# a dry run does not run this: the bind fails if the database does not exist")
	} else {
		name := postgres.Identifier(p.spec.DBName)
		lines = append(
			lines, "-- if the database does not exist:", "CREATE DATABASE "+name+";",
			"REVOKE CONNECT, TEMPORARY ON DATABASE "+name+" FROM PUBLIC;",
		)
	}
	for _, statement := range p.role.Statements(p.secret.existing == nil) {
		lines = append(lines, statement+";")
	}
	return lines
}

// showScript prints all that psql would read.
func (i *Item) showScript() error {
	p := i.plan
	var script strings.Builder
	if p.spec.CreateDatabase {
		sql, err := postgres.ExplainDatabase(p.newDatabase(), p.spec.AdminUser)
		if err != nil {
			return err
		}
		fmt.Fprintf(&script, "---\n# psql, creates database %q if it does not exist:\n%s", p.spec.DBName, sql)
	}
	if p.secret.existing == nil {
		fmt.Fprintf(&script, "---\n# createuser makes role %s, without a login\n", p.role.Name)
	}
	sql, err := postgres.Explain(p.role, p.login(p.secret.existing == nil))
	fmt.Fprintf(&script, "---\n# psql, database %q:\n%s", p.spec.DBName, sql)
	i.Report.Show(script.String())
	return err
}

// showSecrets returns the Secrets that a run would create, with their keys.
func (p *Plan) showSecrets() ([]string, error) {
	first, lines := p.secret.existing, []string{}
	if first == nil {
		var err error
		if first, err = p.newSecret(p.expected()); err != nil {
			return nil, err
		}
		lines = append(lines, "---", keysOf(first))
	}
	if !p.requested.HasKey(v1alpha1.KeyServiceBinding) {
		return lines, nil
	}
	second, err := secret.NewServiceBinding(first, p.credentials(p.expected()))
	if err != nil {
		return nil, err
	}
	return append(lines, keysOf(second)), nil
}

// keysOf describes a Secret without its values.
func keysOf(secret *corev1.Secret) string {
	return fmt.Sprintf(
		"# secret/%s, type %s: %s", secret.Name, cmp.Or(secret.Type, corev1.SecretTypeOpaque),
		strings.Join(slices.Sorted(maps.Keys(secret.Data)), ", "),
	)
}

// showWorkload returns the change of the workload, as lines of diff -u of YAML. There are none if nothing changes.
func (p *Plan) showWorkload() ([]string, error) {
	heading := []string{"---", fmt.Sprintf("# %s in namespace %s", p.workload, p.workload.Namespace())}
	if p.injectsNothing() {
		text, err := p.patchText()
		heading[1] += ": the patch that is left to you"
		return append(heading, strings.Split(strings.TrimSpace(text), "\n")...), err
	}
	to, err := p.changed(p.workload)
	if err != nil {
		return nil, err
	}
	before := p.workload
	if p.spec.NamesFromWorkload { // they hold logins
		before, to = masked(before), masked(to)
	}
	text, err := yamlDiff(before.Object(), to.Object())
	if err != nil || text == "" {
		return nil, err
	}
	return append(heading, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...), nil
}

// yamlDiff compares two objects line by line.
func yamlDiff(before, after any) (string, error) {
	from, errFrom := yaml.Marshal(before)
	to, errTo := yaml.Marshal(after)
	if err := errors.Join(errFrom, errTo); err != nil {
		return "", fmt.Errorf("write the workload as YAML: %w", err)
	}
	return difflib.GetUnifiedDiffString(
		difflib.UnifiedDiff{A: difflib.SplitLines(string(from)), B: difflib.SplitLines(string(to)), Context: 1},
	)
}
