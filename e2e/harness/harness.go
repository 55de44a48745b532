// Package harness runs the built plugin through kubectl on a real cluster, and creates and reads the objects that it needs.
// The demo and the end-to-end tests use it. Every function takes a context, and no wait is without a limit.
package harness

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Harness is a cluster, and an environment in which kubectl finds the built plugin and no other program.
type Harness struct {
	// Client uses the permissions of the kubeconfig.
	Client kubernetes.Interface
	// REST is the configuration of that client.
	REST *rest.Config

	config Config
	server string       // the API server's URL
	web    *http.Client // sends requests to the API server with the permissions of the kubeconfig
	path   string       // the PATH of every child process: one folder that contains only the plugin
	home   string
}

// New creates folders for PATH and HOME of the child processes in dir, which the caller removes, and a client for the cluster.
func New(config Config, dir string) (*Harness, error) {
	restConfig, err := clientcmd.BuildConfigFromFlags("", config.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", config.Kubeconfig, err)
	}
	restConfig.QPS, restConfig.Burst = 50, 100
	client, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return nil, fmt.Errorf("make a client from the kubeconfig %s: %w", config.Kubeconfig, err)
	}
	web, err := rest.HTTPClientFor(restConfig)
	if err != nil {
		return nil, fmt.Errorf("make an HTTP client from the kubeconfig %s: %w", config.Kubeconfig, err)
	}
	h := &Harness{
		Client: client, REST: restConfig, config: config, server: restConfig.Host, web: web,
		path: filepath.Join(dir, "bin"), home: filepath.Join(dir, "home"),
	}
	return h, h.makeFolders()
}

// makeFolders creates the folder of PATH, with the plugin in it, and HOME.
func (h *Harness) makeFolders() error {
	for _, folder := range []string{h.path, h.home} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return fmt.Errorf("make the tests' folders: %w", err)
		}
	}
	if err := os.Symlink(h.config.Plugin, filepath.Join(h.path, "kubectl-pgbind")); err != nil {
		return fmt.Errorf("put the plugin on the tests' PATH: %w", err)
	}
	return nil
}

// Install adds a program of this name to the PATH of the child processes.
func (h *Harness) Install(name string, program []byte) error {
	if err := os.WriteFile(filepath.Join(h.path, name), program, 0o700); err != nil { //nolint:gosec // a program has to be executable
		return fmt.Errorf("put %s on the tests' PATH: %w", name, err)
	}
	return nil
}
