package postgres

import (
	"encoding/json"
	"time"
)

func bindScript(b Binding, l Login) (*script, error) {
	sc := new(script).run("session")
	if err := sc.complete([]Request{{b, l}}, []int{0}); err != nil {
		return nil, err
	}
	return sc.proof(b, l), nil
}

// complete appends the transaction that completes login roles of one access. What it reports of a request begins with its number; what
// is done for all of them counts as the first one's.
func (s *script) complete(requests []Request, numbers []int) error {
	s.number(numbers[0])
	if err := s.access(requests[0].Binding); err != nil {
		return err
	}
	level := string(requests[0].Binding.Access.Level)
	s.logins(requests, numbers).run("role", "narrow").set("level", "").run("extra", "revoke", "own_defaults").set("level", level).run("terms")
	s.set("role", requests[0].Binding.Role).run("public", "doubt", "effective", "settled")
	if err := s.passwords(requests, numbers); err != nil {
		return err
	}
	s.run("commit")
	return nil
}

// access begins a transaction and appends what gives the binding's access role all that its level says.
func (s *script) access(b Binding) error {
	levels, err := levelTable()
	if err != nil {
		return err
	}
	schemas, err := b.Access.schemaTable()
	if err != nil {
		return err
	}
	s.set("access", b.Access.Role(), "access_mark", b.Access.mark(b.Owner.Run), "revoke_public", boolean(b.RevokePublic),
		"level", string(b.Access.Level), "acts_as_access", boolean(b.Access.Level == All), "levels", levels, "schemas", schemas,
		"grantees", s.json([]string{b.Access.Role()}), "isolated", boolean(b.Access.Isolated != ""), "shares", boolean(b.Force))
	s.run("refuse_schemas", "lock").subjects(subject{Name: b.Access.Role(), Claim: b.Access.claim()}).run("judge", "refuse_shared", "access", "join")
	s.run("withheld", "extra", "revoke", "grants", "leave", "report_withheld", "escalations")
	return nil
}

// logins judges login roles and names them with what they shall be.
func (s *script) logins(requests []Request, numbers []int) *script {
	type login struct {
		Number int    `json:"number"`
		Name   string `json:"name"`
		Mark   string `json:"mark"`
		Set    bool   `json:"set"`   // a password
		Until  string `json:"until"` // empty: as it is
		Owner  string `json:"owner"` // the binding's owner role
		Claim  string `json:"owner_claim"`
	}
	var subjects []subject
	var logins []login
	for i, r := range requests {
		b := r.Binding
		subjects = append(subjects, subject{Name: b.Role, Claim: b.Owner.claim()})
		logins = append(logins, login{numbers[i], b.Role, b.Owner.mark(), r.Login.Set, validUntil(b.Expires), b.Owner.Role(), b.Owner.roleClaim()})
	}
	return s.subjects(subjects...).run("judge").set("logins", s.json(logins))
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
