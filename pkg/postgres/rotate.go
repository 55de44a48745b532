package postgres

import "fmt"

// GoneError says that a role whose place was to be taken does not exist.
type GoneError struct{ Role string }

func (e *GoneError) Error() string { return fmt.Sprintf("role %q is gone", e.Role) }

// succeed appends what gives a login role everything that its former role has, in one transaction: the memberships, the
// role as which its sessions act, the settings, and the password. Its comment is that of this run. Before that it revokes what the access
// role has beyond its level in this database, once for each access role.
func (s *script) succeed(r Request, number int) error {
	b, l := r.Binding, r.Login
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
	s.set("role", b.Role, "former", b.Former, "verifier", verifier, "levels", levels, "missing", "[]").run(
		"current_level",
	).only(
		"is_new",
		func() {
			s.run("begin_changes", "withheld").change("extra").run("end_changes")
		},
	)
	s.set("leaving", "true").run("lock").subjects(subject{Name: b.Former, Claim: b.Owner.claim()}).run("judge", "former")
	s.set("leaving", "false").subjects(loginSubjects([]Request{r})...).run("judge").set("logins", s.logins([]Request{r}, []int{number}))
	s.run("role", "copy_former", "silence", "password", "commit")
	return nil
}
