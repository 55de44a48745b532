// Package check verifies bindings: that the login works, and that the role, the Secret and the workload match. It reads from the
// API server and from the databases and changes nothing. Pure functions turn what it read into findings.
package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Reason names in one word what is wrong.
type Reason string

// The reasons, the worst first: the application cannot log in or can become another role; an object is missing or does not match, or a
// reference is hidden or will be removed;
// privileges are missing or excessive; something is left over; something could not be verified.
const (
	LoginFailed       Reason = "LoginFailed"
	Escalation        Reason = "Escalation"
	Shadow            Reason = "Shadow"
	NoDatabase        Reason = "NoDatabase"
	NoRole            Reason = "NoRole"
	ForeignRole       Reason = "ForeignRole"
	NoSecret          Reason = "NoSecret"
	BadSecret         Reason = "BadSecret"
	Unreferenced      Reason = "Unreferenced"
	Hidden            Reason = "Hidden"
	NotLasting        Reason = "NotLasting"
	StalePods         Reason = "StalePods"
	TooFewConnections Reason = "TooFewConnections"
	NoSchema          Reason = "NoSchema"
	NoExtension       Reason = "NoExtension"
	Lacks             Reason = "Lacks"
	Exceeds           Reason = "Exceeds"
	Recreated         Reason = "Recreated"
	Mismatch          Reason = "Mismatch"
	Overcommitted     Reason = "Overcommitted"
	Expired           Reason = "Expired"
	OrphanedSecret    Reason = "OrphanedSecret"
	OrphanedRole      Reason = "OrphanedRole"
	Unfinished        Reason = "Unfinished"
	Leftover          Reason = "Leftover"
	NotVerified       Reason = "NotVerified"
	Unknown           Reason = "Unknown"
	SharedCode        Reason = "SharedCode"
	OK                Reason = "OK"
)

// worstFirst returns the reasons in the order in which they are printed.
func worstFirst() []Reason {
	return []Reason{
		LoginFailed,
		Escalation,
		Shadow,
		NoDatabase,
		NoRole,
		ForeignRole,
		NoSecret,
		BadSecret,
		Unreferenced,
		Hidden,
		NotLasting,
		StalePods,
		TooFewConnections,
		NoSchema,
		NoExtension,
		Lacks,
		Exceeds,
		Recreated,
		Mismatch,
		Overcommitted,
		Expired,
		OrphanedSecret,
		OrphanedRole,
		Unfinished,
		Leftover,
		NotVerified,
		Unknown,
		SharedCode,
		OK,
	}
}

// Finding is one result for one binding or role.
type Finding struct {
	Reason    Reason
	Namespace string
	Workload  string // empty for a role whose workload is unknown
	Secret    string
	Role      string
	Message   string
	Fix       Fix
	ID        string // of the binding, which its Secret and its roles name

	// Server and Owner are set for an orphaned role: its server, and what its comment says.
	Server server.Ref
	Owner  postgres.Owner
}

// sorted sorts the findings, the worst first.
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
