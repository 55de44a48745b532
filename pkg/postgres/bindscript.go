package postgres

import (
	"encoding/json"
	"strconv"
	"time"
)

func bindScript(b Binding, l Login) (*script, error) {
	sc := new(script).run("session")
	if err := sc.complete([]Request{{b, l}}, func(int) {}); err != nil {
		return nil, err
	}
	return sc.proof(b, l), nil
}

// complete appends the transaction that completes login roles of one access. about is called before what is about the request of a
// number is appended; what is done for all of them counts as the first one's.
func (s *script) complete(requests []Request, about func(int)) error {
	about(0)
	if err := s.access(requests[0].Binding); err != nil {
		return err
	}
	for i, r := range requests {
		about(i)
		s.loginRole(r)
	}
	s.run("public", "effective")
	if err := s.passwords(requests, about); err != nil {
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
		"level", string(b.Access.Level), "acts_as_access", boolean(b.Access.Level == All), "levels", levels, "schemas", schemas)
	s.run("lock").set("subject", b.Access.Role(), "claim", b.Access.claim()).run("judge", "access", "join", "grants", "leave")
	return nil
}

// loginRole appends what makes a login role the binding's, with its membership and its end.
func (s *script) loginRole(r Request) {
	b := r.Binding
	s.set("role", b.Role, "role_mark", b.Owner.mark(), "set_password", boolean(r.Login.Set), "valid_until", validUntil(b.Expires))
	s.set("subject", b.Role, "claim", b.Owner.claim()).run("judge", "role", "membership", "expires")
}

// passwords appends those that are to be set, as the last of the transaction.
func (s *script) passwords(requests []Request, about func(int)) error {
	silent := false
	for i, r := range requests {
		if !r.Login.Set {
			continue
		}
		verifier, err := r.Login.verifier()
		if err != nil {
			return err
		}
		about(i)
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
	return sc.text.String(), sc.err
}

// proof appends the login of the role over the network, and the end.
func (s *script) proof(b Binding, l Login) *script {
	return s.address(b, l).run("domain", "host").password(l.Password).set("run", b.Owner.Run).run("login", "end", "trust")
}

// address gives the login of the role over the network.
func (s *script) address(b Binding, l Login) *script {
	return s.set("host", l.Host, "host_complete", boolean(l.HostComplete), "pod_ip", l.PodIP,
		"port", strconv.Itoa(int(l.Port)), "pod_port", strconv.Itoa(int(l.PodPort)),
		"login", loginOf(b.Role, b.Access.Database))
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
