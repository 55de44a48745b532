package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// Shell runs a script as a user types it: kubectl and the plugin are on the PATH, and the kubeconfig's current namespace is this one.
// dir is the working folder and the home, and contains the kubeconfig. An exit code other than 0 is a result.
func (n *Namespace) Shell(ctx context.Context, dir, script string) (Result, error) {
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := n.writeNamespaced(kubeconfig); err != nil {
		return Result{}, err
	}
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", script) //nolint:gosec // the script is the test's
	path := []string{n.path, filepath.Dir(n.config.Kubectl), "/usr/local/bin", "/usr/bin", "/bin"}
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + strings.Join(path, ":"), "HOME=" + dir, "KUBECONFIG=" + kubeconfig}
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	result := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if ctx.Err() != nil {
		return result, fmt.Errorf("run %q: %w", script, context.Cause(ctx))
	}
	if err != nil && !errors.As(err, &exit) {
		return result, fmt.Errorf("run %q: %w", script, err)
	}
	return result, nil
}

// writeNamespaced writes the cluster's kubeconfig with this namespace as the current one.
func (n *Namespace) writeNamespaced(file string) error {
	config, err := clientcmd.LoadFromFile(n.config.Kubeconfig)
	if err != nil {
		return fmt.Errorf("read the cluster's kubeconfig: %w", err)
	}
	for _, context := range config.Contexts {
		context.Namespace = n.Name
	}
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("write a kubeconfig for namespace %s: %w", n.Name, err)
	}
	return nil
}
