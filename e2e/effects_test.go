//go:build e2e

package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// right is a verb on a resource: "patch deployments.apps".
type right string

// rights are the documented permissions of a command, and whether each is necessary.
type rights map[right]bool

// TestEffects runs each command with the necessary permissions of the table in docs/effects.md. They suffice, the command uses each of
// them, and it uses no others but those that the table has in brackets.
func TestEffects(t *testing.T) {
	t.Parallel()
	documented := documentedRights(t)
	f := newLesson(t, harness.WithoutClaim)
	file := filepath.Join(t.TempDir(), "bindings.yaml")
	require.NoError(
		t,
		os.WriteFile(file, []byte("apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/second}\n"), 0o600),
	)
	f.idle("second", "gone")
	for _, command := range []struct {
		name   string
		before func(*fixture)
		args   []string
	}{
		{"bind", nil, []string{application}},
		{"list", nil, []string{"list"}},
		{"check", nil, []string{"check"}},
		{"psql", nil, []string{"psql", application, "--", "-c", "SELECT 1"}},
		{"rotate", nil, []string{"rotate", application, "--grace=0s"}},
		{"unbind", nil, []string{"unbind", application, "--grace=0s"}},
		{"apply", nil, []string{"apply", "-f", file}},
		{"diff", nil, []string{"diff", "-f", file}},
		{"prune", (*fixture).loseWorkload, []string{"prune", "--yes", "--grace=0s"}},
	} {
		t.Run(command.name, func(t *testing.T) {
			f := f.in(t)
			if command.before != nil {
				command.before(f)
			}
			f.grant(command.name, documented[command.name])
			proxy := f.proxy()
			result := f.run(f.Pgbind(append([]string{"--as=" + command.name}, command.args...)...).As(proxy.Kubeconfig))
			require.Zero(t, result.Code, "%s%s", result.Stdout, result.Stderr)
			f.requireUsed(documented[command.name], proxy.Requests())
		})
	}
}

// loseWorkload leaves a binding without its workload.
func (f *fixture) loseWorkload() {
	f.bind("deployment/gone")
	f.delete("deployment", "gone")
}

// grant gives a user of that name the necessary permissions.
func (f *fixture) grant(user string, granted rights) {
	f.t.Helper()
	var rules []rbacv1.PolicyRule
	for r, needed := range granted {
		verb, resource, _ := strings.Cut(string(r), " ")
		name, group, _ := strings.Cut(resource, ".")
		if needed {
			rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{name}, Verbs: []string{verb}})
		}
	}
	f.permit(user, rules)
}

// requireUsed compares the requests with the permissions of the command.
func (f *fixture) requireUsed(documented rights, requests []string) {
	f.t.Helper()
	used := map[right]bool{}
	for _, request := range requests {
		if r, ok := rightFor(request); ok {
			used[r] = true
		}
	}
	for r := range used {
		assert.Contains(f.t, documented, r, "is not in the documents")
	}
	for r, needed := range documented {
		assert.True(f.t, used[r] || !needed, "%s is not needed", r)
	}
}

// rightFor returns the permission that a request needs, and false if it needs none.
func rightFor(request string) (right, bool) {
	method, uri, _ := strings.Cut(request, " ")
	address, err := url.Parse(uri)
	path := regexp.MustCompile(
		`^/(?:api|apis/([^/]+))/v[^/]+/namespaces/[^/]+(?:/([^/]+)(?:/([^/]+)(/[^/]+)?)?)?$`,
	).FindStringSubmatch(address.Path)
	if err != nil || path == nil {
		return "", false
	}
	group, resource, name, subresource := path[1], path[2], path[3], path[4]
	verb := map[string]string{"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete", "GET": "get"}[method]
	switch {
	case resource == "":
		resource = "namespaces"
	case method == "GET" && address.Query().Has("watch"):
		verb = "watch"
	case method == "GET" && name == "":
		verb = "list"
	}
	resource += subresource
	if group != "" {
		resource += "." + group
	}
	return right(verb + " " + resource), true
}

// documentedRights reads the table of docs/effects.md: a row for each resource, a column for each command. Permissions in brackets
// are not necessary.
func documentedRights(t *testing.T) map[string]rights {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "effects.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "\n| resource |")
	require.True(t, found)
	rows := strings.Split(table, "\n")
	var commands []string
	for _, command := range cells(rows[0]) {
		commands = append(commands, strings.Trim(command, "`"))
	}
	granted := map[string]rights{}
	for _, row := range rows[2:] {
		if !strings.HasPrefix(row, "|") {
			break
		}
		columns := cells(strings.TrimPrefix(row, "|"))
		for i, verbs := range columns[1:] {
			for verb := range strings.FieldsSeq(verbs) {
				if granted[commands[i]] == nil {
					granted[commands[i]] = rights{}
				}
				granted[commands[i]][right(strings.Trim(verb, "(),")+" "+strings.Trim(columns[0], "`"))] = !strings.HasPrefix(verb, "(")
			}
		}
	}
	return granted
}

// cells returns the cells of a row.
func cells(row string) []string {
	var all []string
	for cell := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(row), "|"), "|") {
		all = append(all, strings.TrimSpace(cell))
	}
	return all
}
