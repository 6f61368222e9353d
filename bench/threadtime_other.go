//go:build !linux

package main

import "time"

var begun = time.Now()

// threadTime returns the time on the wall: this system does not tell that of a
// thread.
func threadTime() time.Duration { return time.Since(begun) }
