//go:build e2e && browser

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestAuditPage_InABrowser opens the page of an audit in Chromium. The browser lays it out without sending a request, and what it shows has
// the workloads, the roles and the findings, and no secret.
func TestAuditPage_InABrowser(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE ROLE boss SUPERUSER LOGIN PASSWORD '" + formerPassword + "'")
	f.withLogin("boss")
	f.idle("web")
	f.bind("deployment/web", "--wait=false")
	page := f.run(f.Pgbind("audit", "-o", "html", "--read-secrets", "--fail-on=none"))
	require.Zero(t, page.Code, page.Stderr)
	dom := chromium(t, "--dump-dom", watched(t, page.Stdout))

	document, err := html.Parse(strings.NewReader(dom))
	require.NoError(t, err)
	shown := textOf(document)
	for _, text := range []string{"deployment/postgresql-application", "boss", "SuperuserWorkload", f.login(firstSecret).Username} {
		assert.Contains(t, shown, text)
	}
	assert.NotContains(t, dom, formerPassword)
	f.requireNoPassword(dom)
	assert.Contains(t, dom, `<pre id="requested">[]</pre>`, "the page requests nothing")
	assert.Contains(t, dom, `<pre id="broken">[]</pre>`, "no word is broken")
	control := chromium(
		t,
		"--dump-dom",
		watched(t, strings.Replace(page.Stdout, "<header>", `<header><img src="http://127.0.0.1:9/logo.png">`, 1)),
	)
	assert.Contains(t, control, `<pre id="requested">["http://127.0.0.1:9/logo.png"]</pre>`, "the browser reports what a page requests")
	if os.Getenv("PGBIND_DRAW_PICTURES") != "" {
		picture, err := filepath.Abs(filepath.Join("..", "docs", "audit.png"))
		require.NoError(t, err)
		chromium(t, "--screenshot="+picture, "--window-size=1500,1000", "--hide-scrollbars", written(t, page.Stdout))
	}
}

// chromium runs the browser without a window and without a network, and returns what it prints.
func chromium(t *testing.T, args ...string) string {
	t.Helper()
	always := []string{
		"--headless=new",
		"--no-sandbox",
		"--disable-gpu",
		"--no-first-run",
		"--disable-background-networking",
		"--disable-component-update",
		"--user-data-dir=" + t.TempDir(),
		"--proxy-server=127.0.0.1:9",
		"--virtual-time-budget=3000",
	}
	command := exec.CommandContext(t.Context(), "chromium", append(always, args...)...) //nolint:gosec // the browser of the test
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	return string(output)
}

// textOf returns the text of a document without its styles.
func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data + " "
	}
	text := &strings.Builder{}
	for child := range n.ChildNodes() {
		if child.Data != "style" && child.Data != "script" {
			text.WriteString(textOf(child))
		}
	}
	return text.String()
}

// watched writes a page that lists what it requested and which cells break a word, and returns its address.
func watched(t *testing.T, page string) string {
	t.Helper()
	const script = `<script>addEventListener('load', () => {
		const list = document.createElement('pre');
		list.id = 'requested';
		list.textContent = JSON.stringify(performance.getEntriesByType('resource').map(e => e.name));
		document.body.append(list);
		// A word that is broken has more lines than its cell has words.
		const lines = e => { const r = document.createRange(); r.selectNodeContents(e); return r.getClientRects().length; };
		const broken = document.createElement('pre');
		broken.id = 'broken';
		broken.textContent = JSON.stringify([...document.querySelectorAll('thead th, tbody td:not(:has(code))')]
			.filter(e => lines(e) > e.textContent.trim().split(/[\s-]+/).length).map(e => e.textContent));
		document.body.append(broken);
	})</script>`
	require.Contains(t, page, "<head>")
	return written(t, strings.Replace(page, "<head>", "<head>"+script, 1))
}

// written writes a page to a file and returns its address.
func written(t *testing.T, page string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "audit.html")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o600))
	return "file://" + file
}
