package shard

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Shard{"": {}, "0/4": {0, 4}, "3/4": {3, 4}, "/4": {2, 4}, "0/1": {0, 1}} {
		s, err := Parse(text, "2")
		require.NoError(t, err, text)
		assert.Equal(t, want, s, text)
	}
	for _, text := range []string{"4", "4/4", "-1/4", "0/0", "x/4", "1/x", "/2", "1/4/2"} {
		_, err := Parse(text, "2")
		require.Error(t, err, text)
	}
	_, err := Parse("/4", "")
	require.ErrorContains(t, err, "JOB_COMPLETION_INDEX")
}

func TestHas_AssignsEachItemToOneShard(t *testing.T) {
	const all, count = 1000, 4
	var sizes [count]int
	for i := range all {
		owners := 0
		for index := range count {
			if (Shard{index, count}).Has("ns", fmt.Sprintf("deployment.apps/app-%d", i), "postgres") {
				owners++
				sizes[index]++
			}
		}
		require.Equal(t, 1, owners)
	}
	for _, size := range sizes {
		assert.InDelta(t, all/count, size, all/count/4)
	}
	assert.True(t, Shard{}.Has("anything"))
}

func TestHash_IsStable(t *testing.T) {
	assert.Equal(t, uint64(0x3732dc0da59de94a), hash([]string{"shop", "deployment.apps/web", "postgres"}))
	assert.NotEqual(t, hash([]string{"ab", "c"}), hash([]string{"a", "bc"}))
}
