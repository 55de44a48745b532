package printers

import (
	"encoding/xml"
	"fmt"
	"io"
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

// junitFinding is what a case tells of a finding.
type junitFinding struct{ code, kind, object, message, fix, page string }

// add adds a case for a finding, which fails or is only reported.
func (s *junitSuite) add(f junitFinding, fails bool) {
	text := visibleLine(f.message)
	if f.fix != "" {
		text += "\nfix: " + visibleLine(f.fix)
	}
	if f.page != "" {
		text += "\nsee " + f.page
	}
	c := junitCase{Class: f.code, Name: visibleLine(f.object), Output: text}
	if fails {
		c.Output, c.Failure = "", &junitFailure{Type: f.kind, Message: visibleLine(f.message), Text: text}
		s.Failures++
	}
	s.append(c)
}

// pass adds a case for a code without a finding.
func (s *junitSuite) pass(code string) { s.append(junitCase{Class: code, Name: "no finding"}) }

func (s *junitSuite) append(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests = len(s.Cases)
}

// write writes the report.
func (r junitSuites) write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err := fmt.Fprintln(w)
	return err
}
