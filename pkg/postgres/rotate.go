package postgres

import "fmt"

// GoneError says that a role whose place was to be taken does not exist.
type GoneError struct{ Role string }

func (e *GoneError) Error() string { return fmt.Sprintf("role %q is gone", e.Role) }

// succeed appends what gives a login role everything that its former role has, in one transaction: the memberships, the
// role as which its sessions act, the settings, and the password. Its comment is that of this run. Before that it revokes what the access
// role has beyond its level in this database, once for each access role.
func (s *script) succeed(r Request, number int) error {
	spec, l := r.Role, r.Login
	verifier, err := l.verifier()
	if err != nil {
		return err
	}
	levels, err := levelTable()
	if err != nil {
		return err
	}
	r.Login.Set = true
	s.number(number)
	s.set("role", spec.Name, "former", spec.Former, "verifier", verifier, "levels", levels, "missing", "[]").run(
		"current_level",
	).only(
		"is_new",
		func() {
			s.run("begin_changes", "withheld_relations").change("extra_privileges").run("end_changes")
		},
	)
	s.set(
		"leaving",
		"true",
	).run(
		"begin_and_lock",
	).subjects(
		subject{Name: spec.Former, Claim: spec.Owner.claim()},
	).run(
		"verify_ownership",
		"require_former",
	)
	s.set(
		"leaving",
		"false",
	).subjects(
		loginSubjects([]Request{r})...).run(
		"verify_ownership",
	).set(
		"logins",
		s.logins([]Request{r}, []int{number}),
	)
	s.run("require_login_roles", "copy_former", "disable_logging", "set_password", "commit")
	return nil
}
