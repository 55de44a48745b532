package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// check returns what is wrong with a binding, or one OK finding.
func (f *facts) check() []Finding {
	var found []Finding
	for _, rule := range []func() []Finding{f.checkExists, f.checkSecret, f.checkWorkload, f.checkRole, f.checkLogin, f.checkLimits, f.checkPrivileges} {
		found = append(found, rule()...)
	}
	if len(found) == 0 {
		found = append(found, f.finding(OK, "the login works; role, Secret and workload match", Fix{}))
	}
	for i := range found {
		if action := found[i].Fix.Action; f.isUnproven() && (action == Bind || action == Recreate) {
			found[i].Fix.Action = ""
		}
	}
	return append(found, f.sharedCode()...)
}

// finding returns a finding about this binding.
func (f *facts) finding(reason Reason, message string, fix Fix) Finding {
	b := f.binding
	return Finding{Reason: reason, Namespace: b.Namespace, Workload: b.Marks.Workload, Secret: b.SecretName,
		Role: b.Marks.Role, Message: message, Fix: fix, ID: b.Marks.ID}
}

func one(f Finding) []Finding { return []Finding{f} }

// checkExists reports a binding that has expired or whose workload does not exist.
func (f *facts) checkExists() []Finding {
	switch {
	case f.binding.Secret == inventory.Present && f.binding.Recreated:
		return one(
			f.finding(Recreated, fmt.Sprintf("%s was deleted and created again since the bind", f.binding.Marks.Workload), f.continued()),
		)
	case f.binding.Secret == inventory.Present && f.binding.Workload == inventory.Absent:
		return one(f.finding(OrphanedSecret, fmt.Sprintf("%s does not exist", f.binding.Marks.Workload), prune(f.binding)))
	case f.expired():
		return one(f.finding(Expired, "expired at "+f.expires(), prune(f.binding)))
	case f.role != nil && !sameTime(f.role.ValidUntil, f.binding.Marks.ExpiresAt()) && f.binding.Secret == inventory.Present:
		return one(f.finding(Mismatch, fmt.Sprintf("the expiry differs: Secret %s, role %s",
			when(f.binding.Marks.ExpiresAt()), when(f.role.ValidUntil)), f.sameExpiry()))
	}
	return nil
}

// isUnproven reports whether the server contradicts the Secret's metadata: the role is not this binding's, or has other
// privileges. If the role is missing, nothing proves that the binding may use a server in another namespace. Everyone
// who can write the Secret can forge that metadata, so that a person must decide before a bind grants what it names.
func (f *facts) isUnproven() bool {
	if f.role == nil {
		return f.isElsewhere()
	}
	if f.binding.Marks.Access == "" {
		return false
	}
	return f.isForeign() || len(f.role.MemberOf) > 0 && !slices.Contains(f.role.MemberOf, f.binding.AccessRole().Role())
}

// isElsewhere reports whether only metadata says that the binding's server is in another namespace than the workload.
func (f *facts) isElsewhere() bool {
	at := f.binding.Marks.PostgresNamespace
	return at != "" && at != f.binding.Namespace && at != f.named
}

// isForeign reports whether the role is not one that this binding created.
func (f *facts) isForeign() bool {
	b, owner := f.binding, f.role.Owner
	return f.role.Privileged || !f.role.Marked || owner.ID != b.Marks.ID || owner.Namespace != b.Namespace || f.otherNamespace()
}

// expired asks the role. The Secret's metadata counts only if the server cannot be queried.
func (f *facts) expired() bool {
	if f.role != nil {
		return f.role.Marked && f.role.Expired
	}
	return f.binding.Expired(f.now)
}

// sameTime compares to the second, because metadata keeps no fractions.
func sameTime(a, b time.Time) bool {
	return a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

func (f *facts) expires() string {
	if f.role != nil && f.role.Expired {
		return when(f.role.ValidUntil)
	}
	return when(f.binding.Marks.ExpiresAt())
}

// checkSecret checks that the Secret exists and holds the login of its role.
func (f *facts) checkSecret() []Finding {
	marks := f.binding.Marks
	switch {
	case f.binding.Secret == inventory.Absent:
		return one(f.finding(NoSecret,
			fmt.Sprintf("%s references secret/%s, which does not exist", marks.Workload, f.binding.SecretName), rebind(f.binding)))
	case f.binding.Secret == inventory.Unread, f.secretErr != nil:
		return one(f.finding(Unknown, "the Secret cannot be read"+because(f.secretErr), canI("get", "secrets", f.binding)))
	case !f.complete:
		return one(f.finding(BadSecret, "the Secret is missing a key of the login", recreate(f.binding)))
	case f.credentials.Username != marks.Role:
		return one(f.finding(BadSecret,
			fmt.Sprintf("the Secret's user %q is not its role %q", f.credentials.Username, marks.Role), recreate(f.binding)))
	case f.damaged != "":
		return one(
			f.finding(
				BadSecret, fmt.Sprintf("the Secret's key %s does not hold the login of the other keys", f.damaged),
				recreate(f.binding),
			),
		)
	}
	return nil
}

// checkWorkload checks that the workload uses the Secret and that its Pods have the current values.
func (f *facts) checkWorkload() []Finding {
	b := f.binding
	switch {
	case b.Workload == inventory.Absent || b.Secret == inventory.Absent:
		return nil
	case b.Workload == inventory.Unread, f.workloadErr != nil:
		return one(f.finding(Unknown, "the workload cannot be read"+because(f.workloadErr), canI("get", b.Marks.Workload, b)))
	case !f.referenced:
		return one(f.finding(Unreferenced, fmt.Sprintf("%s does not use secret/%s", b.Marks.Workload, b.SecretName), f.reference()))
	case len(f.hidden) > 0:
		return one(f.finding(Hidden, fmt.Sprintf("%s: %s", b.Marks.Workload, f.hidden[0]), unset(b, f.hidden[0])))
	case f.removedBy != "":
		return one(
			f.finding(NotLasting, fmt.Sprintf("%s removes the reference to secret/%s from %s the next time that it applies its manifest",
				f.removedBy, b.SecretName, b.Marks.Workload), f.reference()),
		)
	// The pod template decides whether the workload uses the Secret. Its annotation can come from a manifest, and be older than a rotation.
	case b.Noted != nil && b.Noted.ID != b.Marks.ID:
		return one(f.finding(Mismatch, "the workload's annotation names a different binding than the Secret", rebind(b)))
	case len(f.stalePods) > 0:
		return one(f.finding(StalePods, f.stale(), f.restart()))
	}
	return nil
}

// stale describes the Pods that do not have the current values, and what holds the rollout back if the workload says so.
func (f *facts) stale() string {
	text := "Pods started before the Secret changed: " + counted(f.stalePods)
	if f.paused != "" {
		text += "; " + f.paused
	}
	return text
}

// reference returns the fix that writes the reference in a form that lasts: a tool whose manifest sets envFrom keeps entries of env.
func (f *facts) reference() Fix {
	var lasting Change
	if inject := f.binding.Marks.Inject; f.managedBy != "" && (inject == "" || inject == string(workload.InjectEnvFrom)) {
		lasting.Inject = string(workload.InjectEnv)
	}
	return changed(f.binding, lasting)
}

// checkRole compares the role with the Secret's metadata.
func (f *facts) checkRole() []Finding {
	b := f.binding
	switch {
	case b.Secret == inventory.Absent:
		return nil
	case f.serverErr != nil:
		return one(f.finding(Unknown, "the server cannot be queried"+because(f.serverErr), Fix{}))
	case f.noDatabase:
		return one(f.finding(NoDatabase, fmt.Sprintf("database %q does not exist", b.Marks.DBName), f.createDatabase()))
	case f.role == nil:
		return one(f.finding(NoRole, fmt.Sprintf("role %q does not exist", b.Marks.Role), rebind(b)))
	case f.role.Privileged:
		return one(f.finding(ForeignRole, fmt.Sprintf("role %q has privileges that no binding grants", f.role.Name),
			byHand(look(b, `\du+ `+postgres.Identifier(f.role.Name)))))
	case f.isForeign():
		return one(f.finding(ForeignRole, fmt.Sprintf("the comment on role %q does not name this binding", f.role.Name),
			byHand(look(b, `\du+ `+postgres.Identifier(f.role.Name)))))
	}
	return nil
}

// otherNamespace reports whether the role was created for an earlier namespace of the same name.
func (f *facts) otherNamespace() bool {
	return f.role.Owner.NamespaceUID != "" && f.namespaceUID != "" && f.role.Owner.NamespaceUID != f.namespaceUID
}

// checkLogin checks the result of the application's login.
func (f *facts) checkLogin() []Finding {
	login := f.answer.Login
	switch {
	case f.serverErr != nil || f.noDatabase || f.role == nil || f.expired():
		return nil
	case !f.role.CanLogin:
		return one(f.finding(LoginFailed, fmt.Sprintf("role %q cannot log in", f.role.Name), rebind(f.binding)))
	case !login.Tried:
		return nil
	case login.Failure != "" && f.limit() > 0 && f.role.Sessions >= f.limit():
		return one(f.finding(NotVerified, fmt.Sprintf("all %d connections of role %q are in use, and the verification needs one: %s",
			f.limit(), f.role.Name, login.Failure), f.limitTo(f.limit()+1)))
	case login.Failure != "":
		return one(f.finding(LoginFailed, "the login with the Secret's password failed: "+login.Failure, rebind(f.binding)))
	case login.User != f.actsAs():
		return one(f.finding(Mismatch, fmt.Sprintf("the login acts as role %q instead of %q", login.User, f.actsAs()), rebind(f.binding)))
	case login.Method == "trust" || f.trust:
		return one(f.finding(NotVerified, fmt.Sprintf("the server trusts connections to %s and asks for no password", login.Reached),
			byHand(look(f.binding, "SELECT * FROM pg_catalog.pg_hba_file_rules"))))
	case login.Reached != f.credentials.Host:
		return one(f.finding(NotVerified,
			fmt.Sprintf("%s is not reachable from the database Pod; the login works over %s", f.credentials.Host, login.Reached), Fix{}))
	}
	return nil
}

// actsAs returns the role that a session of the binding acts as.
func (f *facts) actsAs() string {
	if f.binding.AccessRole().Level == postgres.All {
		return f.binding.AccessRole().Role()
	}
	return f.role.Name
}

// checkPrivileges compares the role's privileges with its access level.
func (f *facts) checkPrivileges() []Finding {
	if f.serverErr != nil || f.noDatabase || f.role == nil || f.binding.Marks.Access == "" {
		return nil
	}
	found := f.checkObjects()
	member := false
	for _, group := range f.role.MemberOf {
		if group == f.binding.AccessRole().Role() {
			member = true
			continue
		}
		revoke := fmt.Sprintf("REVOKE %s FROM %s", postgres.Identifier(group), postgres.Identifier(f.role.Name))
		found = append(
			found,
			f.finding(Exceeds, fmt.Sprintf("role %q is also a member of %q", f.role.Name, group), byHand(look(f.binding, revoke))),
		)
	}
	if !member {
		found = append(found, f.finding(Lacks,
			fmt.Sprintf("role %q is not a member of %q", f.role.Name, f.binding.AccessRole().Role()), rebind(f.binding)))
	}
	for _, e := range f.answer.Escalations {
		found = append(found, f.finding(Escalation, e.What, byHand(look(f.binding, e.Fix))))
	}
	for _, s := range f.answer.Shadows {
		found = append(found, f.finding(Shadow, s.What, byHand(look(f.binding, s.Fix))))
	}
	if len(f.answer.Lacks) > 0 {
		found = append(found, f.finding(Lacks, "missing privileges: "+counted(f.answer.Lacks), rebind(f.binding)))
	}
	if len(f.answer.Exceeds) > 0 {
		found = append(found, f.finding(Exceeds, "the privileges exceed access level "+f.binding.Marks.Access,
			byHand(look(f.binding, strings.Join(f.answer.Exceeds, "; ")))))
	}
	return found
}

// checkObjects reports what the binding needs in the database and what is missing there.
func (f *facts) checkObjects() (found []Finding) {
	for _, schema := range f.answer.NoSchemas {
		found = append(found, f.finding(NoSchema, fmt.Sprintf("schema %q does not exist", schema), f.createSchema(schema)))
	}
	for _, extension := range f.answer.NoExtensions {
		found = append(
			found,
			f.finding(
				NoExtension,
				fmt.Sprintf("extension %q does not exist in database %q", extension, f.binding.Marks.DBName),
				rebind(f.binding),
			),
		)
	}
	return found
}

// sharedCode names the other roles that run code of this application because they use what it owns. That is no fault of the binding.
func (f *facts) sharedCode() []Finding {
	var found []Finding
	for _, what := range f.answer.SharedCode {
		found = append(found, f.finding(SharedCode, what, Fix{}))
	}
	return found
}
