// Package similar finds the names that a mistyped word can mean.
package similar

import (
	"slices"
	"strings"
)

// The limits of a suggestion. A shorter word with as many mistakes is another word.
const (
	maxMistakes   = 2 // as in cobra
	lettersForOne = 3 // the word has at least so many letters for each mistake
)

// Names returns the names that the word can mean, the nearest first: those that differ in few letters, and those that it abbreviates.
// It ignores case.
func Names(word string, names []string) []string {
	word = strings.ToLower(word)
	if len(word) < lettersForOne {
		return nil
	}
	distances := map[string]int{}
	var found []string
	for _, name := range names {
		distances[name] = distance(word, strings.ToLower(name))
		near := distances[name] <= min(maxMistakes, len(word)/lettersForOne)
		if near && len(name) >= lettersForOne || strings.HasPrefix(strings.ToLower(name), word) {
			found = append(found, name)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return distances[a] - distances[b] })
	return found
}

// distance returns how many letters have to be inserted, deleted or replaced to turn a into b.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1) // row[j]: the distance of the first i letters of a and the first j of b
	for j := range row {
		row[j] = j
	}
	for i, letter := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j := range to {
			replaced := diagonal
			if letter != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, replaced)
		}
	}
	return row[len(to)]
}
