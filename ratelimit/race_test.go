//go:build race

package ratelimit

// strangers is how many clients come where there should be very many. The race detector
// slows one goroutine's work down tenfold and finds nothing in it.
const strangers = 100_000
