package printers

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
)

// The elements of a JUnit report.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Name    string       `xml:"name,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// auditJUnit writes a suite for each server, with a case for each finding, and one that passed for each code without a finding. A finding fails from the
// severity on; without one, from warning on.
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
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(report); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err := fmt.Fprintln(w)
	return err
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
			c := junitCase{Class: string(code), Name: auditVisible(f.Object)}
			text := auditVisible(f.Message) + "\nfix: " + auditVisible(f.Fix) + "\nsee " + f.Page
			if c.Output = text; f.Severity.AtLeast(failOn) {
				c.Output, c.Failure = "", &junitFailure{Type: string(f.Severity), Message: auditVisible(f.Message), Text: text}
				suite.Failures++
			}
			suite.Cases = append(suite.Cases, c)
		}
		if passed && server != "" {
			suite.Cases = append(suite.Cases, junitCase{Class: string(code), Name: "no finding"})
		}
	}
	suite.Tests = len(suite.Cases)
	return suite
}
