package printers

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
)

// auditMermaid writes a flowchart: workloads on the left, databases on the right, roles on the edges. A superuser's
// edge is thick, and one without a session is dotted.
func auditMermaid(r *audit.Report, w io.Writer) error {
	text := &strings.Builder{}
	text.WriteString("flowchart LR\n")
	nodes := map[string]string{}
	node := func(key, label string) string {
		if id, known := nodes[key]; known {
			return id
		}
		nodes[key] = fmt.Sprintf("n%d", len(nodes))
		fmt.Fprintf(text, "  %s[\"%s\"]\n", nodes[key], mermaidText(label))
		return nodes[key]
	}
	for _, a := range r.Accesses {
		if a.Source == audit.FromServer {
			continue
		}
		label := auditWorkload(a)
		if a.Namespace != "" {
			label += " in " + a.Namespace
		}
		from := node("workload "+label, label)
		to := node("database "+a.Server+" "+a.Database, cmp.Or(a.Database, "unknown database")+" on "+a.Server)
		arrow, role := "-->", auditRole(a)
		if a.Superuser {
			arrow = "==>"
		}
		if a.Sessions == 0 {
			arrow = "-.->"
		}
		sessions := "1 session"
		if a.Sessions != 1 {
			sessions = report.Number(a.Sessions, "session")
		}
		fmt.Fprintf(text, "  %s %s|\"%s\"| %s\n", from, arrow, mermaidText(role+", "+sessions), to)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// mermaidText writes everything that can mean something to Mermaid, or to HTML, as the code of the character.
func mermaidText(text string) string {
	out := &strings.Builder{}
	for _, r := range visibleLine(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" ._-/:,()", r):
			out.WriteRune(r)
		default:
			fmt.Fprintf(out, "#%d;", r)
		}
	}
	return out.String()
}
