package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

const auditLog = "/var/log/kubernetes/audit.log"

//go:embed config/kind.yaml.tmpl
var kindTemplate string

//go:embed config/audit-policy.yaml
var auditPolicy []byte

// kindValues fills config/kind.yaml.tmpl.
type kindValues struct {
	Image       string
	Built       bool
	AuditPolicy string
	AuditLog    string
	CgroupV1    bool
}

// writeKindConfig writes kind's configuration and the audit policy that it mounts, and returns the former's path.
func (w *workspace) writeKindConfig(ctx context.Context, chosen node) (string, error) {
	policy := filepath.Join(w.state(), "audit-policy.yaml")
	if err := os.WriteFile(policy, auditPolicy, 0o600); err != nil {
		return "", fmt.Errorf("writing the audit policy: %w", err)
	}
	cgroups, err := w.output(ctx, "docker", "info", "--format", "{{.CgroupVersion}}")
	if err != nil {
		return "", err
	}
	values := kindValues{Image: chosen.image, Built: chosen.built, AuditPolicy: policy, AuditLog: auditLog, CgroupV1: cgroups == "1"}
	config, err := renderKindConfig(values)
	if err != nil {
		return "", err
	}
	path := filepath.Join(w.state(), "kind.yaml")
	return path, os.WriteFile(path, []byte(config), 0o600)
}

func renderKindConfig(values kindValues) (string, error) {
	parsed, err := template.New("kind").Parse(kindTemplate)
	if err != nil {
		return "", fmt.Errorf("parsing kind's configuration: %w", err)
	}
	var config strings.Builder
	if err := parsed.Execute(&config, values); err != nil {
		return "", fmt.Errorf("rendering kind's configuration: %w", err)
	}
	return config.String(), nil
}
