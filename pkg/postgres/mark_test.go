package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAccessRoleNames(t *testing.T) {
	seen := map[string]Access{}
	for _, access := range []Access{
		{Database: "a_b", Schemas: []string{"c"}, Level: All},
		{Database: "a", Schemas: []string{"b_c"}, Level: All},
		{Database: "a", Schemas: []string{"b", "c"}, Level: All},
		{Database: "a", Schemas: []string{"b", "c"}, Level: ReadOnly},
		{Database: "a", Schemas: []string{"b", "c"}, Level: ReadOnly, Isolated: "x"},
		{Database: "A", Schemas: []string{"b_c"}, Level: All},
		{Database: strings.Repeat("long", 20), Schemas: []string{strings.Repeat("name", 20)}, Level: ReadWrite},
		{Database: `"; DROP`, Schemas: []string{"ünï"}, Level: ReadWrite},
	} {
		name := access.Role()
		assert.Regexp(t, `^pgbind_[a-z0-9_]*$`, name)
		assert.LessOrEqual(t, len(name), 63)
		assert.NotContains(t, seen, name)
		seen[name] = access
	}
}

func TestTheOrderOfSchemasDoesNotMatter(t *testing.T) {
	one := Access{Database: "d", Schemas: []string{"a", "b"}, Level: All}
	other := Access{Database: "d", Schemas: []string{"b", "a"}, Level: All}
	assert.Equal(t, one.Role(), other.Role())
	assert.Equal(t, one.claim(), other.claim())
}

func TestAClaimIsNotTheBeginningOfAnother(t *testing.T) {
	short, long := Owner{ID: "a", Namespace: "ns"}, Owner{ID: "a", Namespace: "ns2"}
	assert.False(t, strings.HasPrefix(long.mark(), short.claim()))
	assert.True(t, strings.HasPrefix(short.mark(), short.claim()))
}
