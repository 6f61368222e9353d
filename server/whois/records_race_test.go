//go:build race

package whois

// someRecords is less under the race detector, which has nothing to find in a pure
// function and makes it fifteen times slower.
const someRecords = 2_000

// maxAllocs is how many allocations go by for none: under the race detector a
// sync.Pool forgets at random.
const maxAllocs = 10
