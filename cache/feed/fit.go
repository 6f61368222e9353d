package feed

import (
	"fmt"

	"rddsd/cache"
)

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
// beside what is served. unfit tells what was found then, nil else. To make a
// View takes a third more than the View for a while.
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
			if needs := builder.Memory() / 3 * 4; served+needs > l.MemoryLimit {
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
