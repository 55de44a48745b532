package postgres

import (
	"maps"
	"slices"
	"strconv"
)

// endOfSurvey is the last word of a survey's script.
const endOfSurvey = "survey"

// factsScript asks the catalogs of each database. What is the same for all login roles of an access role is asked once.
func factsScript(questions []Question) (*script, error) {
	names := make([]string, len(questions))
	for i, q := range questions {
		names[i] = q.Role
	}
	levels, err := levelTable()
	if err != nil {
		return nil, err
	}
	sc := new(script).set("run", endOfSurvey, "levels", levels)
	sc.set("names", sc.json(names)).run("begin_session", "list_login_roles")
	for _, database := range grouped(questions, everyNumber(questions), func(q Question) string { return q.Access.Database }) {
		name := questions[database[0]].Access.Database
		sc.set("database", name, "conn", "dbname="+conninfo(name)).run("connect_if_exists", "set_encoding")
		sc.set("about", sc.json(database), "access", "").run("begin_answers").only("there", func() { sc.run("escalations") })
		for _, access := range grouped(questions, database, func(q Question) string { return q.Access.Role() }) {
			if err := sc.facts(questions, access); err != nil {
				return nil, err
			}
		}
	}
	return sc.run("end"), sc.err
}

// facts appends what asks about the questions of one access role: about this role, and then about login roles that differ from it.
func (s *script) facts(questions []Question, numbers []int) error {
	access := questions[numbers[0]].Access
	schemas, err := access.schemaTable()
	if err != nil {
		return err
	}
	s.set("access", access.Role(), "level", string(access.Level), "schemas", schemas, "about", s.json(numbers), "lacking", "[]")
	s.only("there", func() { s.run("withheld_relations") })
	s.set("role", access.Role(), "grantees", s.json([]string{access.Role()})).run("begin_answers")
	s.only("answerable", func() { s.run("report_missing", "extra_privileges", "report_extra", "shadows", "shared_code") })
	s.copy("access_lacking", "lacking")
	for _, i := range numbers {
		q := questions[i]
		s.set(
			"question", strconv.Itoa(i), "role", q.Role, "grantees", s.json([]string{q.Role, access.Role()}),
			"extensions", s.json(append([]string{}, q.Extensions...)),
		)
		s.run("begin_role_answers").only("differs", func() {
			s.run("report_missing", "extra_privileges", "report_extra", "shadows", "shared_code")
		})
		s.only("answerable", func() { s.run("report_missing_extensions") })
	}
	return nil
}

func everyNumber(questions []Question) []int {
	numbers := make([]int, len(questions))
	for i := range questions {
		numbers[i] = i
	}
	return numbers
}

// grouped divides the numbers of questions by a key, in the order of the keys.
func grouped(questions []Question, numbers []int, key func(Question) string) [][]int {
	groups := map[string][]int{}
	for _, i := range numbers {
		groups[key(questions[i])] = append(groups[key(questions[i])], i)
	}
	var all [][]int
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, groups[name])
	}
	return all
}
