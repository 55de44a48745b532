// Package printers writes results for people and for programs.
package printers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
)

// AuditFormat is how the report of an audit is printed.
type AuditFormat struct {
	name          string
	noHeaders     bool
	WithNamespace bool           // adds the column NAMESPACE
	FailOn        audit.Severity // from which a finding is a failure in JUnit
}

// AuditFormats returns the names of the formats; without one, it is a table.
func AuditFormats() []string { return []string{"wide", "json", "yaml", "junit", "html", "mermaid"} }

// ParseAuditFormat parses the name of a format.
func ParseAuditFormat(name string, noHeaders bool) (AuditFormat, error) {
	if name != "" && !slices.Contains(AuditFormats(), name) {
		return AuditFormat{}, fmt.Errorf("invalid output format %q: use one of %s", name, strings.Join(AuditFormats(), ", "))
	}
	return AuditFormat{name: name, noHeaders: noHeaders}, nil
}

// Human reports whether the format is a table.
func (f AuditFormat) Human() bool { return f.name == "" || f.name == "wide" }

// Print writes the report.
func (f AuditFormat) Print(r *audit.Report, w io.Writer) error {
	switch f.name {
	case "json", "yaml":
		return f.object(r, w)
	case "junit":
		return auditJUnit(r, f.FailOn, w)
	case "html":
		return auditHTML(r, time.Now(), w)
	case "mermaid":
		return auditMermaid(r, w)
	}
	return f.tables(r, w)
}

// object writes the report as one object.
func (f AuditFormat) object(r *audit.Report, w io.Writer) error {
	object := struct {
		APIVersion    string `json:"apiVersion"`
		Kind          string `json:"kind"`
		*audit.Report `json:",inline"`
	}{v1alpha1.APIVersion, "Audit", r}
	text, err := json.MarshalIndent(object, "", "    ")
	if err == nil && f.name == "yaml" {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err = fmt.Fprintln(w, strings.TrimSuffix(string(text), "\n"))
	return err
}

// tables writes who uses the servers, and the findings. Like kubectl, it leaves out the column NAMESPACE unless the
// user asked for all of them.
func (f AuditFormat) tables(r *audit.Report, w io.Writer) error {
	options := printers.PrintOptions{WithNamespace: f.WithNamespace, Wide: f.name == "wide", NoHeaders: f.noHeaders}
	uses, findings := auditUses(r, options.Wide), auditFindings(r)
	for i, table := range []*metav1.Table{uses, findings} {
		if len(table.Rows) == 0 {
			continue
		}
		if i == 1 && len(uses.Rows) > 0 {
			fmt.Fprintln(w)
		}
		if err := printers.NewTablePrinter(options).PrintObj(table, w); err != nil {
			return err
		}
	}
	return nil
}

// auditUses is a row for each use of a server. The sessions of the server itself are in the wide table only.
func auditUses(r *audit.Report, wide bool) *metav1.Table {
	table := auditTable("Workload", "Role", "Sessions", "Database")
	manyServers := len(r.Servers) > 1
	if manyServers {
		table = auditTable("Server", "Workload", "Role", "Sessions", "Database")
	}
	for _, name := range []string{"Owner", "Oldest", "Source", "Addresses", "Applications"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string", Priority: 1})
	}
	for _, a := range r.Accesses {
		if a.Source == audit.FromServer && !wide {
			continue
		}
		cells := []any{auditWorkload(a), auditRole(a), fmt.Sprint(a.Sessions), cmp.Or(a.Database, auditUnknown)}
		if manyServers {
			cells = slices.Insert(cells, 0, any(a.Server))
		}
		oldest := auditUnknown
		if !a.Oldest.IsZero() {
			oldest = duration.HumanDuration(time.Since(a.Oldest))
		}
		cells = append(cells, cmp.Or(a.Owner, auditNone), oldest, cmp.Or(a.Reason, string(a.Source)),
			cmp.Or(strings.Join(a.Addresses, ","), auditNone), cmp.Or(strings.Join(a.Applications, ","), auditNone))
		table.Rows = append(table.Rows, auditRow(a.Namespace, a.Workload, cells))
	}
	return table
}

// auditFindings is a row for each finding.
func auditFindings(r *audit.Report) *metav1.Table {
	names := []string{"Severity", "Code", "Object", "Finding", "Fix"}
	if len(r.Servers) > 1 {
		names = slices.Insert(names, 0, "Server")
	}
	table := auditTable(names...)
	table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: "Page", Type: "string", Priority: 1})
	for _, finding := range r.Findings {
		cells := []any{string(finding.Severity), string(finding.Code), finding.Object, finding.Message, finding.Fix, finding.Page}
		if len(r.Servers) > 1 {
			cells = slices.Insert(cells, 0, any(cmp.Or(finding.Server, auditNone)))
		}
		table.Rows = append(table.Rows, auditRow(finding.Namespace, finding.Object, cells))
	}
	return table
}

// The words of kubectl for values that are not there.
const (
	auditNone    = "<none>"
	auditUnknown = "<unknown>"
)

func auditWorkload(a audit.Access) string {
	switch a.Source {
	case audit.FromPooler:
		return a.Workload + " (pooler)"
	case audit.FromServer:
		return a.Workload + " (server)"
	}
	return a.Workload
}

func auditRole(a audit.Access) string {
	if a.Superuser {
		return a.Role + " (superuser)"
	}
	return cmp.Or(a.Role, auditUnknown)
}

func auditTable(names ...string) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range names {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	return table
}

// auditRow makes control characters visible: names of roles and applications come from the database.
func auditRow(namespace, name string, cells []any) metav1.TableRow {
	for i, cell := range cells {
		cells[i] = visibleLine(fmt.Sprint(cell))
	}
	return metav1.TableRow{Cells: cells, Object: runtime.RawExtension{
		Object: &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}},
	}}
}
