package keys

import (
	"slices"
	"strings"
	"unicode"
)

// variableName is what the name of a variable says: DB_POSTGRESDB_USER is the user of "db_postgresdb". The owner is spelled as in the
// name, in lower case; the group is the same for all spellings of "database", so that PGUSER and DATABASE_HOST have one group.
type variableName struct {
	part         Part // empty: the name says nothing about its value
	owner, group string
	url          bool // the name has a word such as URL
	file         bool // the value is the path of a file
}

func parseName(name string) variableName {
	words := wordsOf(name)
	var n variableName
	if n.file = len(words) > 1 && words[len(words)-1] == "file"; n.file {
		words = words[:len(words)-1]
	}
	n.part, words = partOf(words)
	all := len(words)
	words = slices.DeleteFunc(words, func(word string) bool { return slices.Contains(urlWords(), word) })
	n.url = len(words) < all
	words = slices.Compact(words)
	n.owner = strings.Join(words, "_")
	for i, word := range words {
		if isDatabaseWord(word) {
			words[i] = "db"
		}
	}
	n.group = strings.Join(slices.Compact(words), "_")
	return n
}

// partOf splits off the words that name a part of a login.
func partOf(words []string) (Part, []string) {
	last := len(words) - 1
	if last < 0 {
		return "", words
	}
	rest, before := words[:last], ""
	if last > 0 {
		before = words[last-1]
	}
	switch word := words[last]; {
	case slices.Contains([]string{"host", "hostname", "hostaddr", "server", "addr", "address", "endpoint", "seeds"}, word):
		return PartHost, rest
	case word == "port":
		return PartPort, rest
	case slices.Contains([]string{"user", "username", "login"}, word):
		return PartUsername, withoutUser(rest)
	case word == "name" && before == "user":
		return PartUsername, withoutUser(rest[:last-1])
	case slices.Contains([]string{"password", "pass", "passwd", "pwd"}, word):
		return PartPassword, withoutUser(rest)
	case word == "name" && isDatabaseWord(before), isDatabaseName(word) && last > 0:
		return PartDatabase, rest
	}
	return "", words
}

// withoutUser removes the word of DB_USER_PASSWORD that is not part of the owner.
func withoutUser(words []string) []string {
	if n := len(words); n > 1 && words[n-1] == "user" {
		return words[:n-1]
	}
	return words
}

func isDatabaseName(word string) bool { return word == "db" || word == "database" }

func isDatabaseWord(word string) bool {
	return slices.Contains([]string{
		"db",
		"database",
		"databases",
		"postgres",
		"postgresql",
		"postgresdb",
		"pg",
		"pgsql",
		"psql",
		"sql",
		"jdbc",
		"datasource",
		"datastore",
	}, word)
}

// urlWords do not distinguish owners: KC_DB_URL_HOST and KC_DB_USERNAME belong together.
func urlWords() []string {
	return []string{"url", "uri", "dsn", "conn", "connection", "conninfo", "connstr"}
}

// wordsOf splits a name at punctuation and, if it has lower case, before capital letters. It also splits words such as pghost and dbname.
func wordsOf(name string) []string {
	var spaced strings.Builder
	mixed := strings.ToUpper(name) != name
	var before rune
	for _, r := range name {
		switch {
		case r == '_' || r == '-' || r == '.':
			r = ' '
		case mixed && unicode.IsUpper(r) && unicode.IsLower(before):
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(unicode.ToLower(r))
		before = r
	}
	var words []string
	for _, word := range strings.Fields(spaced.String()) {
		words = append(words, unglued(word)...)
	}
	return words
}

func unglued(word string) []string {
	for _, prefix := range []string{"postgres", "pg", "db"} {
		rest := strings.TrimPrefix(word, prefix)
		part, _ := partOf([]string{rest})
		if rest != word && (part != "" || isDatabaseName(rest) || rest == "name") {
			return []string{prefix, rest}
		}
	}
	return []string{word}
}
