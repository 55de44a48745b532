package postgres

import (
	"encoding/json"
	"strings"
	"time"
)

// surveyLine is one line that a survey's script reports.
type surveyLine struct {
	Role        *roleLine    `json:"role"`
	Databases   []string     `json:"databases"`
	Connections int          `json:"connections"`
	About       []int        `json:"about"`    // the questions that the next lines answer
	Question    *int         `json:"question"` // the question that the next lines answer
	Exists      bool         `json:"exists"`   // its login role
	Shares      bool         `json:"shares"`   // the answers of its access role
	Lacks       []string     `json:"lacks"`
	Exceeds     []string     `json:"exceeds"`
	NoSchemas   []string     `json:"noSchemas"`
	NoExtension []string     `json:"noExtensions"`
	Escalations []Escalation `json:"escalations"`
	Shadows     []Escalation `json:"shadows"`
	Shared      []string     `json:"sharedCode"`
}

type roleLine struct {
	Name       string     `json:"name"`
	Mark       string     `json:"mark"`
	CanLogin   bool       `json:"canLogin"`
	Privileged bool       `json:"privileged"`
	ValidUntil *time.Time `json:"validUntil"`
	Expired    bool       `json:"expired"`
	MemberOf   []string   `json:"memberOf"`

	ConnectionLimit int                 `json:"connectionLimit"`
	Sessions        int                 `json:"sessions"`
	Settings        map[string][]string `json:"settings"` // NAME=VALUE, by database
}

// take reads what the session reported.
func (f *Survey) take(out *output) {
	var about []int
	for _, text := range out.reports {
		var line surveyLine
		if json.Unmarshal(text, &line) != nil {
			continue
		}
		switch {
		case line.Role != nil:
			f.Roles[line.Role.Name] = line.Role.marked()
		case line.About != nil:
			about = line.About
		case line.Question != nil:
			about = []int{*line.Question}
			f.own(line)
		}
		f.Connections = max(f.Connections, line.Connections)
		f.Databases = append(f.Databases, line.Databases...)
		for _, number := range about {
			if number >= 0 && number < len(f.Answers) {
				f.Answers[number].add(line)
			}
		}
	}
}

// own removes from the answer to a question what its login role does not share: the answers of the access role, and
// without the role all of them.
func (f *Survey) own(line surveyLine) {
	number := *line.Question
	if line.Exists && line.Shares || number < 0 || number >= len(f.Answers) {
		return
	}
	kept := Answer{}
	if line.Exists {
		kept.Escalations = f.Answers[number].Escalations
	}
	f.Answers[number] = kept
}

// add takes what one line says about the question.
func (a *Answer) add(line surveyLine) {
	a.Lacks, a.Exceeds = append(a.Lacks, line.Lacks...), append(a.Exceeds, line.Exceeds...)
	a.NoSchemas, a.NoExtensions = append(a.NoSchemas, line.NoSchemas...), append(a.NoExtensions, line.NoExtension...)
	a.Escalations = append(a.Escalations, line.Escalations...)
	a.Shadows, a.SharedCode = append(a.Shadows, line.Shadows...), append(a.SharedCode, line.Shared...)
}

// settingsOf returns the settings by database and name.
func settingsOf(lines map[string][]string) map[string]map[string]string {
	if len(lines) == 0 {
		return nil
	}
	all := map[string]map[string]string{}
	for database, settings := range lines {
		all[database] = map[string]string{}
		for _, line := range settings {
			name, value, _ := strings.Cut(line, "=")
			all[database][strings.ToLower(name)] = value
		}
	}
	return all
}

func (l *roleLine) marked() MarkedRole {
	role := MarkedRole{Name: l.Name, CanLogin: l.CanLogin, Privileged: l.Privileged, Expired: l.Expired, MemberOf: l.MemberOf,
		ConnectionLimit: l.ConnectionLimit, Sessions: l.Sessions, Settings: settingsOf(l.Settings)}
	role.Owner, role.Marked = parseOwner(l.Mark)
	if l.ValidUntil != nil {
		role.ValidUntil = *l.ValidUntil
	}
	return role
}
