package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

func bindScript(b Binding, l Login) (*script, error) {
	sc := new(script).run("session")
	if err := sc.complete([]Request{{b, l}}, []int{0}); err != nil {
		return nil, err
	}
	return sc.run("await_standbys").proof(b, l), nil
}

// complete appends what completes the login roles of one access role. A short transaction creates the access role if it
// does not exist, the grants follow without a lock on roles, and another short transaction completes the login roles.
// Reports are grouped by request; those about all of them belong to the first one. A rotation has a group of its own.
func (s *script) complete(requests []Request, numbers []int) error {
	if requests[0].Binding.Former != "" {
		return s.succeed(requests[0], numbers[0])
	}
	s.number(numbers[0])
	first := requests[0].Binding
	if err := s.describe(first); err != nil {
		return err
	}
	access, logins := subject{Name: first.Access.Role(), Claim: first.Access.claim()}, loginSubjects(requests)
	s.set("logins", s.logins(requests, numbers))
	s.run("refuse_schemas")
	sets := slices.ContainsFunc(requests, func(r Request) bool { return len(r.Binding.Limits.Settings) > 0 })
	if sets {
		s.run("refuse_settings")
	}
	s.subjects(logins...).run("judge", "needs_access").only("needs_access", func() {
		s.run("lock").subjects(access).run("judge", "refuse_shared", "access", "commit_role")
	})
	s.create(first)
	s.privileges()
	s.run("lock").subjects(append(logins, access)...).run("judge", "absent", "role", "terms")
	if sets {
		s.run("settings")
	}
	if first.Creates.any() {
		s.run("search_path")
	}
	if err := s.passwords(requests, numbers); err != nil {
		return err
	}
	s.run("commit", "full").set("role", first.Role).run("doubtful").only("doubtful", func() { s.run("effective") })
	return nil
}

// describe sets the psql variables that describe the access role and its level.
func (s *script) describe(b Binding) error {
	levels, err := levelTable()
	if err != nil {
		return err
	}
	schemas, err := b.Access.schemaTable()
	if err != nil {
		return err
	}
	s.set("access", b.Access.Role(), "access_mark", b.Access.mark(b.Owner.Run), "access_claim", b.Access.claim(), "every_database", "false",
		"level", string(b.Access.Level), "acts_as_access", boolean(b.Access.Level == All), "levels", levels, "schemas", schemas,
		"grantees", s.json([]string{b.Access.Role()}), "isolated", boolean(b.Access.Isolated != ""), "shares", boolean(b.Force))
	return nil
}

// privileges appends what makes the privileges of the access role equal to its level, revokes the direct grants of a
// login role that leaves another access role, and reports what remains.
func (s *script) privileges() {
	s.run("begin_changes", "join", "withheld").change("extra", "missing")
	s.run("report_withheld", "unowned", "escalations", "public", "narrow").only("narrows", func() {
		s.set("level", "", "missing", "[]", "waits", "true").pending("extra").run("change")
		s.remaining("extra").run("own_defaults")
	})
	s.run("leave", "end_changes")
}

// tries is the number of attempts for changes of privileges that another session prevents.
const tries = 3

// change appends the changes that the files find. If another session prevents some of them, they run again, tries times at most.
func (s *script) change(find ...string) *script {
	s.pending(find...).set("waits", "false").run("change")
	for range tries - 1 {
		s.only("remains", func() { s.pending(find...).set("waits", "true").run("change") })
	}
	return s.remaining(find...)
}

// pending appends files that find changes, and what makes one list of them.
func (s *script) pending(find ...string) *script { return s.run(find...).run("pending") }

// remaining appends the report of the changes that other sessions prevented.
func (s *script) remaining(find ...string) *script {
	return s.only("remains", func() { s.pending(find...).run("diagnose_first").pending(find...).run("unfinished") })
}

// only has psql run what write appends if the variable is true.
func (s *script) only(variable string, write func()) *script {
	fmt.Fprintf(&s.text, "\\if :%s\n", variable)
	write()
	s.text.WriteString("\\endif\n")
	return s
}

// unless has psql run what write appends if the variable is false.
func (s *script) unless(variable string, write func()) {
	fmt.Fprintf(&s.text, "\\if :%s\n\\else\n", variable)
	write()
	s.text.WriteString("\\endif\n")
}

// loginSubjects returns the login roles of requests in the form of judge.sql.
func loginSubjects(requests []Request) []subject {
	var subjects []subject
	for _, r := range requests {
		subjects = append(subjects, subject{Name: r.Binding.Role, Claim: r.Binding.Owner.claim(), Adopt: r.Binding.Adopt})
	}
	return subjects
}

// logins returns the JSON table of the login roles in their wanted state.
func (s *script) logins(requests []Request, numbers []int) string {
	type login struct {
		Number int    `json:"number"`
		Name   string `json:"name"`
		Mark   string `json:"mark"`
		Set    bool   `json:"set"`   // a password
		Adopt  bool   `json:"adopt"` // the role has no comment yet
		Until  string `json:"until"` // empty: as it is
		Owner  string `json:"owner"` // the binding's owner role
		Claim  string `json:"owner_claim"`

		Connections *int32    `json:"connections"` // -1: no limit; null: as they are
		Keep        bool      `json:"keep"`        // a limit that the role has
		Settings    []setting `json:"settings"`
	}
	var logins []login
	for i, r := range requests {
		b := r.Binding
		logins = append(logins, login{
			Number:      numbers[i],
			Name:        b.Role,
			Mark:        b.Owner.mark(),
			Set:         r.Login.Set,
			Adopt:       b.Adopt,
			Until:       validUntil(b.Expires),
			Owner:       b.Owner.Role(),
			Claim:       b.Owner.roleClaim(),
			Connections: b.Limits.Connections,
			Keep:        b.Limits.Keep,
			Settings:    b.Limits.settings(),
		})
	}
	return s.json(logins)
}

// passwords appends the statements that set passwords, as the last ones of the transaction.
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

// masked replaces every secret in the result of Explain.
const masked = "MASKED"

// verifier returns the SCRAM verifier of the password, which the server stores.
func (l Login) verifier() (string, error) {
	if l.Password == masked {
		return masked, nil
	}
	return Verifier(l.Password)
}

// Explain returns the script of Bind, with its secrets masked.
func Explain(b Binding, l Login) (string, error) {
	l.Password = masked
	sc, err := bindScript(b, l)
	if err != nil {
		return "", err
	}
	return opening(b.Access.Database, false).text.String() + sc.text.String(), sc.err
}

// proof appends the login of the role over the network, and the end of the script.
func (s *script) proof(b Binding, l Login) *script {
	return s.run("domain").address(l, b.Role, b.Access.Database).password(l.Password).set("run", b.Owner.Run).run("login", "end", "trust")
}

// validUntil formats a time for the server; empty for the zero time.
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
