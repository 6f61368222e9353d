package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"rddsd/bench/load"
	"rddsd/bench/target"
)

// The state of a name in a registry that changes shows a little after it was
// committed, and not much later.
const (
	// maxStale is how much longer an answer may show what the registry no longer
	// says: as long as `bench feed` waits by default before a change counts as lost.
	// How long it does take is that benchmark's question; this one finds answers that
	// were never right, and changes that never come.
	maxStale = 10 * time.Second
	// clockSlack is how far the clocks of an answer and of a commit may be apart:
	// one is adjusted meanwhile, the other is not.
	clockSlack = time.Second
)

// era is a time in which the registry said one thing about an object.
type era[T any] struct {
	from, until time.Time // until is zero while it lasts
	state       T
}

// eras are those of one object, the earliest first.
type eras[T any] []era[T]

// change ends the last era at the moment ended and begins another. Between the two
// moments, before and after a commit, either may hold.
func (e *eras[T]) change(begun, ended time.Time, state T) {
	if n := len(*e); n > 0 {
		(*e)[n-1].until = ended
	}
	*e = append(*e, era[T]{from: begun, state: state})
}

// during returns what an answer may show that was asked for and came then.
func (e eras[T]) during(asked, answered time.Time) []T {
	var states []T
	for _, era := range e {
		if !era.from.After(answered.Add(clockSlack)) && (era.until.IsZero() || era.until.Add(maxStale).After(asked)) {
			states = append(states, era.state)
		}
	}
	return states
}

// past is what a registry that changed meanwhile said when, about names that were
// asked for.
type past struct {
	domains       map[string]*eras[load.Expectation]
	organisations map[string]*eras[string] // by ROID of the contact
}

// newPast returns what the registry said before, about the names of kept
// answers.
func newPast(expect func(load.Query) (load.Expectation, bool), results []*load.Result) *past {
	c := &past{domains: make(map[string]*eras[load.Expectation]), organisations: make(map[string]*eras[string])}
	for _, r := range results {
		for i := range r.Kept {
			name := r.Kept[i].Name
			if c.domains[name] != nil {
				continue
			}
			e, _ := expect(load.Query{Kind: load.Hit, Name: name})
			c.domains[name] = &eras[load.Expectation]{{state: e}}
			if e.Registrant != "" && c.organisations[e.Registrant] == nil {
				c.organisations[e.Registrant] = &eras[string]{{state: e.Organisation}}
			}
		}
	}
	return c
}

// transaction is what is looked at of a line of the log of `rddsd registry churn`.
type transaction struct {
	Before  int64 `json:"before"` // the commit, microseconds since 1970
	After   int64 `json:"after"`
	Domains []struct {
		Name          string   `json:"name"`
		Exists        bool     `json:"exists"`
		ROID          string   `json:"roid"`
		RegistrarName string   `json:"registrar_name"`
		Registrant    string   `json:"registrant"`
		Hosts         []string `json:"hosts"`
		DS            []string `json:"ds"`
		Statuses      []string `json:"statuses"`
		Created       int64    `json:"created"`
		Expires       int64    `json:"expires"`
	} `json:"domains"`
	Contacts []struct {
		ROID string `json:"roid"`
		Org  string `json:"org"` // empty if it is withheld
	} `json:"contacts"`
}

// read adds what was changed, from that log.
func (c *past) read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read what was changed: %w", err)
	}
	defer file.Close()
	for lines := json.NewDecoder(file); ; {
		var t transaction
		if err := lines.Decode(&t); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what was changed, in %s: %w", path, err)
		}
		c.add(&t)
	}
}

func (c *past) add(t *transaction) {
	begun, ended := time.UnixMicro(t.Before), time.UnixMicro(t.After)
	for i := range t.Contacts {
		contact := &t.Contacts[i]
		known := c.organisations[contact.ROID]
		if known == nil {
			known = new(eras[string])
			c.organisations[contact.ROID] = known
		}
		known.change(begun, ended, contact.Org)
	}
	for i := range t.Domains {
		d := &t.Domains[i]
		known := c.domains[d.Name]
		if known == nil {
			continue // nobody asked for it
		}
		e := load.Expectation{Class: load.NotFound}
		switch {
		case !d.Exists:
		case slices.Contains(d.Statuses, "pendingCreate"):
			e.Class = load.Reserved
		default:
			e = load.Expectation{
				Class: load.Found, Handle: d.ROID, Registrar: d.RegistrarName, Registrant: d.Registrant,
				Created: moment(d.Created), Expires: moment(d.Expires),
				Nameservers: append([]string{}, d.Hosts...), Signed: load.No,
			}
			if len(d.DS) > 0 {
				e.Signed = load.Yes
			}
		}
		known.change(begun, ended, e)
	}
}

// moment returns the time of so many microseconds since 1970, the zero time for 0.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}

// judge returns what an answer is, Wrong if the registry never said that at the
// time, and then what is wrong with it, by what the registry said last.
func (c *past) judge(k *load.Kept) (load.Outcome, string) {
	outcome, why := load.Wrong, "the registry never said so"
	for _, e := range c.domains[k.Name].during(k.Asked, k.Answered) {
		for _, organisation := range c.organisationsOf(e.Registrant, k) {
			e.Organisation = organisation
			found, reason := k.Against(&e)
			switch {
			case found != load.Wrong && found != load.Degraded:
				return found, ""
			case found == load.Degraded || outcome == load.Wrong:
				outcome, why = found, reason
			}
		}
	}
	return outcome, why
}

// organisationsOf returns what the organisation of a contact may have been, "" for
// one that is withheld or not known.
func (c *past) organisationsOf(roid string, k *load.Kept) []string {
	if known := c.organisations[roid]; known != nil {
		if list := known.during(k.Asked, k.Answered); len(list) > 0 {
			return list
		}
	}
	return []string{""}
}

// settle ends the changes of the registry, if it was changed, and judges the
// answers that were kept meanwhile; each server has one result, nil if none.
func (s *subject) settle(starter *target.Starter, names *load.Names, servers []*target.Server, results []*load.Result) error {
	path, err := starter.EndChurn()
	if path == "" || err != nil {
		return err
	}
	results = slices.Clone(results)
	for i, r := range results {
		if r == nil {
			results[i] = new(load.Result)
		}
	}
	c := newPast(names.Expect, results)
	if err := c.read(path); err != nil {
		return err
	}
	var faults []error
	for i, r := range results {
		wrong, first := 0, ""
		for j := range r.Kept {
			outcome, why := c.judge(&r.Kept[j])
			if outcome == load.Wrong {
				if wrong++; wrong == 1 {
					first = fmt.Sprintf("%s, asked for at %s: %s", r.Kept[j].Name, r.Kept[j].Asked.UTC().Format(time.RFC3339Nano), why)
				}
			}
			r.Settle(&r.Kept[j], outcome, why)
		}
		if wrong > 0 {
			faults = append(faults, fmt.Errorf("%s at %s: %d of %d checked answers are wrong, such as the one about %s",
				servers[i].Name, servers[i].Address, wrong, r.Checked, first))
		}
	}
	return errors.Join(faults...)
}
