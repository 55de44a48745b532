package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExplanations_EveryReasonHasASection: the section that a finding names exists and explains it.
func TestExplanations_EveryReasonHasASection(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "findings.md"))
	require.NoError(t, err)
	var explained []Reason
	for _, e := range Explanations() {
		explained = append(explained, Reason(e.Code))
	}
	assert.Equal(t, worstFirst(), append(explained, OK), "each reason, in order")
	assert.Empty(t, OK.Page())
	for _, reason := range explained {
		_, section, found := strings.Cut(string(page), "\n### check "+string(reason)+"\n")
		require.True(t, found, reason)
		section, _, _ = strings.Cut(section, "\n### ")
		assert.Contains(t, section, "\nFix: ", reason)
		assert.Equal(t, "docs/findings.md#check-"+strings.ToLower(string(reason)), reason.Page())
	}
}
