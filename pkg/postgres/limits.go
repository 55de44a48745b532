package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Limits are how many connections a login role can have, and with which parameters its sessions begin.
type Limits struct {
	Connections *int32 // at the same time; -1: no limit; nil: as it is
	// Keep means that Connections comes from an earlier bind. It then applies only if the role has no limit: whoever
	// can write the metadata of the binding can restrict the role, but neither raise nor remove its limit.
	Keep bool
	// Settings are parameters for the sessions in the bound database, and their values. An empty value resets the parameter. Others stay.
	Settings map[string]string
}

// setting is a parameter as the SQL scripts read it.
type setting struct {
	Name  string   `json:"name"`
	List  bool     `json:"list"`  // of identifiers, which the server quotes one by one
	Parts []string `json:"parts"` // the elements of a list, or else the value; none: reset
}

// settings returns the parameters in the order of their names.
func (l Limits) settings() []setting {
	all := []setting{}
	for name, value := range l.Settings {
		one := setting{Name: name, List: isList(name), Parts: []string{}}
		switch {
		case value == "":
		case one.List:
			one.Parts = elements(value)
		default:
			one.Parts = []string{value}
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b setting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// isList reports whether the value of a parameter is a list of identifiers.
func isList(name string) bool { return name == "search_path" || name == "temp_tablespaces" }

const (
	identifierPattern = `"((?:[^"]|"")*)"|([^",\s]+)`
	listPattern       = `^\s*(?:` + identifierPattern + `)(?:\s*,\s*(?:` + identifierPattern + `))*\s*$`
	parameterPattern  = `^[a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)*$`
)

// elements returns the identifiers of a list. Those without quotes are folded to lower case, as SQL does.
func elements(list string) []string {
	var all []string
	for _, match := range regexp.MustCompile(identifierPattern).FindAllStringSubmatch(list, -1) {
		if match[2] == "" {
			all = append(all, strings.ReplaceAll(match[1], `""`, `"`))
			continue
		}
		all = append(all, strings.ToLower(match[2]))
	}
	return all
}

// SameSetting reports whether two values of a parameter, as the user or the server writes them, mean the same.
func SameSetting(name, a, b string) bool {
	if isList(name) {
		return slices.Equal(elements(a), elements(b))
	}
	return a == b
}

// CheckSetting refuses a parameter that no binding sets, and a value that is no list of identifiers although it must be
// one. The server checks other values, and which parameters it knows.
func CheckSetting(name, value string) error {
	switch {
	case !regexp.MustCompile(parameterPattern).MatchString(name):
		return fmt.Errorf("invalid name %q: use a parameter of PostgreSQL in lower case, such as statement_timeout", name)
	case name == "role" || name == "session_authorization":
		return fmt.Errorf("parameter %s decides as which role the login acts: choose that with --access", name)
	case name == "local_preload_libraries" || name == "session_preload_libraries":
		return fmt.Errorf("parameter %s can prevent every login: set it for the server or the database", name)
	case strings.ContainsRune(value, 0):
		return fmt.Errorf("the value of parameter %s contains a NUL character", name)
	case value != "" && isList(name) && !regexp.MustCompile(listPattern).MatchString(value):
		return fmt.Errorf(
			"the value of parameter %s is no list of names: separate them with commas, and quote a name with special characters: app, \"My schema\"",
			name,
		)
	}
	return nil
}

// CheckConnectionLimit refuses a limit with which nobody can log in.
func CheckConnectionLimit(limit int32) error {
	if limit < -1 || limit == 0 {
		return errors.New("use 1 or more, or -1 for no limit")
	}
	return nil
}

// SettingError reports that a login role does not get a parameter.
type SettingError struct {
	Name    string
	Context string // who can set the parameter, as pg_settings has it; empty: the server does not know it, or Err says more
	Err     error  // of the server; nil: it was not asked
}

func (e *SettingError) Error() string {
	flag := "--set " + e.Name
	switch {
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", flag, e.Err)
	case e.Context == "":
		return fmt.Sprintf("%s: the server has no parameter of this name that the application can set: look for it in pg_settings", flag)
	case e.Context == "superuser":
		return fmt.Sprintf(
			"%s: only a superuser can set this parameter, and a binding gives the application no more than it can set itself: "+
				"set it with ALTER ROLE, which rotate copies",
			flag,
		)
	}
	return fmt.Sprintf("%s: this parameter cannot be set for a role: set it for the server", flag)
}

// Unwrap returns the error of the server.
func (e *SettingError) Unwrap() error { return e.Err }
