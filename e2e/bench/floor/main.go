// Command floor is the least that a program must do to bind: createuser, one psql with a login over the network, a Secret and a patch.
// It checks nothing, rolls back nothing, and grants no more than the lesson does. The benchmark compares kubectl pgbind with it.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

//go:embed bind.sql
var bindSQL string

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: floor NAMESPACE DEPLOYMENT ROLE, with KUBECONFIG set")
		os.Exit(2)
	}
	f := &floor{namespace: os.Args[1], deployment: os.Args[2], role: os.Args[3], password: rand.Text()}
	if err := f.bind(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// floor is one binding. The role's name also names the Secret.
type floor struct {
	namespace, deployment, role, password string

	config *rest.Config
	client *kubernetes.Clientset
}

func (f *floor) bind(ctx context.Context) error {
	var err error
	if f.config, err = clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG")); err != nil {
		return err
	}
	if f.client, err = kubernetes.NewForConfig(f.config); err != nil {
		return err
	}
	if err := f.exec(ctx, "", "createuser", "--username=postgres", "--no-login", f.role); err != nil {
		return fmt.Errorf("createuser: %w", err)
	}
	host := lesson.DatabaseService + "." + f.namespace + ".svc.cluster.local"
	values := fmt.Sprintf("\\set role %s\n\\set password %s\n\\set host %s\n\\setenv PGPASSWORD %[2]s\n", f.role, f.password, host)
	if err := f.exec(
		ctx, values+bindSQL, "psql", "--username=postgres", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
		"--file=-",
	); err != nil {
		return fmt.Errorf("psql: %w", err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: f.role}, StringData: map[string]string{
		"POSTGRES_HOST": host, "POSTGRES_USERNAME": f.role, "POSTGRES_PASSWORD": f.password,
	}}
	if _, err := f.client.CoreV1().Secrets(f.namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	return f.patch(ctx)
}

// patch refers to the Secret from the Deployment's one container.
func (f *floor) patch(ctx context.Context) error {
	container := corev1.Container{Name: "app", EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: f.role},
	}}}}
	patch, err := json.Marshal(
		map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{container}}}}},
	)
	if err != nil {
		return err
	}
	_, err = f.client.AppsV1().Deployments(f.namespace).Patch(
		ctx, f.deployment, types.StrategicMergePatchType, patch, metav1.PatchOptions{},
	)
	return err
}

// exec runs a command in the database Pod. The error contains the standard error of the command.
func (f *floor) exec(ctx context.Context, stdin string, argv ...string) error {
	request := f.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(f.namespace).Name(lesson.DatabasePod).SubResource("exec").
		VersionedParams(
			&corev1.PodExecOptions{Container: lesson.Container, Command: argv, Stdin: true, Stdout: true, Stderr: true},
			scheme.ParameterCodec,
		)
	executor, err := remotecommand.NewSPDYExecutor(f.config, http.MethodPost, request.URL())
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader(stdin), Stdout: io.Discard, Stderr: &stderr})
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}
