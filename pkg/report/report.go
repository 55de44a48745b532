// Package report is how the packages that do something tell the user about it.
package report

import "github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"

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

// Login tells how far the login of a role was verified.
func Login(to Reporter, role string, r *postgres.Result) {
	switch {
	case !r.Verified:
		to.Warn("the password is not verified: the server trusts connections to %s without asking for it (see pg_hba.conf)", r.Reached)
	case r.Refused != "":
		to.Warn("the password is verified at the server, not through %s, which refuses it (%s): add role %q to the pooler", r.Host, r.Refused, role)
	case r.Reached != r.Host:
		to.Warn("the password is verified at the server (%s), not through %s, which does not answer from the database Pod", r.Reached, r.Host)
	default:
		to.Step("login as %s over %s verified", role, r.Reached)
	}
}
