//go:build !race

package feed_test

// underRace says that the race detector slows this run down.
const underRace = false
