//go:build e2e && controllers

package e2e

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// argoApplication is the object of Argo CD by which it applies the application from Git.
const argoApplication = "application.argoproj.io/app"

// TestArgoCDControllers has the controllers of Argo CD fetch the application's manifest from a Git server, and apply it.
func TestArgoCDControllers(t *testing.T) {
	t.Parallel()
	argoCD := module{"argo-cd", "github.com/argoproj/argo-cd/v3"}
	argoCD.define(t, "manifests/crds/application-crd.yaml")
	argoCD.define(t, "manifests/crds/appproject-crd.yaml")
	for mode, test := range map[string]func(*fixture){
		"client-side apply":     func(f *fixture) { f.testArgoCD(tool{apply: synchronize(), empties: true}) },
		"server-side apply":     func(f *fixture) { f.testArgoCD(tool{apply: synchronize("ServerSideApply=true")}) },
		"it heals what differs": (*fixture).testSelfHeal,
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := newGitOps(t)
			f.startGit()
			f.startArgoCD(argoCD)
			f.createArgoApplication()
			test(f)
		})
	}
}

// testArgoCD binds, rotates and unbinds while Argo CD applies the manifest. The pod template keeps the annotation of a rotation
// when Git removes the entry. A rotation of the next binding of the same Secret name must replace the Pods too.
func (f *fixture) testArgoCD(with tool) {
	f.testTool(with)
	f.t.Run("the entry in the manifest again", func(t *testing.T) { f.in(t).testEntryInManifest(with) })
	f.t.Run("a push that changes something else", func(t *testing.T) { f.in(t).testPush(with.apply) })
}

// startArgoCD starts the application controller, the repository server and Redis. They use the namespace alone.
func (f *fixture) startArgoCD(argoCD module) {
	f.t.Helper()
	// The image of Argo CD has this script, by which the repository server reads signatures of commits.
	const script, scripts = "git-verify-wrapper.sh", "scripts"
	f.kubectl("create", "configmap", scripts, "--from-file="+argoCD.files(f.t, "hack/"+script)[0])
	f.serve("redis", "pgbind-redis:dev", 6379)
	part := map[string]string{"app.kubernetes.io/part-of": "argocd"}
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "argocd-cm", Labels: part}})
	f.create(
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "argocd-secret", Labels: part},
			StringData: map[string]string{"server.secretkey": "test"},
		},
	)
	f.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "in-cluster", Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"}},
		StringData: map[string]string{
			"name": "in-cluster", "server": "https://kubernetes.default.svc", "namespaces": f.Name, "config": `{"tlsClientConfig":{}}`,
		},
	})
	f.service("argocd-repo-server", 8081, 8081)
	f.start(controller{
		name: "argocd-repo-server", port: 8084, path: "/healthz", folders: []string{"/tmp", "/program"},
		change: func(pod *corev1.PodSpec) {
			server := &pod.Containers[0]
			// The repository server runs git, which its own image does not have.
			pod.InitContainers = []corev1.Container{
				{
					Name:         "install",
					Image:        "pgbind-argo-cd:dev",
					Args:         []string{"install", "/program/argo-cd"},
					VolumeMounts: server.VolumeMounts,
				},
			}
			server.Image, server.Command = gitImage, []string{
				"/program/argo-cd",
				"argocd-repo-server",
				"--redis=redis:6379",
			}
			mode := int32(0o755)
			pod.Volumes = append(
				pod.Volumes,
				corev1.Volume{Name: scripts, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: scripts}, DefaultMode: &mode,
				}}},
			)
			server.VolumeMounts = append(server.VolumeMounts, corev1.VolumeMount{
				Name: scripts, MountPath: "/usr/local/bin/" + script, SubPath: script,
			})
			server.Env = append(
				server.Env,
				corev1.EnvVar{Name: "ARGOCD_GPG_ENABLED", Value: "false"},
				corev1.EnvVar{Name: "HOME", Value: "/tmp"},
			)
		},
	})
	f.start(controller{
		name: "argo-cd", port: 8082, path: "/healthz", folders: []string{"/tmp"},
		args: []string{
			"argocd-application-controller",
			"--redis=redis:6379",
			"--repo-server=argocd-repo-server:8081",
			"--logformat=text",
		},
		change: func(pod *corev1.PodSpec) {
			pod.Containers[0].Env = append(pod.Containers[0].Env, corev1.EnvVar{Name: "HOME", Value: "/tmp"})
		},
	})
}

// createArgoApplication creates the Application in a project that allows everything. It is synchronized when the test requests it.
func (f *fixture) createArgoApplication() {
	f.t.Helper()
	const server = "https://kubernetes.default.svc"
	project := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"sourceRepos": []any{"*"}, "destinations": []any{map[string]any{"namespace": "*", "server": "*"}},
	}}}
	project.SetAPIVersion("argoproj.io/v1alpha1")
	project.SetKind("AppProject")
	project.SetName("default")
	app := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"project": "default", "destination": map[string]any{"namespace": f.Name, "server": server},
		"source": map[string]any{"repoURL": f.gitURL(), "targetRevision": "main", "path": "."},
	}}}
	app.SetAPIVersion("argoproj.io/v1alpha1")
	app.SetKind("Application")
	app.SetName("app")
	require.NoError(f.t, f.Apply(f.ctx, project, app))
}

// synchronize returns what pushes the manifest and has Argo CD synchronize with these options.
func synchronize(options ...string) func(*fixture, string) {
	return func(f *fixture, manifest string) {
		f.t.Helper()
		commit, token := f.push(manifest), strconv.FormatInt(time.Now().UnixNano(), 10)
		patch, err := json.Marshal(map[string]any{"operation": map[string]any{
			"info": []any{map[string]any{"name": "request", "value": token}},
			"sync": map[string]any{"revision": commit, "syncOptions": options},
		}})
		require.NoError(f.t, err)
		f.kubectl("patch", argoApplication, "--type=merge", "--patch", string(patch))
		f.kubectl("wait", "--for=jsonpath={.status.operationState.operation.info[0].value}="+token, "--timeout=120s", argoApplication)
		f.kubectl("wait", "--for=jsonpath={.status.operationState.phase}=Succeeded", "--timeout=120s", argoApplication)
		assert.Equal(f.t, commit, f.kubectl("get", argoApplication, "--output=jsonpath={.status.operationState.syncResult.revision}"))
	}
}

// testSelfHeal has Argo CD synchronize as soon as the live object differs from the manifest. A binding is no difference.
func (f *fixture) testSelfHeal() {
	synchronize()(f, f.appManifest(nil))
	f.kubectl(
		"patch",
		argoApplication,
		"--type=merge",
		"--patch",
		`{"spec":{"syncPolicy":{"automated":{"enabled":true,"selfHeal":true,"prune":true}}}}`,
	)
	synced := func() string {
		f.kubectl("annotate", "--overwrite", argoApplication, "argocd.argoproj.io/refresh=hard")
		require.Eventually(f.t, func() bool {
			return f.kubectl("get", argoApplication, `--output=jsonpath={.metadata.annotations.argocd\.argoproj\.io/refresh}`) == ""
		}, time.Minute, time.Second, "Argo CD compares the objects")
		return f.kubectl("get", argoApplication, "--output=jsonpath={.status.sync.status}")
	}
	f.bind(application)
	f.requireServed(func() {
		for range reconciliations {
			assert.Equal(f.t, "Synced", synced())
			f.requireUsable(firstSecret)
		}
		f.kubectl("scale", application, "--replicas=3")
		require.Eventually(
			f.t,
			func() bool { return *f.application().Spec.Replicas == 1 },
			time.Minute,
			time.Second,
			"Argo CD heals the Deployment",
		)
		f.requireUsable(firstSecret)
	})
	f.bind("unbind", application, "--grace=1s")
	assert.Equal(f.t, "Synced", synced())
	assert.Empty(f.t, f.application().Spec.Template.Spec.Containers[0].EnvFrom, "nothing restores the reference")
}
