// Package churn changes a registry like the customers of a registry do: one
// transaction after the other, in SQLite and in PostgreSQL alike. The same seed
// makes the same changes to the same registry, whichever database holds it.
package churn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// Options say how to change a registry.
type Options struct {
	Rate float64       // transactions a second, evenly paced; more than 0
	For  time.Duration // how long, from the first transaction on; 0 = until the context ends
	Seed uint64        // what is changed follows from it and from the registry
	Keep time.Duration // how long the journal keeps a change; default DefaultKeep
	Log  io.Writer     // one Entry a line, as JSON, written once its transaction has committed; nil = none
}

// Check says what is wrong with o.
func (o Options) Check() error {
	switch {
	case !(o.Rate > 0 && o.Rate <= 1e6): // so written, NaN is refused too
		return fmt.Errorf("a rate of %v transactions a second: must be more than 0, at most a million", o.Rate)
	case o.For < 0:
		return fmt.Errorf("for %v: must be a length of time, or 0 for no end", o.For)
	}
	return nil
}

// Done says what Run did.
type Done struct {
	Transactions int
	Changes      map[string]int // transactions by kind of change
}

const (
	// MaintainEvery is how often whoever writes a registry maintains its journal
	// (feed.md §6).
	MaintainEvery = 10 * time.Second

	// DefaultKeep is how long the journal keeps a change: an edge that was away
	// for less needs no new snapshot.
	DefaultKeep = 7 * 24 * time.Hour
)

// Run changes the registry of db in one transaction after the other, and
// maintains its journal meanwhile. It never touches what the registrar
// synthetic.Protected sponsors, nor registers "unregistered" or a name that
// begins "free-". It returns when the time is up or ctx ends, in both cases
// between two transactions and without an error.
func Run(ctx context.Context, db tables.Database, o Options) (done Done, err error) {
	done.Changes = map[string]int{}
	if err := o.Check(); err != nil {
		return done, err
	}
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	c, err := open(ctx, db, o.Seed)
	if err != nil {
		return done, unlessEnded(ctx, err)
	}
	if o.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.For)
		defer cancel()
	}
	if err := unlessEnded(ctx, c.run(ctx, o, &done)); err != nil {
		return done, err
	}
	// The first transaction is due at once.
	if done.Transactions == 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return done, fmt.Errorf("nothing could be changed in %v: another program keeps it locked; end its transaction", o.For)
	}
	return done, nil
}

// unlessEnded drops an error that only says that ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func open(ctx context.Context, db tables.Database, seed uint64) (*churner, error) {
	fiction, err := synthetic.NewFiction(seed)
	if err != nil {
		return nil, err
	}
	c := &churner{db: db, fiction: fiction}
	return c, c.learn(ctx)
}

// run makes changes until ctx ends.
func (c *churner) run(ctx context.Context, o Options, done *Done) error {
	start := time.Now()
	beat := start
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		// The n-th transaction is due n/rate after the start, whatever the ones
		// before it took.
		due := time.Duration(float64(done.Transactions) / o.Rate * float64(time.Second))
		if o.For > 0 && due > o.For {
			<-ctx.Done() // whose timer may be late
			return nil
		}
		timer.Reset(time.Until(start.Add(due)))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if now := time.Now(); !now.Before(beat) {
			if err := c.db.Maintain(ctx, o.Keep); err != nil {
				return err
			}
			beat = now.Add(MaintainEvery)
		}
		entry, err := c.once(ctx, o.Log != nil)
		if err != nil {
			return err
		}
		done.Transactions++
		done.Changes[entry.Change]++
		if err := entry.write(o.Log); err != nil {
			return err
		}
	}
}

// errNothing says that a change found no object to be made to.
var errNothing = errors.New("nothing in the registry may be changed in this way")

// maxTries is how many changes are tried before a registry is found to hold
// nothing that may be changed.
const maxTries = 200

// once makes one change, another one when the registry holds nothing for the
// first. The entry holds the new states only if they are asked for.
func (c *churner) once(ctx context.Context, states bool) (*Entry, error) {
	for range maxTries {
		entry, err := c.make(ctx, c.pick(), states)
		if !errors.Is(err, errNothing) {
			return entry, err
		}
	}
	return nil, errNothing
}

// make makes one change of a kind, in one transaction.
func (c *churner) make(ctx context.Context, kind changeKind, states bool) (*Entry, error) {
	entry := &Entry{Change: kind.name}
	err := c.db.Change(ctx, func(ctx context.Context) error {
		c.touched = touched{}
		c.now = registry.TimeOf(time.Now())
		if err := kind.make(c, ctx); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		if states {
			if err := c.states(ctx, entry); err != nil {
				return fmt.Errorf("read what %s changed: %w", kind.name, err)
			}
		}
		entry.Before = registry.TimeOf(time.Now())
		return nil
	})
	if err != nil {
		return nil, err
	}
	entry.After = registry.TimeOf(time.Now())
	return entry, nil
}

// churner makes changes in one session.
type churner struct {
	db      tables.Database
	fiction *synthetic.Fiction

	tlds   []zone
	suffix string           // of repository identifiers
	number map[string]int64 // the highest number in the ROIDs of a table
	digits map[string]int   // how many digits they have at least: some registries pad them
	gone   []formerName     // deleted lately

	now     registry.Time // of the transaction that runs
	touched touched       // by it
}

// zone is a TLD, by its A-label and its U-label; both are the same unless it is
// an IDN.
type zone struct{ name, uName string }

// formerName is a name that was deleted.
type formerName struct{ name, uName, table string }

// touched lists the keys of what one transaction has changed the published
// state of: by name, by ROID and by clid.
type touched struct{ domains, contacts, hosts, registrars []string }

// learn reads what new objects need to fit in.
func (c *churner) learn(ctx context.Context) error {
	if err := c.db.Query(ctx, "select name, coalesce(u_name, name) from tld order by name", nil, func(scan func(...any) error) error {
		var z zone
		err := scan(&z.name, &z.uName)
		c.tlds = append(c.tlds, z)
		return err
	}); err != nil {
		return err
	}
	if len(c.tlds) == 0 {
		return errors.New("it holds no TLD")
	}
	c.suffix, c.number, c.digits = "COOP", map[string]int64{}, map[string]int{}
	for _, table := range []string{"domain", "contact", "host"} {
		var (
			lowest  string
			highest int64
		)
		if _, err := tables.Row(ctx, c.db, "select roid from "+table+" order by roid limit 1", nil, &lowest); err != nil {
			return err
		}
		if _, err := tables.Row(ctx, c.db, c.db.Highest(table), nil, &highest); err != nil {
			return err
		}
		c.number[table] = highest
		number, suffix, _ := strings.Cut(lowest, "-")
		if strings.HasPrefix(number, letters[table]+"0") {
			c.digits[table] = len(number) - 1
		}
		if suffix != "" {
			c.suffix = suffix
		}
	}
	return nil
}

// letters begin the ROIDs of each table.
var letters = map[string]string{"domain": "D", "contact": "C", "host": "H"}

// roid makes a repository identifier for a new object of a table.
func (c *churner) roid(table string) string {
	c.number[table]++
	return c.numbered(table, c.number[table]) + "-" + c.suffix
}

func (c *churner) numbered(table string, number int64) string {
	return fmt.Sprintf("%s%0*d", letters[table], c.digits[table], number)
}

// from draws where in the ROIDs of a table a search for any object begins: at
// each object as likely, where they are numbered.
func (c *churner) from(table string) string {
	return c.numbered(table, int64(1+c.fiction.Below(int(c.number[table])+1)))
}

// list parses a column that Database.JSON or Array has made, sorted.
func list(text string, to *[]string) error {
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("the list %.100q: %w", text, err)
	}
	slices.Sort(*to)
	return nil
}
