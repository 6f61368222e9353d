package command

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much the heap may grow, in percent of what is in use, before it
// is collected. Nearly all that is in use are the limiter's tables, which hold no
// pointers: a collection takes a millisecond, and Go's 100 % would let as much
// garbage lie about as the tables are large.
const gcPercent = 25

// TuneHeap sets when the heap is collected, unless GOGC of the environment does.
func TuneHeap() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
