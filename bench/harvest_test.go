package main

import (
	"testing"
	"time"
)

// Two days of the simulation: a harvester gets something and no more than it may, and
// nobody else notices it.
func TestHarvestSimulation(t *testing.T) {
	for _, h := range harvesters() {
		if h.name != "1 address" && h.name != "a /24" {
			continue
		}
		s, err := newSimulation(10_000, 20, h, 1)
		if err != nil {
			t.Fatal(err)
		}
		s.length = before + 24*time.Hour
		if err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := s.result(0)
		if float64(r.WorstDay) > r.BoundDay || r.Shown < 50 || r.ByDay[0] != 0 {
			t.Errorf("%s was shown %v by day, want 50 at least and %.0f a day at most", h.name, r.ByDay, r.BoundDay)
		}
		for name, l := range r.Groups {
			if name != groupNames[harvesting] && (l.LimitedDays > 0 || l.Queries == 0) {
				t.Errorf("against %s, %s: %+v, want some queries and none limited", h.name, name, l)
			}
		}
	}
}

func TestHarvestIsRepeatable(t *testing.T) {
	shown := func() int64 {
		s, err := newSimulation(10_000, 50, harvesters()[4], 7)
		if err != nil {
			t.Fatal(err)
		}
		s.length = before + 2*time.Hour
		if err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.shown
	}
	if one, two := shown(), shown(); one != two || one == 0 {
		t.Errorf("the same seed gave %d and %d objects", one, two)
	}
}
