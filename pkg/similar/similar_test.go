package similar

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNames_FindsMistypedWords(t *testing.T) {
	names := []string{"deployment", "deployments", "deploy", "statefulset", "pod", "v", "as", "dbname", "admin-user", "deploymentconfig"}
	for word, want := range map[string][]string{
		"deploment":   {"deployment", "deployments"},
		"deploiments": {"deployments", "deployment"},
		"Deplyo":      {"deploy"},
		"dep":         {"deploy", "deployment", "deployments", "deploymentconfig"},
		"statefullst": {"statefulset"},
		"db-name":     {"dbname"},
		"pd":          nil, // too short
		"pg":          nil,
		"l":           nil,
		"":            nil,
		"bad":         nil, // two of three letters differ
		"job":         nil,
		"widget":      nil,
	} {
		assert.Equal(t, want, Names(word, names), word)
	}
}

func TestDistance_CountsLetters(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"web", "web", 0},
		{"deploment", "deployment", 1},
		{"kitten", "sitting", 3},
		{"flaw", "lawn", 2},
		{"größe", "grösse", 2},
	} {
		assert.Equal(t, test.want, distance(test.a, test.b), test)
		assert.Equal(t, test.want, distance(test.b, test.a), test)
	}
}
