package postgres

import (
	"encoding/json"
	"fmt"
	"time"
)

func bindScript(b Binding, l Login) (*script, error) {
	sc := new(script).run("session")
	if err := sc.complete([]Request{{b, l}}, []int{0}); err != nil {
		return nil, err
	}
	return sc.proof(b, l), nil
}

// complete appends what completes login roles of one access role: a short transaction creates the access role if need be, the privileges follow without a lock
// on roles, and another short transaction gives the login roles what they shall be. What it reports of a request begins with its number; what is done for all
// of them counts as the first one's.
func (s *script) complete(requests []Request, numbers []int) error {
	s.number(numbers[0])
	first := requests[0].Binding
	if err := s.describe(first); err != nil {
		return err
	}
	access, logins := subject{Name: first.Access.Role(), Claim: first.Access.claim()}, loginSubjects(requests)
	s.set("logins", s.logins(requests, numbers))
	s.run("refuse_schemas").subjects(logins...).run("judge", "needs_access").only("creates", func() {
		s.run("lock").subjects(access).run("judge", "refuse_shared", "access", "commit_role")
	})
	s.privileges()
	s.run("lock").subjects(append(logins, access)...).run("judge", "absent", "role", "terms")
	if err := s.passwords(requests, numbers); err != nil {
		return err
	}
	s.run("commit").set("role", first.Role).run("doubt", "effective", "settled")
	return nil
}

// describe sets what the SQL files need to know of the access role and its level.
func (s *script) describe(b Binding) error {
	levels, err := levelTable()
	if err != nil {
		return err
	}
	schemas, err := b.Access.schemaTable()
	if err != nil {
		return err
	}
	s.set("access", b.Access.Role(), "access_mark", b.Access.mark(b.Owner.Run), "access_claim", b.Access.claim(), "revoke_public", boolean(b.RevokePublic),
		"level", string(b.Access.Level), "acts_as_access", boolean(b.Access.Level == All), "levels", levels, "schemas", schemas,
		"grantees", s.json([]string{b.Access.Role()}), "isolated", boolean(b.Access.Isolated != ""), "shares", boolean(b.Force))
	return nil
}

// privileges appends what makes the privileges of the access role equal to its level, takes from a login role that gets a narrower level what it holds in its own
// name, and reports what stays.
func (s *script) privileges() {
	s.run("begin_changes", "join", "withheld").change("extra", "missing")
	s.run("report_withheld", "unowned", "escalations", "public", "narrow").only("narrows", func() {
		s.set("level", "", "missing", "[]", "waits", "true").run("extra", "change")
		s.only("remains", func() { s.run("extra", "unfinished") }).run("own_defaults")
	})
	s.run("leave", "end_changes")
}

// tries is how often the changes of privileges that another session prevents are tried.
const tries = 3

// change appends the changes that the files find: they run once, and as often as it is worthwhile where another session prevents some of them.
func (s *script) change(find ...string) *script {
	s.run(find...).set("waits", "false").run("change")
	for range tries - 1 {
		s.only("remains", func() { s.run(find...).set("waits", "true").run("change") })
	}
	return s.only("remains", func() { s.run(find...).run("unfinished") })
}

// only has psql run what is appended where the variable is true.
func (s *script) only(variable string, write func()) *script {
	fmt.Fprintf(&s.text, "\\if :%s\n", variable)
	write()
	s.text.WriteString("\\endif\n")
	return s
}

// loginSubjects are the login roles of requests, as judge.sql reads them.
func loginSubjects(requests []Request) []subject {
	var subjects []subject
	for _, r := range requests {
		subjects = append(subjects, subject{Name: r.Binding.Role, Claim: r.Binding.Owner.claim()})
	}
	return subjects
}

// logins is the table of login roles, with what they shall be.
func (s *script) logins(requests []Request, numbers []int) string {
	type login struct {
		Number int    `json:"number"`
		Name   string `json:"name"`
		Mark   string `json:"mark"`
		Set    bool   `json:"set"`   // a password
		Until  string `json:"until"` // empty: as it is
		Owner  string `json:"owner"` // the binding's owner role
		Claim  string `json:"owner_claim"`
	}
	var logins []login
	for i, r := range requests {
		b := r.Binding
		logins = append(logins, login{numbers[i], b.Role, b.Owner.mark(), r.Login.Set, validUntil(b.Expires), b.Owner.Role(), b.Owner.roleClaim()})
	}
	return s.json(logins)
}

// passwords appends those that are to be set, as the last of the transaction.
func (s *script) passwords(requests []Request, numbers []int) error {
	silent := false
	for i, r := range requests {
		if !r.Login.Set {
			continue
		}
		verifier, err := r.Login.verifier()
		if err != nil {
			return err
		}
		s.number(numbers[i])
		if !silent {
			s.run("silence")
			silent = true
		}
		s.set("role", r.Binding.Role, "verifier", verifier).run("password")
	}
	return nil
}

// masked stands for every secret in what Explain returns.
const masked = "MASKED"

// verifier is what the server keeps of the password.
func (l Login) verifier() (string, error) {
	if l.Password == masked {
		return masked, nil
	}
	return Verifier(l.Password)
}

// Explain returns what Bind would have psql read, with its secrets masked.
func Explain(b Binding, l Login) (string, error) {
	l.Password = masked
	sc, err := bindScript(b, l)
	if err != nil {
		return "", err
	}
	return opening(b.Access.Database).text.String() + sc.text.String(), sc.err
}

// proof appends the login of the role over the network, and the end.
func (s *script) proof(b Binding, l Login) *script {
	return s.run("domain").address(l, b.Role, b.Access.Database).password(l.Password).set("run", b.Owner.Run).run("login", "end", "trust")
}

// validUntil writes a time as the server reads it; empty for the zero time.
func validUntil(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (a Access) schemaTable() (string, error) {
	type row struct {
		Name string `json:"name"`
		Key  string `json:"key"`
	}
	var rows []row
	for _, schema := range a.sorted() {
		rows = append(rows, row{schema, a.schemaKey(schema)})
	}
	text, err := json.Marshal(rows)
	return string(text), err
}
