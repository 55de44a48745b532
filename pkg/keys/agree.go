package keys

import (
	"fmt"
	"slices"
	"strings"
)

// The three reasons to believe a value, the best one first.
const (
	byAnchor = iota // it is in the variable that names the server
	byOwner         // its name says that it belongs to that variable
	byGroup         // its name is another spelling of that
	reasons
)

// evidence says that a variable holds a part of the login.
type evidence struct {
	candidate
	part   Part
	value  string
	reason int
}

// login is what the variables agree on.
type login struct {
	values    map[Part]string
	variables []string
}

// members returns what the anchors and the variables that belong to them say.
func (r *recognizer) members(anchors []candidate) []evidence {
	var found []evidence
	for _, c := range r.all {
		switch {
		case slices.ContainsFunc(anchors, func(a candidate) bool { return a.name == c.name }):
			for _, part := range []Part{PartPort, PartDatabase, PartUsername, PartPassword} {
				if value := c.form.parts[part]; value != "" {
					found = append(found, evidence{candidate: c, part: part, value: value, reason: byAnchor})
				}
			}
		case c.known && len(c.form.parts) == 0: // an empty value, or no number where a port should be
		case slices.ContainsFunc(anchors, c.nextTo):
			found = append(found, evidence{candidate: c, part: c.meaning.part, value: c.value, reason: byOwner})
		case slices.ContainsFunc(anchors, func(a candidate) bool { return r.near(c, a) }):
			found = append(found, evidence{candidate: c, part: c.meaning.part, value: c.value, reason: byGroup})
		}
	}
	return found
}

// agree takes each part from the best evidence. It reports evidence that contradicts; ok is false if that makes the login unclear.
func (r *recognizer) agree(found []evidence) (result login, ok bool) {
	result.values = map[Part]string{}
	for _, e := range found {
		if !e.known && e.reason == byOwner {
			r.report([]string{e.name}, "its value is unknown: its Secret or ConfigMap is not readable")
			return login{}, false
		}
	}
	for _, c := range r.all {
		if c.anchor {
			result.variables = append(result.variables, c.name)
		}
	}
	for reason := range reasons {
		for _, e := range found {
			if e.reason != reason || !e.known {
				continue
			}
			value, decided := result.values[e.part]
			switch {
			case !decided:
				result.values[e.part] = e.value
			case value == e.value:
			case decidedBefore(found, e) && (reason == byGroup || e.meaning.owner == ""):
				r.report([]string{e.name}, fmt.Sprintf("it has another %s, and stays as it is", e.part))
				continue
			default:
				r.report(
					withPart(found, e.part, reason),
					fmt.Sprintf("they have different values for the %s: set the names with --env", e.part),
				)
				return login{}, false
			}
			if !slices.Contains(result.variables, e.name) {
				result.variables = append(result.variables, e.name)
			}
		}
	}
	return result, r.portIsClear(result) && r.loginIsOne(found)
}

// loginIsOne reports a user and a password that are in variables of different owners, as DB_USER and POSTGRES_PASSWORD: the password can
// be the administrator's. A connection string that has one of the two needs a variable for the other.
func (r *recognizer) loginIsOne(found []evidence) bool {
	var names []string
	owners := map[string][]Part{}
	for _, e := range found {
		if e.part != PartUsername && e.part != PartPassword || !e.known {
			continue
		}
		if e.reason == byAnchor {
			return true
		}
		names = append(names, e.name)
		owners[e.meaning.owner] = append(owners[e.meaning.owner], e.part)
	}
	for _, parts := range owners {
		if len(names) < 2 || slices.Contains(parts, PartUsername) && slices.Contains(parts, PartPassword) {
			return true
		}
	}
	if len(names) > 1 {
		r.report(names, "they have different prefixes: it is unclear whether they are one login: set the names with --env")
	}
	return len(names) == 0
}

// portIsClear reports an anchor without a port if another variable has one: some drivers take the other one, some take 5432.
func (r *recognizer) portIsClear(result login) bool {
	port := result.values[PartPort]
	for _, c := range r.all {
		if c.anchor && c.whole && c.form.parts[PartPort] == "" && port != "" && port != "5432" {
			r.report([]string{c.name}, "its value has no port, but another variable has one: set the names with --env")
			return false
		}
	}
	return true
}

// decidedBefore reports whether better evidence has the same part.
func decidedBefore(found []evidence, e evidence) bool {
	return slices.ContainsFunc(found, func(other evidence) bool { return other.known && other.part == e.part && other.reason < e.reason })
}

// withPart returns the variables that have a part, for a reason or a better one.
func withPart(found []evidence, part Part, reason int) []string {
	var names []string
	for _, e := range found {
		if e.part == part && e.reason <= reason && e.known {
			names = append(names, e.name)
		}
	}
	return names
}

// complete reports what is missing: a binding replaces user and password, and so has to know both. Where the application can read them
// from a file, it is unclear whether it uses the variables at all.
func (r *recognizer) complete(agreed login, found []evidence, anchors []candidate) bool {
	for _, part := range []Part{PartUsername, PartPassword} {
		if agreed.values[part] != "" {
			continue
		}
		message := fmt.Sprintf("no variable next to it has the %s: set the names with --env", part)
		for _, c := range r.all {
			if c.meaning.file && c.meaning.part == part && c.meaning.group == anchors[0].meaning.group {
				message = fmt.Sprintf("the application reads the %s from the file that %s names", part, c.name)
			}
		}
		for _, e := range found {
			if e.part == part && !e.known {
				message = fmt.Sprintf("the %s is in %s, whose value is not readable", part, e.name)
			}
		}
		r.report([]string{anchors[0].name}, message)
		return false
	}
	for _, c := range r.all {
		adjacent := slices.ContainsFunc(anchors, func(a candidate) bool { return a.meaning.owner == c.meaning.owner })
		if c.meaning.file && adjacent && (c.meaning.part != "" || c.meaning.url) {
			r.report([]string{c.name}, "it names a file that can hold the login too: set the names with --env")
			return false
		}
	}
	return true
}

// reportCopies reports other variables that contain the password. They keep the former login.
func (r *recognizer) reportCopies(names Names) {
	const short = 8 // shorter passwords appear by chance
	for _, c := range r.all {
		recognized := slices.ContainsFunc(names.Variables, func(n Name) bool { return n.Template.Name() == c.name })
		if !recognized && len(names.Former.Password) >= short && strings.Contains(c.value, names.Former.Password) {
			r.report([]string{c.name}, "it contains the former password, and stays as it is: check whether the application uses it")
		}
	}
}
