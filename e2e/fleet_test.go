//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestCronJobRotates applies the manifests of contrib, with an image and a schedule of its own, in a namespace under the restricted Pod
// Security Standard.
func TestCronJobRotates(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.labelled("web")
	f.labelled("guest")
	f.restrict()
	f.bind("deployment/web")
	f.bind("deployment/guest", "--expires", "1h")
	f.forge(secretOf("guest"), expired)
	f.admin("ALTER ROLE " + f.login(secretOf("guest")).Username + " VALID UNTIL '2001-01-01'")
	before := f.login(firstSecret).Username
	f.overlay("rotate", `
images:
- {name: kubectl-pgbind, newName: docker.io/library/kubectl-pgbind, newTag: dev}
patches:
- target: {kind: CronJob, name: pgbind-rotate}
  patch: |-
    - op: replace
      path: /spec/schedule
      value: "30 2 * * 0"
`)
	images := `{.spec.schedule} {.spec.jobTemplate.spec.template.spec.containers[*].image}`
	assert.Equal(
		t, "30 2 * * 0 docker.io/library/kubectl-pgbind:dev",
		f.kubectl("get", "cronjob/pgbind-rotate", "--output=jsonpath="+images),
	)
	// A minute replaces the month of the manifest.
	f.kubectl("set", "env", "cronjob/pgbind-rotate", "--containers=rotate", "OLDER_THAN=1s")
	f.kubectl("create", "job", "--from=cronjob/pgbind-rotate", "now")
	f.kubectl("wait", "--for=condition=Complete", "job/now", "--timeout=180s")
	assert.NotContains(t, f.kubectl("logs", "job/now", "--all-containers"), "forbidden")

	after := f.login(firstSecret).Username
	assert.NotEqual(t, before, after)
	assert.Equal(t, after, f.as(firstSecret, "SELECT session_user"))
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname = '"+before+"'"))
	assert.Equal(
		t, []string{"binding.pgbind.dev/" + firstSecret}, lines(f.run(f.Pgbind("list", "-o", "name")).Stdout),
		"the expired binding is removed",
	)
}

func TestListIsAllowedByItsManifest(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.manifests("list")
	result := f.bind("list", "--as", "system:serviceaccount:"+f.Name+":pgbind-list")
	assert.NotContains(t, result.Stderr, "Warning")
}

func TestBindToAServiceIsAllowedByItsManifest(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.labelled("web")
	f.manifests("bind")
	result := f.bind(
		"deployment/web", "--postgres=service/postgresql-svc", "--wait=false", "--as",
		"system:serviceaccount:"+f.Name+":pgbind-bind",
	)
	assert.NotContains(t, result.Stderr, "Warning")
}

// TestIndexedJobAppliesShards has four Pods apply a file, and kills one of them.
func TestIndexedJobAppliesShards(t *testing.T) {
	t.Parallel()
	const number, shards = 24, 4
	f := newLesson(t, harness.WithoutClaim)
	f.restrict()
	f.kubectl("create", "configmap", "bindings", "--from-file="+f.bindings(t.TempDir(), f.manyLabelled(number)...))
	f.lockCatalog("pg_authid")
	f.manifests("apply")
	killed := f.killShard(1)
	f.unlockRoles()
	f.kubectl("wait", "--for=condition=Complete", "job/pgbind-apply", "--timeout=240s")

	assert.Len(t, lines(f.run(f.Pgbind("list", "-o", "name")).Stdout), number)
	made, pods := map[string]int{}, f.shardPods()
	require.Len(t, pods, shards)
	for _, pod := range pods {
		assert.NotEqual(t, killed, pod.Name, "its part was redone by another Pod")
		for _, line := range lines(f.kubectl("logs", pod.Name)) {
			if workload, _, ok := strings.Cut(line, " "); ok && strings.HasPrefix(line, "deployment.apps/app-") {
				made[workload]++
			}
		}
	}
	assert.Len(t, made, number, "all parts together are the whole")
	for workload, times := range made {
		assert.Equal(t, 1, times, "%s is of one part", workload)
	}
	assert.Equal(t, fmt.Sprint(number), f.admin(`SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\_%' AND rolcanlogin`))
}

// restrict makes the namespace refuse Pods that violate the restricted standard. Running Pods stay.
func (f *fixture) restrict() {
	f.t.Helper()
	f.kubectl(
		"label", "namespace", f.Name, "pod-security.kubernetes.io/enforce=restricted",
		"pod-security.kubernetes.io/enforce-version=latest",
	)
}

// manifests applies a kustomization of contrib.
func (f *fixture) manifests(name string) {
	f.t.Helper()
	f.kubectl("apply", "--kustomize="+contrib(f.t, "kustomize", name))
}

// overlay applies a kustomization of contrib with the changes of another one, as a user has it in a repository of their own.
func (f *fixture) overlay(name, changes string) {
	f.t.Helper()
	dir := f.t.TempDir()
	base, err := filepath.Rel(dir, contrib(f.t, "kustomize", name))
	require.NoError(f.t, err)
	text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [" + base + "]" + changes
	require.NoError(f.t, os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o600))
	f.kubectl("apply", "--kustomize="+dir)
}

// contrib returns the path of a file or folder of contrib.
func contrib(t *testing.T, path ...string) string {
	t.Helper()
	absolute, err := filepath.Abs(filepath.Join(append([]string{"..", "contrib"}, path...)...))
	require.NoError(t, err)
	return absolute
}

// killShard kills the Pod of a part while it runs, without time to roll back.
func (f *fixture) killShard(index int) (name string) {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		for _, pod := range f.shardPods() {
			if pod.Labels[batchv1.JobCompletionIndexAnnotation] == fmt.Sprint(index) && pod.Status.Phase == corev1.PodRunning {
				name = pod.Name
			}
		}
		return name != ""
	}, 40*time.Second, 100*time.Millisecond)
	f.kubectl("delete", "pod", name, "--grace-period=0", "--force")
	return name
}

func (f *fixture) shardPods() []corev1.Pod {
	f.t.Helper()
	list, err := f.Client.CoreV1().Pods(f.Name).List(f.ctx, metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=pgbind-apply"})
	require.NoError(f.t, err)
	return list.Items
}
