package check

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// judge tells what is wrong with a binding; the one finding OK says that nothing is.
func (f *facts) judge() []Finding {
	var found []Finding
	for _, rule := range []func() []Finding{f.judgeLife, f.judgeSecret, f.judgeWorkload, f.judgeRole, f.judgeLogin, f.judgePrivileges} {
		found = append(found, rule()...)
	}
	if len(found) == 0 {
		found = append(found, f.finding(OK, "the login works and everything agrees", ""))
	}
	return append(found, f.sharedCode()...)
}

// finding is one about this binding.
func (f *facts) finding(reason Reason, message, mend string) Finding {
	b := f.binding
	return Finding{Reason: reason, Namespace: b.Namespace, Workload: b.Marks.Workload, Secret: b.SecretName, Role: b.Marks.Role, Message: message, Mend: mend}
}

func one(f Finding) []Finding { return []Finding{f} }

// judgeLife tells a binding whose time is over, or whose workload is gone.
func (f *facts) judgeLife() []Finding {
	prune := command(f.binding, "prune")
	switch {
	case f.binding.Secret == inventory.Present && f.binding.Workload == inventory.Absent:
		return one(f.finding(OrphanedSecret, fmt.Sprintf("%s is gone", f.binding.Marks.Workload), prune))
	case f.expired():
		return one(f.finding(Expired, "its time is over since "+f.expires(), prune))
	case f.role != nil && !sameTime(f.role.ValidUntil, f.binding.Marks.Expires) && f.binding.Secret == inventory.Present:
		return one(f.finding(Disagrees, fmt.Sprintf("the Secret says that it expires %s, the role %s", when(f.binding.Marks.Expires), when(f.role.ValidUntil)), rebind(f.binding)))
	}
	return nil
}

// expired asks the role itself; the marks count only where it cannot be asked.
func (f *facts) expired() bool {
	if f.role != nil {
		return f.role.Marked && f.role.Expired
	}
	return f.binding.Expired(f.now)
}

// sameTime compares as marks do, to the second.
func sameTime(a, b time.Time) bool {
	return a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

func (f *facts) expires() string {
	if f.role != nil && f.role.Expired {
		return when(f.role.ValidUntil)
	}
	return when(f.binding.Marks.Expires)
}

// judgeSecret holds the Secret against what it should be.
func (f *facts) judgeSecret() []Finding {
	marks := f.binding.Marks
	switch {
	case f.binding.Secret == inventory.Absent:
		return one(f.finding(NoSecret, fmt.Sprintf("%s refers to secret/%s, which is gone", marks.Workload, f.binding.SecretName), rebind(f.binding)))
	case f.binding.Secret == inventory.Unread, f.secretErr != nil:
		return one(f.finding(Unknown, "the Secret cannot be read"+because(f.secretErr), canI("get", "secrets", f.binding)))
	case !f.complete:
		return one(f.finding(BadSecret, "the Secret lacks a key of the login", recreate(f.binding)))
	case f.credentials.Username != marks.Role:
		return one(f.finding(BadSecret, fmt.Sprintf("the Secret's user %q is not its role %q", f.credentials.Username, marks.Role), recreate(f.binding)))
	}
	return nil
}

// judgeWorkload tells whether the Pods have what the Secret says.
func (f *facts) judgeWorkload() []Finding {
	b := f.binding
	switch {
	case b.Workload == inventory.Absent || b.Secret == inventory.Absent:
		return nil
	case b.Workload == inventory.Unread, f.workloadErr != nil:
		return one(f.finding(Unknown, "the workload cannot be read"+because(f.workloadErr), canI("get", b.Marks.Workload, b)))
	case b.Noted == nil || !f.referenced:
		return one(f.finding(Unreferenced, fmt.Sprintf("%s does not use secret/%s", b.Marks.Workload, b.SecretName), rebind(b)))
	case b.Noted.ID != b.Marks.ID || b.Noted.Role != b.Marks.Role || b.Noted.Generation != b.Marks.Generation:
		return one(f.finding(Disagrees, "the workload's annotation names another role or generation than the Secret", rebind(b)))
	case len(f.stalePods) > 0:
		return one(f.finding(StalePods, "Pods started before the Secret changed: "+strings.Join(f.stalePods, ", "), restart(b)))
	}
	return nil
}

// judgeRole holds the role's own word against the Secret's.
func (f *facts) judgeRole() []Finding {
	b := f.binding
	switch {
	case b.Secret == inventory.Absent:
		return nil
	case f.serverErr != nil:
		return one(f.finding(Unknown, "the database cannot be asked"+because(f.serverErr), ""))
	case f.role == nil:
		return one(f.finding(NoRole, fmt.Sprintf("role %q is gone", b.Marks.Role), rebind(b)))
	case f.role.Privileged:
		return one(f.finding(ForeignRole, fmt.Sprintf("role %q may more than any binding", f.role.Name), look(b, `\du+ `+identifier(f.role.Name))))
	case !f.role.Marked || f.role.Owner.ID != b.Marks.ID || f.role.Owner.Namespace != b.Namespace || f.otherNamespace():
		return one(f.finding(ForeignRole, fmt.Sprintf("role %q does not carry this binding's mark", f.role.Name), look(b, `\du+ `+identifier(f.role.Name))))
	}
	return nil
}

// otherNamespace says that the role was made for an earlier namespace of this name.
func (f *facts) otherNamespace() bool {
	return f.role.Owner.NamespaceUID != "" && f.namespaceUID != "" && f.role.Owner.NamespaceUID != f.namespaceUID
}

// judgeLogin tells how the application's login went.
func (f *facts) judgeLogin() []Finding {
	login := f.answer.Login
	switch {
	case f.serverErr != nil || f.role == nil || f.expired():
		return nil
	case !f.role.CanLogin:
		return one(f.finding(LoginFailed, fmt.Sprintf("role %q may not log in", f.role.Name), rebind(f.binding)))
	case !login.Tried:
		return nil
	case login.Failure != "":
		return one(f.finding(LoginFailed, "the login with the Secret's password failed: "+login.Failure, rebind(f.binding)))
	case login.User != f.actsAs():
		return one(f.finding(Disagrees, fmt.Sprintf("the login acts as role %q instead of %q", login.User, f.actsAs()), rebind(f.binding)))
	case login.Method == "trust" || f.trust:
		return one(f.finding(NotVerified, fmt.Sprintf("the server trusts connections to %s and asks for no password", login.Reached), look(f.binding, "SELECT * FROM pg_catalog.pg_hba_file_rules")))
	case login.Reached != f.credentials.Host:
		return one(f.finding(NotVerified, fmt.Sprintf("%s does not answer from the database Pod; the login works over %s", f.credentials.Host, login.Reached), ""))
	}
	return nil
}

// actsAs is the role that a session of the binding is to have.
func (f *facts) actsAs() string {
	if f.binding.AccessRole().Level == postgres.All {
		return f.binding.AccessRole().Role()
	}
	return f.role.Name
}

// judgePrivileges holds what the role may do against its level.
func (f *facts) judgePrivileges() []Finding {
	if f.serverErr != nil || f.role == nil || f.binding.Marks.Access == "" {
		return nil
	}
	var found []Finding
	member := false
	for _, group := range f.role.MemberOf {
		if group == f.binding.AccessRole().Role() {
			member = true
			continue
		}
		revoke := fmt.Sprintf("REVOKE %s FROM %s", identifier(group), identifier(f.role.Name))
		found = append(found, f.finding(Exceeds, fmt.Sprintf("role %q is also a member of %q", f.role.Name, group), look(f.binding, revoke)))
	}
	if !member {
		found = append(found, f.finding(Lacks, fmt.Sprintf("role %q is no member of %q", f.role.Name, f.binding.AccessRole().Role()), rebind(f.binding)))
	}
	for _, e := range f.answer.Escalations {
		found = append(found, f.finding(Escalation, e.What, look(f.binding, e.Fix)))
	}
	for _, s := range f.answer.Shadows {
		found = append(found, f.finding(Shadow, s.What, look(f.binding, s.Fix)))
	}
	if len(f.answer.Lacks) > 0 {
		found = append(found, f.finding(Lacks, "it lacks "+strings.Join(f.answer.Lacks, ", "), rebind(f.binding)))
	}
	if len(f.answer.Exceeds) > 0 {
		found = append(found, f.finding(Exceeds, "it has more than "+f.binding.Marks.Access+" gives", look(f.binding, strings.Join(f.answer.Exceeds, "; "))))
	}
	return found
}

// sharedCode names the other roles that run code of this application because they use what it owns. That is no fault of the binding.
func (f *facts) sharedCode() []Finding {
	var found []Finding
	for _, what := range f.answer.SharedCode {
		found = append(found, f.finding(SharedCode, what, ""))
	}
	return found
}
