//go:build !race

package ratelimit

// strangers is how many clients come where there should be very many.
const strangers = 1_000_000
