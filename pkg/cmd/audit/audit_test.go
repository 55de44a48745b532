package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command/commandtest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

func TestFlags_BecomeOptions(t *testing.T) {
	for line, want := range map[string]func(o *audit.Options){
		"":                  func(*audit.Options) {},
		"-A":                func(o *audit.Options) { o.Namespace = "" },
		"--read-secrets":    func(o *audit.Options) { o.ReadSecrets = true },
		"--postgres svc/pg": func(o *audit.Options) { o.Ref = &server.Ref{Kind: "service", Name: "pg", Namespace: "shop"} },
		"--admin-user boss": func(o *audit.Options) { o.AdminFlags = []string{"--admin-user", "boss"} },
		"--postgres-container db": func(o *audit.Options) {
			o.Container, o.AdminFlags = "db", []string{"--postgres-container", "db"}
		},
		"-A --postgres pod/pg-0": func(o *audit.Options) {
			o.Namespace, o.Ref = "", &server.Ref{Kind: "pod", Name: "pg-0", Namespace: "shop"}
		},
		"--postgres pod/pg-0 --postgres-namespace data --admin-password-from secret/a:b": func(o *audit.Options) {
			o.Ref, o.AdminFlags = &server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}, []string{"--admin-password-from", "secret/a:b"}
		},
		"--postgres pod/pg-0 --admin-password-from stdin": func(o *audit.Options) {
			o.Ref = &server.Ref{Kind: "pod", Name: "pg-0", Namespace: "shop"}
		},
	} {
		o, err := commandtest.Try(t, newCommand, line)
		require.NoError(t, err, line)
		expected := audit.Options{Namespace: "shop"}
		want(&expected)
		assert.Equal(t, expected, o.audit, line)
	}
	for line, want := range map[string]audit.Severity{"": audit.Critical, "--fail-on none": audit.None} {
		o, err := commandtest.Try(t, newCommand, line)
		require.NoError(t, err, line)
		assert.Equal(t, want, o.fail, line)
	}
	o, err := commandtest.Try(t, newCommand, "--admin-user boss")
	require.NoError(t, err)
	assert.Equal(t, "boss", o.server.AdminUser())
}

func TestFlags_AreRefused(t *testing.T) {
	for line, message := range map[string]string{
		"--fail-on bad":               "read --fail-on",
		"-o xml":                      "invalid output format",
		"--postgres a/b/c":            "invalid database",
		"--postgres-namespace data":   "--postgres-namespace needs --postgres",
		"--admin-password-from stdin": "--admin-password-from needs --postgres",
		"--postgres pod/x --admin-password-from cleartext": "--admin-password-from: ",
		"--postgres pod/x --fail-on=high":                  "use critical, warning, info or none",
		"--postgres job/x --output=":                       "use pod/NAME",
	} {
		_, err := commandtest.Try(t, newCommand, line)
		require.ErrorContains(t, err, message, line)
		assert.NotContains(t, err.Error(), "cleartext")
	}
}

// TestEveryCodeHasASection: the section that a finding names exists and explains it.
func TestEveryCodeHasASection(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "findings.md"))
	require.NoError(t, err)
	for _, code := range audit.Codes() {
		_, section, found := strings.Cut(string(page), "\n### audit "+string(code)+"\n")
		require.True(t, found, code)
		section, _, _ = strings.Cut(section, "\n### ")
		assert.Contains(t, section, "\nFix: ", code)
		assert.Equal(t, "docs/findings.md#audit-"+strings.ToLower(string(code)), code.Page())
	}
}
