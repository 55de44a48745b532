package printers

import (
	"io"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
)

// auditJUnit writes a suite for each server, with a case for each finding, and one that passed for each code without a
// finding. A finding fails from the severity on; without one, from warning on.
func auditJUnit(r *audit.Report, failOn audit.Severity, w io.Writer) error {
	if failOn == audit.None {
		failOn = audit.Warning
	}
	report := junitSuites{Name: "kubectl pgbind audit"}
	names := make([]string, 0, len(r.Servers)+1)
	for _, s := range r.Servers {
		names = append(names, s.Name)
	}
	for _, name := range append(names, "") {
		if suite := junitOf(r, name, failOn); len(suite.Cases) > 0 {
			report.Suites = append(report.Suites, suite)
		}
	}
	return report.write(w)
}

// junitOf is the suite of one server; without a name, of the cluster, where only gaps are reported.
func junitOf(r *audit.Report, server string, failOn audit.Severity) junitSuite {
	suite := junitSuite{Name: server}
	if server == "" {
		suite.Name = "cluster"
	}
	for _, code := range audit.Codes() {
		passed := true
		for _, f := range r.Findings {
			if f.Code != code || f.Server != server {
				continue
			}
			passed = false
			suite.add(junitFinding{string(code), string(f.Severity), f.Object, f.Message, f.Fix, f.Page}, f.Severity.AtLeast(failOn))
		}
		if passed && server != "" {
			suite.pass(string(code))
		}
	}
	return suite
}
