package load

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A reference sends the same whatever it is asked, and that is right.
func TestRunTakesConstants(t *testing.T) {
	constant := serveText(t, func(string) string { return "constant" })
	o := short(constant, WHOIS)
	if r, err := Run(t.Context(), o); err == nil || r != nil {
		t.Errorf("Run against a constant: %v, %v; unless it is said to be one it is no WHOIS server", r, err)
	}
	o.Constant = true
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcomes[Found] != r.Requests || r.Checked != 0 {
		t.Errorf("outcomes %v, %d checked", r.Outcomes, r.Checked)
	}
	var asked atomic.Int64
	o.Target = serveText(t, func(string) string {
		if asked.Add(1)%100 == 0 {
			return "constantly something else"
		}
		return "constant"
	})
	if r, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "not the same as ever") {
		t.Errorf("Run against a constant that changes: %v, %v", r, err)
	}
}

// TestConstantsAreReadLikeAnswers: what an answer costs this process goes into the
// ratio of two servers (normalised), so it must not depend on which of them is a
// reference. Both are taken apart and classified; BenchmarkRead has the times.
func TestConstantsAreReadLikeAnswers(t *testing.T) {
	for _, p := range []Protocol{WHOIS, RDAP} {
		for _, constant := range []bool{false, true} {
			r := newReading(t, p, constant)
			if v := r.w.read(&r.q, r.in, true); v.outcome != Found {
				t.Errorf("%s, constant %t: read as %v, want found", p, constant, v.outcome)
			}
			if n := testing.AllocsPerRun(100, func() { r.w.read(&r.q, r.in, true) }); n != 0 {
				t.Errorf("%s, constant %t: %v allocations an answer", p, constant, n)
			}
		}
	}
}

// reading is what reads one answer over and over.
type reading struct {
	w   wire
	rec *recorder
	q   query
	in  []byte
}

// newReading returns one for the answer about example.coop: asked for that, or, if
// it is the constant of a reference, for another name.
func newReading(t testing.TB, p Protocol, constant bool) *reading {
	t.Helper()
	e, _ := generated().Expect(Query{Name: "example.coop"})
	r := &reading{q: query{kind: Hit, isDomain: true, name: []byte("example.coop")}, in: []byte(foundText("example.coop", &e))}
	if p == RDAP {
		// As long as bodies are, with the name not first.
		body := append([]byte(`{"notices":"`+strings.Repeat("Terms of Service, and more. ", 100)+`",`), foundBody("example.coop", &e)[1:]...)
		r.in = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	if constant {
		r.q.name = []byte("nohosts.coop")
	}
	o, err := Options{Names: generated(), Protocol: p, Constant: constant, Expect: generated().Expect, CheckEvery: 20}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	run := &run{Options: o, empty: make(chan *interval, 1), until: time.Hour}
	run.empty <- newInterval()
	r.w, r.rec = newWire(&o, newRandom(1, 0)), newRecorder(run)
	if r.read(100); r.rec.now.outcomes[Found] != 100 || (r.rec.now.checked == 5) == constant {
		t.Fatalf("outcomes %v, %d checked, constant %t", r.rec.now.outcomes, r.rec.now.checked, constant)
	}
	return r
}

// read reads the answer n times.
func (r *reading) read(n int) {
	for range n {
		v := r.w.read(&r.q, r.in, true)
		r.rec.answer(&r.q, r.w, &v, 1, 2)
	}
}

// BenchmarkRead is what judging an answer costs, one check in 20 included.
func BenchmarkRead(b *testing.B) {
	for _, p := range []Protocol{WHOIS, RDAP} {
		for name, constant := range map[string]bool{"answer": false, "constant": true} {
			b.Run(p.String()+"/"+name, func(b *testing.B) {
				r := newReading(b, p, constant)
				b.ReportAllocs()
				for b.Loop() {
					r.read(1)
				}
			})
		}
	}
}
