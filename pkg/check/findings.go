package check

import "slices"

// Findings are the result of a check.
type Findings []Finding

// Healthy reports whether every finding is OK. Shared code is PostgreSQL's own rule, and not a fault.
func (f Findings) Healthy() bool {
	return len(f.Faults()) == 0
}

// Faults returns the findings that are not healthy.
func (f Findings) Faults() Findings {
	return slices.DeleteFunc(slices.Clone(f), func(finding Finding) bool { return finding.Reason == OK || finding.Reason == SharedCode })
}

// Only returns the findings with one of the reasons.
func (f Findings) Only(reasons ...Reason) Findings {
	return slices.DeleteFunc(slices.Clone(f), func(finding Finding) bool { return !slices.Contains(reasons, finding.Reason) })
}
