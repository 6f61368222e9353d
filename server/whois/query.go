package whois

import (
	"runtime"
	"runtime/debug"
	"time"

	"rddsd/ratelimit"
	"rddsd/server/lookup"
	"rddsd/server/tally"
)

// worker is what answering one query needs, used again for the next one so that
// a query makes no garbage.
type worker struct {
	in     [maxRead]byte
	out    []byte
	query  lookup.Query
	answer lookup.Answer
}

// terms is on which a connection is served: any but welcome refuse its query
// whatever it asks.
type terms uint8

const (
	welcome  terms = iota
	crowded        // the client has more connections than it may (W-14)
	swamped        // the server has hardly a slot left
	unwanted       // the server has no slot left
)

// crowdedWait is what a client with too many connections is told to wait: one
// that answers its queries one after the other is never crowded.
const crowdedWait = time.Second

// respond answers one query line, which it may change, in w.out and counts it.
// It is the straight line of a query: parse, View, lookup, limit, render. A
// panic on it is a fault of ours that one client sees as one; nothing of the
// query is logged, for who asked for which name is personal data.
//
// ok is false when the line asks for the connection to be closed instead of an
// answer (W-12).
func (s *Server) respond(w *worker, line []byte, client ratelimit.Client, terms terms) (ok bool) {
	w.out = w.out[:0]
	tld, object := "", lookup.NoObject
	class := lookup.Error // until there is an answer
	defer func() {
		if fault := recover(); fault != nil {
			s.logPanic(fault)
			w.out = append(w.out[:0], unavailableText...)
			w.answer = lookup.Answer{} // it may be half made
			ok = true                  // counted as what class still is: a fault
		}
		w.answer.View = nil // an idle worker must not keep an old View in memory
		if ok {
			s.Tally.Count(tally.WHOIS, tld, object, class, client.Audience)
		}
	}()

	if kind := kindOfJunk(line); kind != noJunk {
		s.counts.junk[kind].Add(1)
	}
	view := s.Cache.Current()
	if view == nil {
		w.out = append(w.out, unavailableText...) // never "not found"
		return true
	}
	client = s.behind(client, line)
	var err error
	if len(line) > MaxLine {
		w.query = lookup.Query{} // goes on: junk has a class and a price like any query
	} else if w.query, err = lookup.ParseLine(line); err == lookup.Interrupted {
		return false
	}
	w.query.Audience = client.Audience
	now := time.Now()
	a := &w.answer
	s.Finder.Find(view, &w.query, now, a)
	a.KeepToPort43()
	object = a.Object
	if a.TLD != nil {
		tld = a.TLD.Name
	}

	switch terms {
	case swamped:
		w.out = append(w.out, busyText...)
		class = lookup.Busy
		return true
	case crowded:
		refusal := ratelimit.Decision{Verdict: ratelimit.Refuse, Network: client.Network(), RetryIn: crowdedWait}
		w.out = appendRefusal(w.out, a.Policy, refusal)
		class = lookup.Limited
		return true
	}

	// The price is what this answer would show, hence after the lookup; a refusal
	// must cost less than an answer, hence before rendering.
	switch d := s.Limiter.Decide(client, a.Ask, now); d.Verdict {
	case ratelimit.Refuse:
		w.out = appendRefusal(w.out, a.Policy, d)
		class = lookup.Limited
		return true
	case ratelimit.Degrade:
		a.WithoutContacts()
	}
	w.out = s.prebuilt.appendAnswer(w.out, a)
	class = a.Class
	return true
}

// logPanic tells of a fault of ours, at most once in a minute. The value of a
// panic can hold what was asked for, unless it is the runtime's.
func (s *Server) logPanic(fault any) {
	s.counts.panics.Add(1)
	s.panics.Do(func() {
		what := "a panic of our own"
		if err, ok := fault.(runtime.Error); ok {
			what = err.Error()
		}
		s.Log.Error("a query failed and was answered as a fault; others go on", "panic", what, "stack", string(debug.Stack()))
	})
}
