//go:build e2e

package privileges

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed climb/*.sql
var wayFiles embed.FS

const ownSource = "found in this project"

// way is one known way to exceed a level. Its file contains what the attacker tries, and what a control adds so that it works.
type way struct {
	name, title, source string
	control             string // what the control adds
	first, last         int    // server versions
	sections            map[string]string
}

// fromElsewhere returns whether others published the way.
func (w way) fromElsewhere() bool { return w.source != ownSource }

// bySuperuser returns whether the control makes the login a superuser.
func (w way) bySuperuser() bool { return w.control == "superuser" }

// mentions returns whether the way's SQL has the word.
func (w way) mentions(word string) bool {
	for _, text := range w.sections {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func (w way) exists(version int) bool { return w.first <= version && version <= w.last }

// readWays reads the files of all ways. A file that lacks a part, or has an unknown one, fails the test.
func readWays(t *testing.T) []way {
	t.Helper()
	entries, err := wayFiles.ReadDir("climb")
	require.NoError(t, err)
	var ways []way
	for _, entry := range entries {
		text, err := wayFiles.ReadFile(path.Join("climb", entry.Name()))
		require.NoError(t, err)
		headers, sections, err := parseSections(string(text))
		require.NoError(t, err, entry.Name())
		w, err := newWay(headers, sections)
		require.NoError(t, err, entry.Name())
		w.name = strings.TrimSuffix(entry.Name(), ".sql")
		ways = append(ways, w)
	}
	return ways
}

func newWay(headers, sections map[string]string) (way, error) {
	for header, value := range headers {
		if !slices.Contains([]string{"way", "source", "versions", "control"}, header) || value == "" {
			return way{}, fmt.Errorf("the header %q is unknown or empty", header)
		}
	}
	for section, text := range sections {
		if !slices.Contains([]string{"setup", "application", "others", "again", "control"}, section) || text == "" {
			return way{}, fmt.Errorf("the section %q is unknown or empty", section)
		}
	}
	w := way{title: headers["way"], source: headers["source"], control: headers["control"], last: 99, sections: sections}
	if w.title == "" || w.source == "" || w.control == "" {
		return way{}, fmt.Errorf("a header way, source or control is missing")
	}
	if sections["application"] == "" || (sections["control"] == "") != w.bySuperuser() {
		return way{}, fmt.Errorf("the section application or control is missing, or there is one too many")
	}
	if w.bySuperuser() {
		sections["control"] = `ALTER ROLE :"login" SUPERUSER;`
	}
	return w, w.setVersions(headers["versions"])
}

// setVersions reads FIRST-LAST, of which one may be missing.
func (w *way) setVersions(text string) (err error) {
	first, last, _ := strings.Cut(text, "-")
	if first != "" {
		if w.first, err = strconv.Atoi(first); err != nil {
			return err
		}
	}
	if last != "" {
		w.last, err = strconv.Atoi(last)
	}
	return err
}

// parseSections reads the comment lines "-- name: value" at the beginning, and the text below each line "-- section: name".
func parseSections(text string) (headers, sections map[string]string, err error) {
	line := regexp.MustCompile(`^-- ([a-z]+): (.*)$`)
	headers, sections = map[string]string{}, map[string]string{}
	section := ""
	for row := range strings.Lines(text) {
		match := line.FindStringSubmatch(strings.TrimSpace(row))
		switch {
		case match != nil && match[1] == "section":
			section = match[2]
			if _, twice := sections[section]; twice {
				return nil, nil, fmt.Errorf("there are two sections %q", section)
			}
			sections[section] = ""
		case section != "":
			sections[section] += row
		case match != nil:
			headers[match[1]] = match[2]
		case strings.TrimSpace(row) != "":
			return nil, nil, fmt.Errorf("the line is neither a header nor in a section: %s", row)
		}
	}
	for name, body := range sections {
		sections[name] = strings.TrimSpace(body)
	}
	return headers, sections, nil
}
