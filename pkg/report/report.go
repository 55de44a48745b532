// Package report is how the packages that do something tell the user about it.
package report

import (
	"fmt"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// Reporter tells the user what happens. It is safe for concurrent use.
type Reporter interface {
	// Done reports a result: an object as kubectl names it, and what became of it.
	Done(object, verb string)
	// Step reports progress.
	Step(format string, args ...any)
	// Detail reports what a user sees only on request: the SQL that ran, and what is true of every binding.
	Detail(format string, args ...any)
	// Warn reports what the user should know although the command continues.
	Warn(format string, args ...any)
	// Show prints a text that was asked for: a patch or a plan.
	Show(text string)
}

// Number returns "1 session" or "2 sessions".
func Number(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Login reports how far the login of a role was verified, and whether the role is on the synchronous standbys.
func Login(to Reporter, role string, r *postgres.Result) {
	switch r.Replication {
	case postgres.ReplicationLate:
		to.Warn("role %s is not on a synchronous standby yet: a failover before the standby follows again loses it", role)
	case postgres.ReplicationUnknown:
		to.Warn("it is unknown whether role %s is on a synchronous standby: the administrator is not a member of pg_read_all_stats", role)
	}
	if r.Standby {
		to.Warn("%s leads to a standby now, which takes no writes: name the primary's Service with --host", r.Reached)
	}
	switch {
	case !r.Verified:
		to.Warn("the password is not verified: the server trusts connections to %s without asking for it (see pg_hba.conf)", r.Reached)
	case r.Refused != "":
		to.Warn(
			"the password is verified at the server, not through %s, which refuses it (%s): add role %q to the pooler",
			r.Host, r.Refused, role,
		)
	case r.Reached != r.Host:
		to.Warn(
			"the password is verified at the server (%s), not through %s, which does not answer from the database Pod",
			r.Reached, r.Host,
		)
	default:
		to.Step("login as %s over %s verified", role, r.Reached)
	}
}

// Transfer reports what changed its owner, and what did not.
func Transfer(r Reporter, from, to string, s *postgres.TransferResult) {
	if s == nil {
		return
	}
	for _, statement := range s.Did {
		r.Detail("%s", statement)
	}
	if len(s.Did) > 0 {
		r.Step("%d privileges and objects of role %q went to role %q", len(s.Did), from, to)
	}
	for _, u := range s.Unfinished {
		r.Warn("%s", u)
	}
	for _, k := range s.Kept {
		r.Warn("%s still belongs to role %q: %s", k.Object, from, k.Reason)
	}
	if len(s.Sharers) > 0 {
		r.Warn(
			"role %q gets no objects of role %s, because %s share it and can have prepared code in them", to, from,
			strings.Join(s.Sharers, ", "),
		)
	}
}
