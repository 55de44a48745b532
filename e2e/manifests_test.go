//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
)

// want is what a command does without a permission.
type want int

const (
	refuses want = iota // it fails, and names verb and resource
	warns               // it continues, and names verb and resource
	// it tries, and continues without: it polls instead of watching, reads one by one instead of a list, or writes no Event
	manages
)

// fleetSize is how many workloads of a kind are listed at once.
const fleetSize = 10

// lack is a permission of a manifest, and a command of the manifest that uses it. NAME is a workload for that command alone.
type lack struct {
	right   right
	command string
	want    want
}

// listLacks, bindLacks and rotateLacks have every permission of their manifest. Most commands are dry runs and can share workloads.
func listLacks() []lack {
	var lacks []lack
	for _, resource := range []string{"deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "cronjobs.batch", "pods", "replicationcontrollers", "secrets"} {
		lacks = append(lacks, lack{right("list " + resource), "list", warns})
	}
	return lacks
}

func bindLacks() []lack {
	const free = "deployment/free --dry-run=server"
	return []lack{
		{"get deployments.apps", free, refuses},
		{"list deployments.apps", "apply --filename=- --dry-run=server", manages},
		{"watch deployments.apps", "deployment/NAME", manages},
		{"patch deployments.apps", free, refuses},
		{"get statefulsets.apps", "statefulset/free --dry-run=server", refuses},
		{"list statefulsets.apps", "apply --filename=- --dry-run=server", manages},
		{"watch statefulsets.apps", "statefulset/NAME", manages},
		{"patch statefulsets.apps", "statefulset/free --dry-run=server", refuses},
		{"get secrets", "deployment/bound", refuses},
		{"list secrets", free, manages},
		{"create secrets", free, refuses},
		{"patch secrets", "deployment/bound --key=uri", refuses},
		{"delete secrets", "deployment/NAME", refuses},
		{"get namespaces", free, manages},
		{"get pods", free, refuses},
		{"list pods", free + " --postgres=statefulset/postgresql-sfs", refuses},
		{"list services", free, refuses},
		{"list endpointslices.discovery.k8s.io", free, refuses},
		{"create pods/exec", "deployment/bound", refuses},
		{"create events", "deployment/NAME", manages},
	}
}

func rotateLacks() []lack {
	const rotate, prune = "rotate --all --older-than=1s --dry-run=server", "prune --dry-run=server"
	lacks := []lack{
		{"list replicasets.apps", rotate, refuses},
		{"list cronjobs.batch", rotate, warns},
		{"list jobs.batch", rotate, warns},
		{"list replicationcontrollers", rotate, warns},
		{"get secrets", rotate, refuses},
		{"list secrets", rotate, warns},
		{"update secrets", rotate, refuses},
		{"delete secrets", "prune --yes", refuses},
		{"get namespaces", rotate, manages},
		{"get pods", rotate, refuses},
		{"list pods", rotate, refuses},
		{"list services", rotate, refuses},
		{"list endpointslices.discovery.k8s.io", rotate, refuses},
		{"create pods/exec", rotate, refuses},
		{"create events", "rotate deployment/NAME --settle=1s", manages},
	}
	for _, kind := range []string{"deployment", "statefulset", "daemonset"} {
		of := func(verb string) right { return right(verb + " " + kind + "s.apps") }
		lacks = append(lacks, lack{of("get"), prune, warns}, lack{of("list"), rotate, warns}, lack{of("patch"), rotate, refuses},
			lack{of("watch"), "rotate " + kind + "/NAME --settle=1s", manages})
	}
	return lacks
}

// TestManifestsHaveNothingToSpare runs commands with the permissions of each manifest of contrib, and then without each single one of them.
func TestManifestsHaveNothingToSpare(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	f.fleet()
	// The last one leaves a Secret that it cannot delete.
	for _, manifest := range []struct {
		name  string
		lacks []lack
	}{{"list", listLacks()}, {"rotate", rotateLacks()}, {"bind", bindLacks()}} {
		name, lacks := manifest.name, manifest.lacks
		rules := manifestRules(t, name)
		var listed []right
		for _, l := range lacks {
			listed = append(listed, l.right)
		}
		assert.ElementsMatch(t, rightsIn(rules), listed, "each right of %s is tried", name)
		f.permit(name, rules)
		f.tryWhole(name, lacks)
		for _, dry := range []bool{true, false} { // dry runs first, because some of them read everything
			t.Run(fmt.Sprintf("%s, dry: %t", name, dry), func(t *testing.T) {
				for i, l := range lacks {
					if l.dry() == dry && inPart(t, os.Getenv("PGBIND_PART"), i) {
						user := fmt.Sprintf("%s-%d", name, i)
						f.in(t).permit(user, l.right.without(rules))
						t.Run("without "+string(l.right), func(t *testing.T) { f.in(t).tryWithout(l, user) })
					}
				}
			})
		}
	}
}

// dry returns whether the command changes nothing.
func (l lack) dry() bool { return strings.Contains(l.command, "--dry-run") || l.command == "list" }

// tryWhole runs the dry commands with all rights of the manifest: nothing is refused.
func (f *fixture) tryWhole(user string, lacks []lack) {
	f.t.Helper()
	tried := map[string]bool{}
	for _, l := range lacks {
		if !l.dry() || tried[l.command] {
			continue
		}
		tried[l.command] = true
		result := f.run(f.Pgbind(append(strings.Fields(l.command), "-v=6", "--as="+user)...).Stdin(fleetFile()))
		assert.Zero(f.t, result.Code, "%s: %s", l.command, result.Stderr)
		assert.NotContains(f.t, result.Stderr, "403 Forbidden", l.command)
		assert.NotContains(f.t, result.Stderr, "Warning: ", l.command)
	}
}

// tryWithout runs the command as the user who lacks the right.
func (f *fixture) tryWithout(l lack, user string) {
	f.t.Parallel()
	if kind, _, own := strings.Cut(strings.TrimPrefix(l.command, "rotate "), "/NAME"); own {
		f.worker(kind, user, kind != l.command[:len(kind)])
	}
	args := strings.Fields(strings.ReplaceAll(l.command, "NAME", user))
	command := f.Pgbind(append(args, "-v=6", "--as="+user)...).Stdin(fleetFile())
	if l.command == "deployment/NAME" && l.want == refuses {
		command = command.As(f.refusingPatches(user))
	}
	result := f.run(command)
	assert.Contains(f.t, result.Stderr, " 403 Forbidden ", "it asks for the right")
	assert.Equal(f.t, l.want == refuses, result.Code != 0, "exit code %d: %s", result.Code, result.Stderr)
	if l.want == manages {
		return
	}
	verb, resource, _ := strings.Cut(string(l.right), " ")
	resource, _, _ = strings.Cut(resource, ".")
	assert.Regexp(f.t, `(?m)^(error|Warning): .*cannot `+verb+` resource "`+regexp.QuoteMeta(resource)+`"`, result.Stderr)
}

// fleetFile contains enough bindings that their workloads are listed and not read one by one.
func fleetFile() string {
	var text strings.Builder
	for i := range fleetSize {
		for _, kind := range []string{"deployment", "statefulset"} {
			fmt.Fprintf(
				&text,
				"---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: %[1]s/of-many-%[2]d, secret: %[1]s-%[2]d}\n",
				kind, i,
			)
		}
	}
	return text.String()
}

// fleet creates the workloads of the commands.
func (f *fixture) fleet() {
	f.t.Helper()
	for _, kind := range []string{"deployment", "statefulset"} {
		for i := range fleetSize {
			f.worker(kind, fmt.Sprintf("of-many-%d", i), false)
		}
		f.worker(kind, "free", false)
	}
	f.worker("deployment", "expired", false)
	f.bind("deployment/expired", "--expires=1h")
	f.forge(firstSecret, expired)
	f.admin("ALTER ROLE " + f.login(firstSecret).Username + " VALID UNTIL '2001-01-01'")
	for _, kind := range []string{"deployment", "statefulset", "daemonset"} {
		f.worker(kind, "bound", true)
	}
}

// worker creates a workload without Pods, and optionally binds it.
func (f *fixture) worker(kind, name string, bound bool) {
	f.t.Helper()
	var err error
	switch kind {
	case "deployment":
		d := deployment(name, nil)
		d.Spec.Replicas = new(int32)
		_, err = f.Client.AppsV1().Deployments(f.Name).Create(f.ctx, d, metav1.CreateOptions{})
	case "statefulset":
		s := statefulSet(name)
		s.Spec.Replicas = new(int32)
		_, err = f.Client.AppsV1().StatefulSets(f.Name).Create(f.ctx, s, metav1.CreateOptions{})
	default:
		d := daemonSet(name)
		d.Spec.Template.Spec.NodeSelector = map[string]string{"no": "where"}
		_, err = f.Client.AppsV1().DaemonSets(f.Name).Create(f.ctx, d, metav1.CreateOptions{})
	}
	require.NoError(f.t, err)
	if bound {
		f.bind(kind+"/"+name, "--wait=false", "--secret="+name+"-"+kind)
	}
}

// refusingPatches returns the kubeconfig of an API server that refuses the patch of the workload, so that a run rolls back.
func (f *fixture) refusingPatches(name string) string {
	f.t.Helper()
	proxy, err := faultproxy.Start(f.REST, func(e faultproxy.Exchange) faultproxy.Fault {
		if e.Request != "PATCH /apis/apps/v1/namespaces/"+f.Name+"/deployments/"+name {
			return faultproxy.Fault{}
		}
		return faultproxy.Fault{Action: faultproxy.Answer, Code: http.StatusInternalServerError}
	})
	require.NoError(f.t, err)
	f.t.Cleanup(proxy.Close)
	kubeconfig := filepath.Join(f.t.TempDir(), "kubeconfig")
	require.NoError(f.t, proxy.WriteKubeconfig(kubeconfig))
	return kubeconfig
}

// manifestRules returns the rules of the Role in a manifest of contrib.
func manifestRules(t *testing.T, name string) []rbacv1.PolicyRule {
	t.Helper()
	files, err := filepath.Glob(contrib(t, "kustomize", name, "[^k]*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var role rbacv1.Role
		if yaml.Unmarshal([]byte(document), &role) == nil && role.Kind == "Role" {
			return role.Rules
		}
	}
	require.Fail(t, "the manifest has no Role", name)
	return nil
}

// permit gives a user of that name these permissions in the namespace.
func (f *fixture) permit(user string, rules []rbacv1.PolicyRule) {
	f.t.Helper()
	require.NoError(f.t, f.Permit(f.ctx, rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}, rules))
}
