package harness

import (
	"fmt"
	"os"
	"path/filepath"
)

// Config names the cluster and the programs that are tested. It has no default from the user's own settings.
type Config struct {
	Kubeconfig string // the cluster's
	Kubectl    string // the program
	Plugin     string // the built kubectl-pgbind
	Postgres   string // the version of the lesson's server; empty: the one in its manifest
	OldPlugin  string // a kubectl-pgbind of an earlier version; only tests of an upgrade need it
	Tools      string // the folder with the tools that manage workloads; only tests of these tools need it
}

// ConfigFromEnv reads PGBIND_E2E_KUBECONFIG, PGBIND_E2E_KUBECTL and PGBIND_E2E_PLUGIN. Each must name a file by its
// absolute path; the error says which one does not. PGBIND_E2E_POSTGRES may name another version of the lesson's server, and
// PGBIND_E2E_OLD_PLUGIN a plugin of an earlier version, and PGBIND_E2E_TOOLS the folder that make tools fills.
func ConfigFromEnv() (Config, error) {
	config := Config{
		Postgres:  os.Getenv("PGBIND_E2E_POSTGRES"),
		OldPlugin: os.Getenv("PGBIND_E2E_OLD_PLUGIN"),
		Tools:     os.Getenv("PGBIND_E2E_TOOLS"),
	}
	for name, path := range map[string]*string{
		"PGBIND_E2E_KUBECONFIG": &config.Kubeconfig,
		"PGBIND_E2E_KUBECTL":    &config.Kubectl,
		"PGBIND_E2E_PLUGIN":     &config.Plugin,
	} {
		*path = os.Getenv(name)
		if !filepath.IsAbs(*path) {
			return Config{}, fmt.Errorf("%s is %q: set it to an absolute path, as make e2e does", name, *path)
		}
		if _, err := os.Stat(*path); err != nil {
			return Config{}, fmt.Errorf("%s names no file: %w", name, err)
		}
	}
	return config, nil
}
