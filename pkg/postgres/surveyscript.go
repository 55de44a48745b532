package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// endOfSurvey is the last word of a survey's script.
const endOfSurvey = "survey"

// factsScript asks the catalogs, database by database.
func factsScript(questions []Question) (*script, error) {
	names := make([]string, len(questions))
	for i, q := range questions {
		names[i] = q.Role
	}
	text, err := json.Marshal(names)
	if err != nil {
		return nil, fmt.Errorf("write the names of the roles: %w", err)
	}
	levels, err := levelTable()
	if err != nil {
		return nil, err
	}
	sc := new(script).set("run", endOfSurvey, "names", string(text), "levels", levels).run("session", "roles")
	current := ""
	for i, q := range questions {
		if q.Access.Database != current {
			current = q.Access.Database
			sc.set("database", current, "conn", "dbname="+conninfo(current)).run("enter")
		}
		schemas, err := q.Access.schemaTable()
		if err != nil {
			return nil, err
		}
		sc.set("about", strconv.Itoa(i), "role", q.Role, "access", q.Access.Role(), "level", string(q.Access.Level), "schemas", schemas)
		sc.set("grantees", sc.json([]string{q.Role, q.Access.Role()}), "extensions", sc.json(append([]string{}, q.Extensions...)))
		sc.run("about", "withheld", "effective", "no_extensions", "extra", "excess", "escalations", "shadows", "shared_code", "answered")
	}
	return sc, nil
}

// attempts appends the logins of the questions from number first on, and the end.
func (s *script) attempts(questions []Question, first int, prove bool) {
	var tried []int
	for i := first; i < len(questions); i++ {
		if password := questions[i].Login.Password; password != "" {
			s.keep(i, password)
			tried = append(tried, i)
		}
	}
	for _, i := range tried {
		s.attempt(i, questions[i])
	}
	s.run("end")
	if prove && len(tried) > 0 {
		s.run("trust")
	}
}

func (s *script) attempt(number int, q Question) {
	complete := q.Login
	complete.HostComplete = true // as the application has it
	s.set("about", strconv.Itoa(number)).address(complete, q.Role, q.Access.Database)
	s.run("attempt").kept(number).run("login")
}
