package config

import "slices"

// nearest returns the word in words that wrong was most likely meant to be, ""
// if none is near.
func nearest(wrong string, words []string) string {
	best, least := "", min(3, 1+len(wrong)/3)+1
	for _, word := range slices.Sorted(slices.Values(words)) {
		if d := distance(wrong, word); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance returns how many letters must be put in, left out, changed or
// swapped with their neighbour to turn a into b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
