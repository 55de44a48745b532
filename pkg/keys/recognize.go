package keys

import (
	"fmt"
	"slices"
	"strings"
)

// Server is what is known about the server of a binding before the workload's variables are read.
type Server struct {
	Hosts    []string // all names and addresses under which workloads reach it
	Database string   // empty: the one that the workload uses
}

// Name is a variable of a workload that holds a part of its login, or all of it.
type Name struct {
	Template Template // renders the variable; the rest of the former value is text in it
	Parts    []Part   // what it holds, sorted
	Origin   Origin   // where the former value comes from
}

// Login reports whether the former value contains a user name or a password.
func (n Name) Login() bool {
	return slices.Contains(n.Parts, PartUsername) || slices.Contains(n.Parts, PartPassword)
}

// Names are the variables of a workload that hold its login.
type Names struct {
	Variables []Name // in the order of the container; none if a problem prevents it
	Former    Values // the login that they hold. Port and database are empty where no variable holds them
}

// Problem says why variables are not recognised. If there are names as well, its variables stay as they are.
type Problem struct {
	Variables []string
	Message   string // without any value of a variable
}

// Recognize finds the variables by which a container reaches a database of the server. It begins with those whose value names one of the
// server's hosts. Other variables belong to them by their names: DB_USER belongs to DB_HOST. It prefers no names to a wrong one: what it
// cannot decide is a problem. Rendering a template with the former login gives the former value, apart from the choice of escapes.
func Recognize(c Container, server Server) (Names, []Problem) {
	settings, missing := c.settings()
	r := recognizer{server: server}
	for _, s := range settings {
		r.all = append(r.all, server.classify(s))
	}
	names := r.names()
	for _, object := range missing {
		r.report(nil, object+" is not readable: its variables are unknown")
	}
	return names, r.problems
}

// candidate is a variable with what its name and its value say.
type candidate struct {
	setting
	meaning variableName
	form    form
	whole   bool // the value is a URI or another connection string
	anchor  bool // the value names a host of the server
	foreign bool // it names another host
}

func (server Server) classify(s setting) candidate {
	c := candidate{setting: s, meaning: parseName(s.name)}
	if !s.known || s.value == "" {
		return c
	}
	var ok bool
	if c.form, ok = parseForm(s.value); ok {
		c.whole = true
		c.locate(server)
		return c
	}
	switch part := c.meaning.part; {
	case c.meaning.file:
	case part == PartHost:
		c.form.address(s.value)
		if strings.HasPrefix(c.form.template, "{{.ShortAddress}}") && !strings.HasPrefix(s.value, "[") {
			c.form.template = "{{.Host}}"
		}
		c.locate(server)
	case part != "" && (part != PartPort || isPort(s.value)):
		c.form.field(part, fieldOf(part), s.value)
	}
	return c
}

// locate compares the hosts of a candidate with those of the server.
func (c *candidate) locate(server Server) {
	hosts := strings.Split(c.form.parts[PartHost], ",")
	c.anchor = slices.ContainsFunc(hosts, server.has)
	c.foreign = !c.anchor
}

func (server Server) has(host string) bool {
	return slices.ContainsFunc(server.Hosts, func(known string) bool {
		return strings.EqualFold(strings.TrimSuffix(host, "."), strings.TrimSuffix(known, "."))
	})
}

// recognizer collects the names of one container.
type recognizer struct {
	server   Server
	all      []candidate
	problems []Problem
}

func (r *recognizer) report(variables []string, message string) {
	r.problems = append(r.problems, Problem{Variables: variables, Message: message})
}

// names returns the names, or none after it has reported why.
func (r *recognizer) names() Names {
	anchors := r.anchors()
	if len(anchors) == 0 || r.contradicted(anchors) {
		return Names{}
	}
	found := r.members(anchors)
	login, ok := r.agree(found)
	if !ok || !r.complete(login, found, anchors) {
		return Names{}
	}
	former := form{parts: login.values}
	names := Names{Former: former.values()}
	names.Former.Host = anchors[0].form.parts[PartHost]
	for _, c := range r.all {
		if !slices.Contains(login.variables, c.name) {
			continue
		}
		name, err := c.recognized()
		if err != nil {
			r.report([]string{c.name}, err.Error())
			return Names{}
		}
		names.Variables = append(names.Variables, name)
	}
	r.reportCopies(names)
	return names
}

func (c candidate) recognized() (Name, error) {
	t, err := Parse(c.name, c.form.template)
	if err != nil {
		return Name{}, err // it contains the name and the template, no value
	}
	if !c.form.rendersAgain(c.value) {
		return Name{}, fmt.Errorf("the value of %s cannot be rendered again: set it with --env", c.name)
	}
	name := Name{Template: t, Origin: c.origin}
	for part := range c.form.parts {
		name.Parts = append(name.Parts, part)
	}
	slices.Sort(name.Parts)
	return name, nil
}

// anchors returns the variables that name a host of the server, of one database.
func (r *recognizer) anchors() []candidate {
	var anchors []candidate
	var others, unknown []string
	for i, c := range r.all {
		database := r.databaseOf(c)
		switch {
		case !c.known && c.origin != OriginOther:
			unknown = append(unknown, c.name)
		case !c.anchor:
		case c.form.unclear:
			r.report([]string{c.name}, "its value names this server in a form that is not supported: set it with --env")
			return nil
		case r.server.Database != "" && database != "" && database != r.server.Database:
			r.all[i].anchor, r.all[i].foreign = false, true
			others = append(others, c.name)
		default:
			anchors = append(anchors, c)
		}
	}
	if len(others) > 0 {
		r.report(others, "they are for another database, and stay as they are")
	}
	switch {
	case len(anchors) == 0 && len(unknown) > 0:
		r.report(
			unknown,
			"no known value names a host of this server, and these values are not readable: set the names with --env or --preset",
		)
	case len(anchors) == 0 && len(others) == 0:
		r.report(nil, "no variable names a host of this server: set the names with --env or --preset")
	}
	return anchors
}

// contradicted reports variables with one owner that name different servers. It is unclear to which of them others belong.
func (r *recognizer) contradicted(anchors []candidate) bool {
	for _, a := range anchors {
		for _, c := range r.all {
			if c.foreign && a.meaning.owner != "" && c.meaning.owner == a.meaning.owner {
				r.report([]string{a.name, c.name}, "they name different servers or databases: set the names with --env")
				return true
			}
		}
	}
	return false
}

// databaseOf returns the database of an anchor: its own, or that of a variable next to it.
func (r *recognizer) databaseOf(anchor candidate) string {
	if database := anchor.form.parts[PartDatabase]; database != "" {
		return database
	}
	for _, c := range r.all {
		if c.nextTo(anchor) && c.meaning.part == PartDatabase {
			return c.value
		}
	}
	return ""
}

// single reports whether a variable has one part of a login by its name, and no host.
func (c candidate) single() bool {
	return !c.whole && !c.anchor && !c.foreign && !c.meaning.file && c.meaning.part != "" && c.meaning.part != PartHost
}

// nextTo reports whether a variable has the owner of an anchor. Many variables have no owner in their names, such as
// HOST: of these, only USER, PASSWORD and a PORT of PostgreSQL belong to the anchor.
func (c candidate) nextTo(anchor candidate) bool {
	if !c.single() || c.meaning.owner != anchor.meaning.owner {
		return false
	}
	return c.meaning.owner != "" || c.meaning.part == PartUsername || c.meaning.part == PartPassword || c.value == "5432"
}

// near reports whether a variable belongs to the group of an anchor, and to no other server of that group.
func (r *recognizer) near(c, anchor candidate) bool {
	if !c.single() || c.meaning.group == "" || c.meaning.group != anchor.meaning.group {
		return false
	}
	return !slices.ContainsFunc(r.all, func(other candidate) bool { return other.foreign && other.meaning.group == c.meaning.group })
}
