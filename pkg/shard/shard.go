// Package shard splits bindings among processes that know nothing of each other.
package shard

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Shard is one part of Count. The zero Shard is everything.
type Shard struct{ Index, Count int }

// Parse reads "I/N", the part I, counted from 0, of N. Where I is left out, as in "/4", it is index, which a Job gives to its Pods. An empty
// text is the zero Shard. The error says what is expected.
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
		return Shard{}, fmt.Errorf("the shard %q is not I/N, as in 0/4, or /4 in a Pod of an Indexed Job", text)
	case errIndex != nil || s.Index < 0 || s.Index >= s.Count:
		return Shard{}, fmt.Errorf("the shard's index %q is not one of 0 to %d: give it as in 0/%d, or let an Indexed Job set JOB_COMPLETION_INDEX", part, s.Count-1, s.Count)
	}
	return s, nil
}

// Has says whether what is known by these words is of this shard. Of all shards of one count, exactly one has it, whatever else there is.
func (s Shard) Has(words ...string) bool {
	if s.Count < 2 {
		return true
	}
	return hash(words)%uint64(s.Count) == uint64(s.Index) //nolint:gosec // neither is negative
}

// hash must stay as it is: with another one, a shard that is redone would do another one's part.
func hash(words []string) uint64 {
	sum := fnv.New64a()
	for _, word := range words {
		_, _ = sum.Write([]byte(word + "\x00")) // a hash takes everything
	}
	return sum.Sum64()
}

// First says whether this shard also has what belongs to none.
func (s Shard) First() bool { return s.Index == 0 }
