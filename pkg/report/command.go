package report

import (
	"regexp"
	"strings"
)

// Command returns a command line that a user can run in a shell. It quotes words that the shell would change.
func Command(words ...string) string {
	plain := regexp.MustCompile(`^[A-Za-z0-9_./:=,@-]+$`)
	quoted := make([]string, len(words))
	for i, word := range words {
		if quoted[i] = word; !plain.MatchString(word) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
