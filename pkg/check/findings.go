package check

import "slices"

// Findings are the result of a check.
type Findings []Finding

// Healthy reports whether every finding is OK. Shared code is PostgreSQL's own rule, and not a fault.
func (f Findings) Healthy() bool {
	for _, finding := range f {
		if finding.Reason != OK && finding.Reason != SharedCode {
			return false
		}
	}
	return true
}

// Only returns the findings with one of the reasons.
func (f Findings) Only(reasons ...Reason) Findings {
	return slices.DeleteFunc(slices.Clone(f), func(finding Finding) bool { return !slices.Contains(reasons, finding.Reason) })
}
