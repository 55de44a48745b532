package printers

import (
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
)

// evil is a name that an application can give to a role.
const evil = "<script>alert(1)</script>\"'&|#`\x1b[2J\u202e"

func testReport() *audit.Report {
	return &audit.Report{
		Servers: []audit.Server{{Name: "data/statefulset/pg", Pod: "pg-0", Namespace: "data", Version: "15.4", Superuser: true,
			Roles: []audit.Role{{Name: evil, Password: "scram", Sessions: 5}, {Name: "postgres", Superuser: true}}}},
		Accesses: []audit.Access{
			{
				Server:       "data/statefulset/pg",
				Source:       audit.FromWorkload,
				Namespace:    "shop",
				Workload:     "deployment/forgejo",
				Role:         "postgres",
				Superuser:    true,
				Database:     "forgejo",
				Sessions:     5,
				Oldest:       time.Now().Add(-time.Hour),
				Addresses:    []string{"10.0.0.1"},
				Applications: []string{evil},
			},
			{
				Server:    "data/statefulset/pg",
				Source:    audit.FromPooler,
				Namespace: "data",
				Workload:  "deployment/pooler",
				Role:      evil,
				Database:  "shop",
				Sessions:  1,
			},
			{
				Server:    "data/statefulset/pg",
				Source:    audit.FromWorkload,
				Namespace: "shop",
				Workload:  "cronjob/report",
				Reason:    "names host pg.data",
			},
			{
				Server:    "data/statefulset/pg",
				Source:    audit.FromServer,
				Namespace: "data",
				Workload:  "pod/pg-0",
				Role:      "postgres",
				Sessions:  1,
			},
		},
		Findings: []audit.Finding{
			{
				Server:    "data/statefulset/pg",
				Code:      audit.SuperuserWorkload,
				Severity:  audit.Critical,
				Namespace: "shop",
				Object:    "deployment/forgejo",
				Message:   "5 sessions",
				Fix:       "kubectl pgbind deployment/forgejo",
				Page:      audit.SuperuserWorkload.Page(),
			},
			{
				Server:   "data/statefulset/pg",
				Code:     audit.UnusedRole,
				Severity: audit.Info,
				Object:   "role/" + evil,
				Message:  evil,
				Fix:      evil,
				Page:     audit.UnusedRole.Page(),
			},
			{Code: audit.NotSeen, Severity: audit.Info, Object: "cluster", Message: "nodes cannot be listed"},
		},
	}
}

func printedAudit(t *testing.T, name string, change func(*AuditFormat)) string {
	t.Helper()
	format, err := ParseAuditFormat(name, false)
	require.NoError(t, err)
	format.FailOn = audit.Warning
	if change != nil {
		change(&format)
	}
	text := &strings.Builder{}
	require.NoError(t, format.Print(testReport(), text))
	assert.NotContains(t, text.String(), "\x1b", "no control character")
	return text.String()
}

func TestAuditTable(t *testing.T) {
	text := printedAudit(t, "", nil)
	assert.Regexp(t, `(?m)^WORKLOAD +ROLE +SESSIONS +DATABASE *$`, text)
	assert.Regexp(t, `(?m)^deployment/forgejo +postgres \(superuser\) +5 +forgejo *$`, text)
	assert.Regexp(t, `(?m)^deployment/pooler \(pooler\) `, text)
	assert.Regexp(t, `(?m)^cronjob/report +<unknown> +0 +<unknown> *$`, text)
	assert.Regexp(t, `(?m)^SEVERITY +CODE +OBJECT +FINDING +FIX *$`, text)
	assert.Regexp(t, `(?m)^critical +SuperuserWorkload +deployment/forgejo +5 sessions +kubectl pgbind deployment/forgejo *$`, text)
	assert.NotContains(t, text, "pod/pg-0")
	wide := printedAudit(t, "wide", nil)
	assert.Contains(t, wide, "pod/pg-0 (server)")
	assert.Contains(t, wide, "docs/findings.md#audit-superuserworkload")
	assert.Contains(t, wide, "10.0.0.1")
	assert.Contains(t, printedAudit(t, "", func(f *AuditFormat) { f.WithNamespace = true }), "NAMESPACE")
	assert.NotContains(t, printedAudit(t, "", func(f *AuditFormat) { f.noHeaders = true }), "SEVERITY")
	_, err := ParseAuditFormat("xml", false)
	require.ErrorContains(t, err, `invalid output format "xml"`)
}

func TestAuditObject(t *testing.T) {
	format, err := ParseAuditFormat("json", false)
	require.NoError(t, err)
	text := &strings.Builder{}
	require.NoError(t, format.Print(testReport(), text))
	var object struct {
		APIVersion, Kind string
		Accesses         []audit.Access
		Findings         []audit.Finding
		Servers          []audit.Server
	}
	require.NoError(t, json.Unmarshal([]byte(text.String()), &object))
	assert.Equal(t, "Audit", object.Kind)
	assert.Equal(t, testReport().Findings, object.Findings)
	assert.Len(t, object.Accesses, 4)
	var fromYAML map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(printedAudit(t, "yaml", nil)), &fromYAML))
	assert.Equal(t, "Audit", fromYAML["kind"])
}

func TestAuditJUnit(t *testing.T) {
	var report junitSuites
	require.NoError(t, xml.Unmarshal([]byte(printedAudit(t, "junit", nil)), &report))
	require.Len(t, report.Suites, 2)
	suite := report.Suites[0]
	assert.Equal(t, "data/statefulset/pg", suite.Name)
	assert.Equal(t, len(audit.Codes()), suite.Tests)
	assert.Equal(t, 1, suite.Failures)
	for _, c := range suite.Cases {
		assert.Equal(t, c.Class == string(audit.SuperuserWorkload), c.Failure != nil, c.Class)
	}
	assert.Equal(t, "cluster", report.Suites[1].Name)
	require.NoError(t, xml.Unmarshal([]byte(printedAudit(t, "junit", func(f *AuditFormat) { f.FailOn = audit.Info })), &report))
	assert.Equal(t, 2, report.Suites[len(report.Suites)-2].Failures)
}

func TestAuditMermaid(t *testing.T) {
	text := printedAudit(t, "mermaid", nil)
	assert.True(t, strings.HasPrefix(text, "flowchart LR\n"))
	assert.Contains(t, text, `["deployment/forgejo in shop"]`)
	assert.Contains(t, text, `==>|"postgres (superuser), 5 sessions"|`)
	assert.Contains(t, text, `-.->|"#60;unknown#62;, 0 sessions"|`)
	for line := range strings.Lines(strings.TrimPrefix(text, "flowchart LR\n")) {
		assert.Regexp(t, `^  n\d+(\["[A-Za-z0-9 ._/:,()#;-]+"\]| (-->|==>|-\.->)\|"[A-Za-z0-9 ._/:,()#;-]+"\| n\d+)\n$`, line)
	}
}

// TestAuditHTML reads the page as a browser does: whole, without a script and without a request, and with the structure that a screen reader needs.
func TestAuditHTML(t *testing.T) {
	text := printedAudit(t, "html", nil)
	root, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	count := map[string]int{}
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			assert.NotContains(t, []string{"src", "href", "onclick", "onload", "style"}, a.Key, "the page is one file without script")
			if a.Key == "id" {
				assert.False(t, ids[a.Val], "id %s is there twice", a.Val)
				ids[a.Val] = true
			}
		}
		switch n.Data {
		case "html":
			assert.Equal(t, "en", attribute(n, "lang"))
		case "th":
			assert.Contains(t, []string{"col", "row"}, attribute(n, "scope"))
		case "table":
			assert.Equal(t, "caption", firstElement(n).Data)
		case "tr":
			assert.NotEqual(t, "table", n.Parent.Data)
		}
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "aria-labelledby") != "" {
			assert.True(t, ids[attribute(n, "aria-labelledby")])
		}
	}
	for element, want := range map[string]int{"script": 0, "link": 0, "img": 0, "iframe": 0, "title": 1, "h1": 1, "main": 1, "table": 3, "thead": 3, "h2": 3, "style": 1} {
		assert.Equal(t, want, count[element], element)
	}
	assert.NotContains(t, text, "@import")
	assert.NotContains(t, text, "url(")
	assert.NotContains(t, text, "<script")
	assert.Contains(t, text, "&lt;script&gt;")
	assert.Contains(t, text, "prefers-color-scheme: dark")
	assert.NotContains(t, text, "ZgotmplZ")
}

// TestAuditHTML_HasContrast: text differs from its background by at least 4.5 to 1, in light and dark.
func TestAuditHTML_HasContrast(t *testing.T) {
	schemes := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(auditPage, -1)
	require.Len(t, schemes, 2)
	for _, scheme := range schemes {
		colors := map[string]string{}
		for _, pair := range regexp.MustCompile(`--(\w+): (#[0-9a-f]{6});`).FindAllStringSubmatch(scheme[1], -1) {
			colors[pair[1]] = pair[2]
		}
		require.Len(t, colors, 8)
		for _, text := range []string{"text", "soft", "critical", "warning", "info"} {
			assert.GreaterOrEqual(t, contrast(t, colors[text], colors["back"]), 4.5, text)
		}
		assert.GreaterOrEqual(t, contrast(t, colors["text"], colors["head"]), 4.5)
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func firstElement(n *html.Node) *html.Node {
	for child := range n.ChildNodes() {
		if child.Type == html.ElementNode {
			return child
		}
	}
	return &html.Node{}
}
