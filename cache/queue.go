package cache

import "unsafe"

// queue gathers what is to be put into an index, so that the memory which it needs
// is fetched for all of it at once: read one after the other, each line that no
// cache holds is waited for (BenchmarkBuild).
type queue struct {
	list [queueSize]queued
	n    int
}

// queueSize is more than a processor fetches at once, and little to wait for.
const queueSize = 32

// queued is a value for the line at.
type queued struct {
	at    int
	value uint64
}

// add reports whether q is full now, and is to be taken.
func (q *queue) add(at int, value uint64) (full bool) {
	q.list[q.n] = queued{at, value}
	q.n++
	return q.n == len(q.list)
}

// take returns what waits, and prefetches the lines of data that it is for. It
// is valid until the next add.
func (q *queue) take(data []byte) []queued {
	list := q.list[:q.n]
	q.n = 0
	for i := range list {
		prefetch(unsafe.Pointer(&data[list[i].at]))
	}
	return list
}
