// Package shard divides bindings among processes that do not communicate.
package shard

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Shard is part Index of Count. The zero Shard contains everything.
type Shard struct{ Index, Count int }

// Parse reads "I/N": part I of N, counted from 0. In the form "/N", I is index, which an Indexed Job passes to its Pods.
// An empty text is the zero Shard.
func Parse(text, index string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	part, count, found := strings.Cut(text, "/")
	if part == "" {
		part = index
	}
	s := Shard{}
	var errIndex, errCount error
	s.Index, errIndex = strconv.Atoi(part)
	s.Count, errCount = strconv.Atoi(count)
	switch {
	case !found || errCount != nil || s.Count < 1:
		return Shard{}, fmt.Errorf("invalid shard %q: use I/N, such as 0/4, or /N in a Pod of an Indexed Job", text)
	case errIndex != nil || s.Index < 0 || s.Index >= s.Count:
		return Shard{}, fmt.Errorf(
			"invalid shard index %q: use one of 0 to %d, such as 0/%d, or let an Indexed Job set JOB_COMPLETION_INDEX",
			part, s.Count-1, s.Count,
		)
	}
	return s, nil
}

// Has reports whether the shard has the item with these words as its key. Of all shards of one count, exactly one has it.
func (s Shard) Has(words ...string) bool {
	if s.Count < 2 {
		return true
	}
	return hash(words)%uint64(s.Count) == uint64(s.Index) //nolint:gosec // neither is negative
}

// hash must not change: otherwise a shard that runs again, with a newer version, would have other items.
func hash(words []string) uint64 {
	sum := fnv.New64a()
	for _, word := range words {
		_, _ = sum.Write([]byte(word + "\x00")) // a hash never fails
	}
	return sum.Sum64()
}

// First reports whether the shard also has the items without a key.
func (s Shard) First() bool { return s.Index == 0 }
