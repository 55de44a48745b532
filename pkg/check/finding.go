// Package check tells whether bindings are still true: whether the login works, and whether the role, the Secret and the workload
// agree. It reads from the API server and from the databases, and changes nothing. What it finds is judged by pure functions.
package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// Reason says in one word what was found.
type Reason string

// The reasons. The first say that the application cannot log in, or may become another role, the next that more or less is there than should be.
const (
	LoginFailed    Reason = "LoginFailed"
	Escalation     Reason = "Escalation"
	Shadow         Reason = "Shadow"
	NoRole         Reason = "NoRole"
	ForeignRole    Reason = "ForeignRole"
	NoSecret       Reason = "NoSecret"
	BadSecret      Reason = "BadSecret"
	Unreferenced   Reason = "Unreferenced"
	StalePods      Reason = "StalePods"
	Lacks          Reason = "Lacks"
	Exceeds        Reason = "Exceeds"
	Disagrees      Reason = "Disagrees"
	Expired        Reason = "Expired"
	OrphanedSecret Reason = "OrphanedSecret"
	OrphanedRole   Reason = "OrphanedRole"
	Unfinished     Reason = "Unfinished"
	Leftover       Reason = "Leftover"
	NotVerified    Reason = "NotVerified"
	Unknown        Reason = "Unknown"
	SharedCode     Reason = "SharedCode"
	OK             Reason = "OK"
)

// worstFirst is the order of the reasons.
func worstFirst() []Reason {
	return []Reason{
		LoginFailed, Escalation, Shadow, NoRole, ForeignRole, NoSecret, BadSecret, Unreferenced, StalePods, Lacks, Exceeds, Disagrees,
		Expired, OrphanedSecret, OrphanedRole, Unfinished, Leftover, NotVerified, Unknown, SharedCode, OK,
	}
}

// Finding is one thing that was found about one binding.
type Finding struct {
	Reason    Reason
	Namespace string
	Workload  string // empty for a role of which no more is known
	Secret    string
	Role      string
	Message   string
	Mend      string // the command that mends it; empty where there is nothing to mend

	// Server and Owner tell of an orphaned role where it is and what its comment says.
	Server target.Ref
	Owner  postgres.Owner
}

// sorted returns the findings, the worst first.
func sorted(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(worstFirst(), a.Reason), slices.Index(worstFirst(), b.Reason)),
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Workload, b.Workload),
			strings.Compare(a.Secret, b.Secret), strings.Compare(a.Role, b.Role),
		)
	})
	return findings
}
