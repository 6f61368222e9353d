package feed

import (
	"fmt"

	"rddsd/cache"
	"rddsd/cache/registry"
)

const (
	// A delta of more than one in largeShare of all objects is not applied: a
	// snapshot costs less (feed.md §4). The floor keeps small registries from
	// taking one all the time; it is what one statement reads.
	largeShare = 5
	largeFloor = 5000

	// changeBytes is what one change of a large delta takes until it is folded:
	// the key and the row as they were read, the overlay, the record for the log
	// with what is left free of its buffer. In a base it is a tenth of that, so a
	// delta may take as much memory as a snapshot would, and largeRoom at least:
	// it is served the sooner.
	changeBytes = 1 << 10
	largeRoom   = 256 << 20 // bytes
)

// LargeDelta returns how many changes a delta to view may have at most: a larger
// one is not worth reading, because a snapshot takes less memory, or because it
// does not fit in memoryLimit, in bytes; 0 is no limit. view is nil before the
// first.
func LargeDelta(view *cache.View, memoryLimit int64) int {
	if view == nil {
		return largeFloor
	}
	room := max(largeRoom, building(view.Memory()))
	if memoryLimit > 0 {
		room = min(room, memoryLimit-view.Memory())
	}
	return max(largeFloor, min(objects(view)/largeShare, int(room/changeBytes)))
}

func objects(view *cache.View) int {
	n := 0
	for kind := range registry.Kind(registry.Kinds) {
		n += view.Count(kind)
	}
	return n
}

// building returns what it takes for a while to make a View of a size: a third
// more.
func building(bytes int64) int64 { return bytes / 3 * 4 }

// misfit says that something would take more memory than Follower.MemoryLimit.
type misfit struct {
	what          string
	served, needs int64 // bytes: what is served, what would stand beside it
	limit         int64
}

// Error tells the numbers and what to do.
func (m *misfit) Error() string {
	return fmt.Sprintf("%s does not fit: it needs %d MiB beside the %d MiB that are served, and [data] memory_limit is %d MiB; raise it, if the machine has more",
		m.what, m.needs>>20, m.served>>20, m.limit>>20)
}

// fitEvery is after how many objects a Builder is asked how large it has grown:
// 8192 objects are a megabyte or two.
const fitEvery = 8192

// putting returns builder.Put that stops once the View of builder would not fit
// beside what is served. unfit tells what was found then, nil else.
func (l *loop) putting(builder *cache.Builder) (put func(cache.Change) error, unfit func() *misfit) {
	var found *misfit
	if l.MemoryLimit == 0 {
		return builder.Put, func() *misfit { return nil }
	}
	served := int64(0)
	if l.view != nil {
		served = l.view.Memory()
	}
	n := 0
	put = func(c cache.Change) error {
		if n++; n%fitEvery == 0 {
			if needs := building(builder.Memory()); served+needs > l.MemoryLimit {
				found = &misfit{fmt.Sprintf("a snapshot of %d objects and more", n), served, needs, l.MemoryLimit}
				return found
			}
		}
		return builder.Put(c)
	}
	return put, func() *misfit { return found }
}

// refused notes that something did not fit, and logs it once until something
// does.
func (f *Follower) refused(m *misfit) {
	f.mu.Lock()
	first := f.status.MemoryError == ""
	f.status.MemoryError = m.Error()
	f.mu.Unlock()
	if !first {
		return
	}
	meanwhile := "what is served goes on"
	if f.Cache.Current() == nil {
		meanwhile = "there is nothing to answer from"
	}
	f.Log.Error("out of the memory that is allowed: "+meanwhile+", and it is tried again", "error", m.Error())
}

// fitted notes that what was to be made fitted.
func (f *Follower) fitted() {
	f.mu.Lock()
	was := f.status.MemoryError
	f.status.MemoryError = ""
	f.mu.Unlock()
	if was != "" {
		f.Log.Info("within the memory that is allowed again")
	}
}
