//go:build race

package rdap

// raceEnabled says that the tests run under the race detector.
const raceEnabled = true
