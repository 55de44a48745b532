//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// documentedRules returns the rules of the Role in docs/effects.md.
func documentedRules(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "effects.md"))
	require.NoError(t, err)
	manifest := regexp.MustCompile(`(?s)<<'YAML'\n(.*?kind: Role\n.*?)\nYAML\n`).FindSubmatch(text)
	require.Len(t, manifest, 2, "the document has a Role")
	var role rbacv1.Role
	require.NoError(t, yaml.UnmarshalStrict(manifest[1], &role))
	require.NotEmpty(t, role.Rules)
	return role.Rules
}

// rightsIn returns the single permissions of the rules, in the form of TestEffects.
func rightsIn(rules []rbacv1.PolicyRule) []right {
	var rights []right
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights = append(rights, rightOn(verb, resource, rule.APIGroups[0]))
			}
		}
	}
	return rights
}

func rightOn(verb, resource, group string) right {
	return right(strings.TrimSuffix(verb+" "+resource+"."+group, "."))
}

// without returns the rules without one permission.
func (r right) without(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var left []rbacv1.PolicyRule
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			verbs := slices.DeleteFunc(
				slices.Clone(rule.Verbs),
				func(verb string) bool { return rightOn(verb, resource, rule.APIGroups[0]) == r },
			)
			if len(verbs) == 0 {
				continue
			}
			left = append(left, rbacv1.PolicyRule{APIGroups: rule.APIGroups, Resources: []string{resource}, Verbs: verbs})
		}
	}
	return left
}

// neededFor maps a permission to the commands that fail without it, among bind, check, rotate and unbind. Without other permissions, a
// command continues: it warns, polls instead of watching, or needs the permission in other cases only.
func neededFor(bind string) map[right][]string {
	all, others := []string{bind, "check", "rotate", "unbind"}, []string{"check", "rotate", "unbind"}
	return map[right][]string{
		"get deployments.apps":                 all,
		"patch deployments.apps":               {bind, "rotate", "unbind"},
		"list replicasets.apps":                others,
		"get pods":                             all,
		"list pods":                            others,
		"list services":                        all,
		"list endpointslices.discovery.k8s.io": all,
		"get secrets":                          others,
		"create secrets":                       {bind},
		"update secrets":                       {"rotate"},
		"delete secrets":                       {"unbind"},
		"create pods/exec":                     all,
	}
}

// TestPermissions runs commands with the documented Role and nothing else, and then without every single permission of it.
func TestPermissions(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	rules := documentedRules(t)
	kubeconfig, err := f.Identity(f.ctx, "documented", t.TempDir(), rules)
	require.NoError(t, err)
	f.idle("late")
	const file = "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/late}\n"
	for _, args := range [][]string{
		{application}, {application}, {"list"}, {"check", application}, {"psql", application, "--", "--command=SELECT 1"}, {"rotate", application, "--grace=1s"},
		{"apply", "--filename=-"}, {"diff", "--filename=-"}, {"prune", "--dry-run=server"}, {"unbind", application, "--grace=1s"}, {"unbind", "deployment/late", "--purge"},
	} {
		result := f.run(f.Pgbind(args...).Stdin(file).As(kubeconfig))
		assert.Zero(t, result.Code, "%s: %s", args, result.Stderr)
	}
	for i, missing := range rightsIn(rules) {
		if !inPart(t, os.Getenv("PGBIND_PART"), i) {
			continue
		}
		t.Run("without "+string(missing), func(t *testing.T) {
			f := f.in(t)
			name := fmt.Sprintf("without-%d", i)
			kubeconfig, err := f.Identity(f.ctx, name, t.TempDir(), missing.without(rules))
			require.NoError(t, err)
			f.idle(name)
			assert.Equal(t, neededFor("deployment/" + name)[missing], f.refusedWithout(missing, "deployment/"+name, kubeconfig))
		})
	}
}

// refusedWithout runs bind, check, rotate and unbind, and returns the commands that failed. Each must name what is missing, before it has
// written anything.
func (f *fixture) refusedWithout(missing right, workload, kubeconfig string) []string {
	f.t.Helper()
	var refused []string
	for _, args := range [][]string{{workload}, {"check", workload}, {"rotate", workload, "--settle=1s"}, {"unbind", workload}} {
		before := f.written()
		result := f.run(f.Pgbind(args...).As(kubeconfig))
		if result.Code == 0 {
			continue
		}
		refused = append(refused, args[0])
		text := result.Stdout + result.Stderr
		code := 1
		if args[0] == "check" && result.Stdout == "" {
			code = 2 // it failed, and 1 means that it found something
		}
		assert.Equal(f.t, code, result.Code, text)
		verb, resource, _ := strings.Cut(string(missing), " ")
		resource, _, _ = strings.Cut(resource, ".")
		assert.Contains(f.t, text, verb, "%s: %s", args, text)
		assert.Contains(f.t, text, resource, "%s: %s", args, text)
		assert.Equal(f.t, before, f.written(), "%s: nothing is written", args)
		if args[0] != "check" {
			assert.Contains(f.t, text, "kubectl auth can-i", "%s: %s", args, text)
			f.bind(args...)
		}
	}
	return refused
}

// written is what a command may have written, in few requests.
func (f *fixture) written() []string {
	f.t.Helper()
	written := lines(f.roles())
	secrets, err := f.Client.CoreV1().Secrets(f.Name).List(f.ctx, metav1.ListOptions{})
	require.NoError(f.t, err)
	for i := range secrets.Items {
		written = append(written, "secret "+secrets.Items[i].Name+" "+secrets.Items[i].ResourceVersion)
	}
	deployments, err := f.Client.AppsV1().Deployments(f.Name).List(f.ctx, metav1.ListOptions{})
	require.NoError(f.t, err)
	for i := range deployments.Items {
		d := &deployments.Items[i]
		written = append(
			written,
			fmt.Sprintf("deployment %s %d %s", d.Name, d.Generation, strings.Join(slices.Sorted(maps.Keys(d.Annotations)), " ")),
		)
	}
	return written
}

// TestMissingPermissions requires that a bind names all permissions that are missing, in rules that suffice, before it writes anything.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	rules := documentedRules(t)
	for _, lacking := range [][]right{
		{"create pods/exec", "patch deployments.apps"},              // no read is refused
		{"create secrets", "create pods/exec"},                      // a dry run is refused
		{"get deployments.apps", "create secrets", "list services"}, // the first read is refused
	} {
		left := rules
		for _, missing := range lacking {
			left = missing.without(left)
		}
		name := strings.NewReplacer(" ", "-", ".", "-", "/", "-").Replace(string(lacking[0]))
		kubeconfig, err := f.Identity(f.ctx, name, t.TempDir(), left)
		require.NoError(t, err)
		before := f.written()
		refused := f.run(f.Pgbind("deployment/web", "--wait=false").As(kubeconfig))
		assert.Equal(t, 1, refused.Code)
		assert.Equal(t, 1, strings.Count(refused.Stderr, "error: "), refused.Stderr)
		assert.Equal(t, before, f.written(), "nothing is written")
		_, text, found := strings.Cut(refused.Stderr, "\n# in namespace "+f.Name+";")
		require.True(t, found, refused.Stderr)
		_, text, _ = strings.Cut(text, "\n")
		var printed []rbacv1.PolicyRule
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), &printed), text)
		assert.ElementsMatch(t, lacking, rightsIn(printed))

		kubeconfig, err = f.Identity(f.ctx, name+"-granted", t.TempDir(), append(left, printed...))
		require.NoError(t, err)
		result := f.run(f.Pgbind("deployment/web", "--wait=false").As(kubeconfig))
		assert.Zero(t, result.Code, "the printed rules suffice: %s", result.Stderr)
		f.bind("unbind", "deployment/web", "--grace=0s")
	}
}

// TestRequests_OfABindAreFew counts what docs/benchmark.md promises: with the review of the permissions, and without
// the Event. Flags name the server, the database and the level; without them, a bind also reads the annotations of the
// Namespace.
func TestRequests_OfABindAreFew(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web")
	for _, most := range []int{12, 6} {
		proxy := f.proxy()
		result := f.run(
			f.Pgbind(
				"deployment/web", "--wait=false", "--postgres=pod/postgresql-sfs-0", "--dbname=postgres",
				"--access=all",
			).As(proxy.Kubeconfig),
		)
		require.Zero(t, result.Code, result.Stderr)
		requests := slices.DeleteFunc(proxy.Requests(), func(request string) bool { return strings.Contains(request, "/events") })
		assert.LessOrEqual(t, len(requests), most, "%s", strings.Join(requests, "\n"))
		reviews := len(
			slices.DeleteFunc(
				slices.Clone(requests),
				func(request string) bool { return !strings.Contains(request, "selfsubjectrulesreviews") },
			),
		)
		assert.Equal(t, map[int]int{12: 1, 6: 0}[most], reviews)
	}
}
