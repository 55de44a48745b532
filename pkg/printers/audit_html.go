package printers

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
)

//go:embed audit.html
var auditPage string

// auditHTML writes one page that needs neither a script nor another file.
func auditHTML(r *audit.Report, now time.Time, w io.Writer) error {
	page, err := template.New("audit").Funcs(template.FuncMap{
		"visible":  visibleLine,
		"workload": auditWorkload,
		"role":     auditRole,
		"or":       func(text, other string) string { return cmp.Or(text, other) },
		"join":     func(list []string) string { return strings.Join(list, ", ") },
		"count":    func(severity string) int { return r.Count(audit.Severity(severity)) },
		"time": func(t time.Time) string {
			if t.IsZero() {
				return "-"
			}
			return t.UTC().Format("2006-01-02 15:04 UTC")
		},
	}).Parse(auditPage)
	if err != nil {
		return fmt.Errorf("read the template of the page: %w", err)
	}
	return page.Execute(w, struct {
		*audit.Report
		Now time.Time
	}{r, now})
}
