package main

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	}
	return s, nil
}

// measureLookups adds how long look-ups take, one after the other in one thread.
func measureLookups(ctx context.Context, f *figures, view *cache.View, s *sample, each time.Duration) error {
	var (
		d      registry.Domain
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

// perCall calls do for names, over and over, and returns how many nanoseconds one
// call takes.
func perCall(ctx context.Context, length time.Duration, names []string, do func(string) error) (float64, error) {
	const chunk = 1024 // calls between two looks at the clock
	calls := 0
	begun := time.Now()
	for {
		for range chunk {
			if err := do(names[calls%len(names)]); err != nil {
				return 0, err
			}
			calls++
		}
		if took := time.Since(begun); took >= length {
			return float64(took.Nanoseconds()) / float64(calls), nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}
