// Package tally counts queries, each once, by TLD, service, object, class and
// audience (design.md §6), and keeps the counts by UTC month in a file, so that
// a month's report (whois.md L-14) survives restarts and crashes.
package tally

import (
	"iter"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// Service is through which service a query came.
type Service uint8

const (
	WHOIS Service = iota // port 43
	RDAP
	Web // the lookup page and the directory

	Services = 3 // how many there are
)

var serviceNames = [Services]string{"whois", "rdap", "web"}

// String returns the label of the service in metrics and in the file.
func (s Service) String() string {
	if s >= Services {
		return "service?"
	}
	return serviceNames[s]
}

const (
	// MaxTLDs bounds the memory of a Tally: one TLD costs 13 kB, and the label
	// can come from a name that was asked for. What comes after the
	// thousandth is counted under Other.
	MaxTLDs = 1000

	// NoTLD counts what stands under no TLD: help, junk, searches.
	NoTLD = "none"

	// Other counts what found no room among MaxTLDs.
	Other = "other"
)

// Tally counts queries. The zero value counts in memory only; Open returns one
// that keeps its counts in a file. All methods are safe for concurrent use.
type Tally struct {
	byTLD atomic.Pointer[map[string]*entry] // replaced, never changed

	mu   sync.Mutex // held to add an entry, to book and to write
	path string     // of the file; "" = in memory only
	log  *slog.Logger
	now  func() time.Time

	month   Month                      // to which the next booking goes
	months  map[Month]map[string]sheet // what is booked, by TLD
	earlier map[string]sheet           // of months that are no longer kept
	dirty   bool                       // booked since the last write
	failing bool                       // the last write of Serve failed; Serve alone uses it
}

// places is how many counters one TLD has.
const places = int(Services) * lookup.Objects * lookup.Classes * ratelimit.Audiences

// place numbers the counters of a TLD.
func place(s Service, o lookup.Object, c lookup.Class, a ratelimit.Audience) int {
	return ((int(s)*lookup.Objects+int(o))*lookup.Classes+int(c))*ratelimit.Audiences + int(a)
}

// entry holds the counters of one TLD. They only grow: what was counted before
// the start is in them from the start, so that they are the totals of all time.
type entry struct {
	counts [places]atomic.Uint64
	booked [places]uint64 // of counts, how much has gone to a month; under Tally.mu
}

// sheet holds the counters of one TLD in one month that are not zero.
type sheet map[int]uint64

// Count counts one query. tld is an A-label, "" for none. It takes no lock and
// allocates nothing but at the first query for a TLD.
func (t *Tally) Count(s Service, tld string, o lookup.Object, c lookup.Class, a ratelimit.Audience) {
	if tld == "" {
		tld = NoTLD
	}
	t.entry(tld).counts[place(s, o, c, a)].Add(1)
}

func (t *Tally) entry(tld string) *entry {
	if byTLD := t.byTLD.Load(); byTLD != nil {
		if e := (*byTLD)[tld]; e != nil {
			return e
		}
	}
	return t.add(tld)
}

func (t *Tally) add(tld string) *entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	var byTLD map[string]*entry
	if old := t.byTLD.Load(); old != nil {
		byTLD = *old
	}
	if len(byTLD) >= MaxTLDs && byTLD[tld] == nil {
		tld = Other
	}
	if e := byTLD[tld]; e != nil {
		return e
	}
	next := maps.Clone(byTLD)
	if next == nil {
		next = map[string]*entry{}
	}
	e := new(entry)
	next[strings.Clone(tld)] = e // the caller's may share the memory of a View
	t.byTLD.Store(&next)
	return e
}

// Counter is one counter and what it has counted.
type Counter struct {
	TLD      string
	Service  Service
	Object   lookup.Object
	Class    lookup.Class
	Audience ratelimit.Audience
	N        uint64
}

// Totals yields each counter that is not zero, in no order, with all that was
// ever counted there.
func (t *Tally) Totals() iter.Seq[Counter] {
	return func(yield func(Counter) bool) {
		byTLD := t.byTLD.Load()
		if byTLD == nil {
			return
		}
		for tld, e := range *byTLD {
			for i := range e.counts {
				if n := e.counts[i].Load(); n != 0 && !yield(counter(tld, i, n)) {
					return
				}
			}
		}
	}
}

// counter is the reverse of place.
func counter(tld string, i int, n uint64) Counter {
	c := Counter{TLD: tld, N: n, Audience: ratelimit.Audience(i % ratelimit.Audiences)}
	i /= ratelimit.Audiences
	c.Class = lookup.Class(i % lookup.Classes)
	i /= lookup.Classes
	c.Object, c.Service = lookup.Object(i%lookup.Objects), Service(i/lookup.Objects)
	return c
}
