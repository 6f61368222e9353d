//go:build !linux

package ratelimit

// huge does nothing: only Linux is asked for large pages.
func huge[T any](list []T) []T { return list }
