//go:build race

package cache_test

const raceDetector = true

// What random steps and deltas look for is not what the race detector finds, which makes
// each ten times as slow.
const (
	twinSteps  = 15
	manyDeltas = 1_000
)
