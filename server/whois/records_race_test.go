//go:build race

package whois

// records is less under the race detector, which has nothing to find in a pure
// function and makes it fifteen times slower.
const records = 5_000
