package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

func bindScript(spec RoleSpec, l Login) (*script, error) {
	sc := new(script).run("begin_session")
	if err := sc.complete([]Request{{spec, l}}, []int{0}); err != nil {
		return nil, err
	}
	return sc.run("await_standbys").otherDatabases(spec).proof(spec, l), nil
}

// otherDatabases appends the report of the other databases to a bind to the database postgres.
func (s *script) otherDatabases(spec RoleSpec) *script {
	if spec.Access.Database == maintenanceDatabase {
		s.run("other_databases")
	}
	return s
}

// complete appends what completes the login roles of one access role. A short transaction creates the access role if it
// does not exist, the grants follow without a lock on roles, and another short transaction completes the login roles.
// Reports are grouped by request; those about all of them belong to the first one. A rotation has a group of its own.
func (s *script) complete(requests []Request, numbers []int) error {
	if requests[0].Role.Former != "" {
		return s.succeed(requests[0], numbers[0])
	}
	s.number(numbers[0])
	first := requests[0].Role
	if err := s.describe(first); err != nil {
		return err
	}
	access, logins := subject{Name: first.Access.Role(), Claim: first.Access.claim()}, loginSubjects(requests)
	s.set("logins", s.logins(requests, numbers))
	s.run("refuse_schemas")
	sets := slices.ContainsFunc(requests, func(r Request) bool { return len(r.Role.Limits.Settings) > 0 })
	if sets {
		s.run("refuse_settings")
	}
	s.subjects(logins...).run("verify_ownership", "needs_access_role").only("needs_access", func() {
		s.run("begin_and_lock").subjects(access).run("verify_ownership", "refuse_shared", "create_access_role", "commit_role")
	})
	s.create(first)
	s.privileges()
	s.run(
		"begin_and_lock",
	).subjects(
		append(logins, access)...).run(
		"verify_ownership",
		"require_access",
		"require_login_roles",
		"set_memberships",
	)
	if sets {
		s.run("settings")
	}
	if first.Creates.any() {
		s.run("search_path")
	}
	if err := s.passwords(requests, numbers); err != nil {
		return err
	}
	s.run("commit", "report_full").set("role", first.Name).run("may_lack_privileges").only("doubtful", func() { s.run("report_missing") })
	return nil
}

// describe sets the psql variables that describe the access role and its level.
func (s *script) describe(spec RoleSpec) error {
	levels, err := levelTable()
	if err != nil {
		return err
	}
	schemas, err := spec.Access.schemaTable()
	if err != nil {
		return err
	}
	s.set(
		"access",
		spec.Access.Role(),
		"access_mark",
		spec.Access.mark(spec.Owner.Run),
		"access_claim",
		spec.Access.claim(),
		"every_database",
		"false",
		"level",
		string(spec.Access.Level),
		"acts_as_access",
		boolean(spec.Access.Level == All),
		"levels",
		levels,
		"schemas",
		schemas,
		"grantees",
		s.json([]string{spec.Access.Role()}),
		"isolated",
		boolean(spec.Access.Isolated != ""),
		"shares",
		boolean(spec.Force),
	)
	return nil
}

// privileges appends what makes the privileges of the access role equal to its level, revokes the direct grants of a
// login role that leaves another access role, and reports what remains.
func (s *script) privileges() {
	s.run("begin_changes", "join_access_roles", "withheld_relations").change("extra_privileges", "missing_privileges")
	s.run("report_withheld", "report_unowned", "escalations", "public_privileges", "leaving_access_roles").only("narrows", func() {
		s.set("level", "", "missing", "[]", "waits", "true").pending("extra_privileges").run("run_pending")
		s.remaining("extra_privileges").run("reset_default_privileges")
	})
	s.run("leave_access_roles", "end_changes")
}

// tries is the number of attempts for changes of privileges that another session prevents.
const tries = 3

// change appends the changes that the files find. If another session prevents some of them, they run again, tries times at most.
func (s *script) change(find ...string) *script {
	s.pending(find...).set("waits", "false").run("run_pending")
	for range tries - 1 {
		s.only("remains", func() { s.pending(find...).set("waits", "true").run("run_pending") })
	}
	return s.remaining(find...)
}

// pending appends files that find changes, and what makes one list of them.
func (s *script) pending(find ...string) *script { return s.run(find...).run("pending") }

// remaining appends the report of the changes that other sessions prevented.
func (s *script) remaining(find ...string) *script {
	return s.only("remains", func() { s.pending(find...).run("diagnose_first").pending(find...).run("report_unfinished") })
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

// loginSubjects returns the login roles of requests in the form of verify_ownership.sql.
func loginSubjects(requests []Request) []subject {
	var subjects []subject
	for _, r := range requests {
		subjects = append(subjects, subject{Name: r.Role.Name, Claim: r.Role.Owner.claim(), Adopt: r.Role.Adopt})
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
		spec := r.Role
		logins = append(logins, login{
			Number:      numbers[i],
			Name:        spec.Name,
			Mark:        spec.Owner.mark(),
			Set:         r.Login.Set,
			Adopt:       spec.Adopt,
			Until:       validUntil(spec.Expires),
			Owner:       spec.Owner.Role(),
			Claim:       spec.Owner.roleClaim(),
			Connections: spec.Limits.Connections,
			Keep:        spec.Limits.Keep,
			Settings:    spec.Limits.settings(),
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
			s.run("disable_logging")
			silent = true
		}
		s.set("role", r.Role.Name, "verifier", verifier).run("set_password")
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
func Explain(spec RoleSpec, l Login) (string, error) {
	l.Password = masked
	sc, err := bindScript(spec, l)
	if err != nil {
		return "", err
	}
	return opening(spec.Access.Database, false).text.String() + sc.text.String(), sc.err
}

// proof appends the login of the role over the network, and the end of the script.
func (s *script) proof(spec RoleSpec, l Login) *script {
	return s.run(
		"cluster_domain",
	).address(
		l,
		spec.Name,
		spec.Access.Database,
	).password(
		l.Password,
	).set(
		"run",
		spec.Owner.Run,
	).run(
		"login",
		"end",
		"login_without_password",
	)
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
