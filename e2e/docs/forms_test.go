package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// form has the fields of GitHub's syntax for issue forms that this repository uses.
type form struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Labels      []string `json:"labels"`
	Body        []field  `json:"body"`
}

// field is a part of a form.
type field struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Attributes struct {
		Label       string `json:"label"`
		Description string `json:"description"`
		Render      string `json:"render"`
		Value       string `json:"value"`
	} `json:"attributes"`
	Validations struct {
		Required bool `json:"required"`
	} `json:"validations"`
}

// TestIssueForms_AreComplete parses the forms strictly: GitHub ignores a form with a mistake.
func TestIssueForms_AreComplete(t *testing.T) {
	for name, text := range contents(t, ".github/ISSUE_TEMPLATE/*.yml") {
		if name == "config.yml" {
			continue
		}
		var f form
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), &f), name)
		assert.NotEmpty(t, f.Name+f.Description, name)
		require.NotEmpty(t, f.Body, name)
		ids := map[string]bool{}
		for _, part := range f.Body {
			assert.Contains(t, []string{"markdown", "textarea", "input"}, part.Type, name)
			if part.Type == "markdown" {
				assert.NotEmpty(t, part.Attributes.Value, name)
				continue
			}
			assert.NotEmpty(t, part.Attributes.Label, "%s: %s", name, part.ID)
			assert.False(t, ids[part.ID], "%s has two fields %q", name, part.ID)
			ids[part.ID] = true
		}
		assert.True(
			t,
			slices.ContainsFunc(f.Body, func(part field) bool { return part.Validations.Required }),
			"%s requires something",
			name,
		)
	}
}

// TestIssueForms_NameFilesThatExist follows what the forms and their links name in this repository.
func TestIssueForms_NameFilesThatExist(t *testing.T) {
	named := 0
	for name, text := range contents(t, ".github/ISSUE_TEMPLATE/*.yml") {
		for _, file := range regexp.MustCompile(`(?:docs/)?\w+\.md`).FindAllString(text, -1) {
			named++
			assert.FileExists(t, filepath.Join(repository, file), name)
		}
	}
	require.Positive(t, named)
}
