package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
	"rddsd/server/lookup"
)

// maxSample is how many names are looked up, an even sample in random order: so
// many that no processor's cache holds what is read for them.
const maxSample = 1 << 20

// sample is what is looked up.
type sample struct {
	hits, misses []string
	idns, typed  []string // the same names as A-labels and as U-labels
}

func newSample(g *synthetic.Registry, seed uint64) (*sample, error) {
	s := new(sample)
	step, i := 1+(g.Names-1)/maxSample, 0
	err := g.Each(synthetic.Sink{Domain: func(d *synthetic.Domain) error {
		if i++; i%step != 0 {
			return nil
		}
		s.hits = append(s.hits, d.Name)
		s.misses = append(s.misses, "free-"+d.Name)
		if d.UName != "" {
			s.idns, s.typed = append(s.idns, d.Name), append(s.typed, d.UName)
		}
		return nil
	}})
	if err != nil {
		return nil, fmt.Errorf("take the names of a generated registry: %w", err)
	}
	for _, list := range [...][]string{s.hits, s.misses, s.idns, s.typed} {
		rng := rand.New(rand.NewPCG(seed, 0))
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		gather(list)
	}
	return s, nil
}

// gather puts the texts of list one behind the other in memory: a server has
// just read the name that it looks up, so reading it must not be measured.
func gather(list []string) {
	all := strings.Join(list, "")
	for i, s := range list {
		list[i], all = all[:len(s)], all[len(s):]
	}
}

// measureLookups adds how long look-ups take, one after the other in one thread.
func measureLookups(ctx context.Context, f *figures, view *cache.View, s *sample, each time.Duration) error {
	var (
		d      registry.Domain
		c      registry.Contact
		n      registry.Nameserver
		line   []byte
		answer lookup.Answer
		finder = lookup.NewFinder(lookup.NewPolicies(nil, func(tld string) lookup.Policy {
			return lookup.Policy{TLD: tld, BaseURL: "http://127.0.0.1:8080/"}
		}))
		now = time.Now()
	)
	inView := func(want cache.Presence) func(string) error {
		return func(name string) error {
			if got := view.Domain(name, &d); got != want {
				return fmt.Errorf("look up %s: presence %d, want %d", name, got, want)
			}
			return nil
		}
	}
	// All that an answer about a domain shows.
	everything := func(name string) error {
		if got := view.Domain(name, &d); got != cache.Present {
			return fmt.Errorf("look up %s: presence %d, want %d", name, got, cache.Present)
		}
		if d.Registrant != "" {
			view.Contact(d.Registrant, &c)
		}
		for _, roid := range d.Tech {
			if roid != d.Registrant {
				view.Contact(roid, &c)
			}
		}
		for _, roid := range d.Hosts {
			view.Nameserver(roid, &n)
		}
		return nil
	}
	wholeWay := func(name string) error {
		line = append(append(line[:0], name...), "\r\n"...)
		query, err := lookup.ParseLine(line)
		if err != nil {
			return err
		}
		finder.Find(view, &query, now, &answer)
		if answer.Class != lookup.Found && answer.Class != lookup.Reserved { // pending creation
			return fmt.Errorf("look up %q: class %v, want found", name, answer.Class)
		}
		return nil
	}
	for _, m := range []struct {
		key, label string
		names      []string
		look       func(string) error
	}{
		{"hit_ns", "View: hit", s.hits, inView(cache.Present)},
		{"answer_ns", "View: hit, its contacts and hosts", s.hits, everything},
		{"miss_ns", "View: miss", s.misses, inView(cache.Absent)},
		{"idn_ns", "View: IDN, as A-label", s.idns, inView(cache.Present)},
		{"find_hit_ns", "query line to answer: hit", s.hits, wholeWay},
		{"find_idn_ns", "query line to answer: IDN, as U-label", s.typed, wholeWay},
	} {
		if len(m.names) == 0 {
			continue // a small registry may hold no IDN
		}
		ns, err := perCall(ctx, each, m.names, m.look)
		if err != nil {
			return err
		}
		f.add(m.key, m.label, ns, "ns")
	}
	return nil
}

// perCall calls do for names, over and over, and returns how many nanoseconds of
// processor time one call takes.
func perCall(ctx context.Context, length time.Duration, names []string, do func(string) error) (float64, error) {
	const chunk = 1024 // calls between two looks at the clock
	calls := 0
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := threadTime()
	for {
		for range chunk {
			if err := do(names[calls%len(names)]); err != nil {
				return 0, err
			}
			calls++
		}
		if took := threadTime() - begun; took >= length {
			return float64(took.Nanoseconds()) / float64(calls), nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}
