package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// ChurnOptions say how to change a registry.
type ChurnOptions struct {
	Rate float64       // transactions a second, evenly paced; more than 0
	For  time.Duration // how long, from the first transaction on; 0 = until the context ends
	Seed uint64        // what is changed follows from it and from the registry
	Keep time.Duration // how long the journal keeps a change; default DefaultKeep
	Log  io.Writer     // one ChurnEntry a line, as JSON, written once its transaction has committed; nil = none
}

// Check says what is wrong with o.
func (o ChurnOptions) Check() error {
	switch {
	case !(o.Rate > 0 && o.Rate <= 1e6): // so written, NaN is refused too
		return fmt.Errorf("a rate of %v transactions a second: must be more than 0, at most a million", o.Rate)
	case o.For < 0:
		return fmt.Errorf("for %v: must be a length of time, or 0 for no end", o.For)
	}
	return nil
}

// Churned says what Churn did.
type Churned struct {
	Transactions int
	Changes      map[string]int // transactions by kind of change
}

// Churn changes the registry file at path like the customers of a registry do,
// in one transaction after the other, and maintains its journal meanwhile. It
// never touches what the registrar synthetic.Protected sponsors, nor registers
// "unregistered" or a name that begins "free-". It returns when the time is up
// or ctx ends, in both cases between two transactions and without an error.
func Churn(ctx context.Context, path string, o ChurnOptions) (Churned, error) {
	done := Churned{Changes: map[string]int{}}
	if err := o.Check(); err != nil {
		return done, fmt.Errorf("change registry %s: %w", path, err)
	}
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	fiction, err := synthetic.NewFiction(o.Seed)
	if err != nil {
		return done, fmt.Errorf("change registry %s: %w", path, err)
	}
	db, err := OpenWriter(ctx, path)
	if err != nil {
		return done, unlessEnded(ctx, err)
	}
	if err = churn(ctx, db, fiction, o, &done); err != nil {
		err = fmt.Errorf("change registry %s: %w", path, err)
	}
	return done, errors.Join(err, db.Close())
}

// unlessEnded drops an error that only says that ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func churn(ctx context.Context, db *sql.DB, fiction *synthetic.Fiction, o ChurnOptions, done *Churned) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	c := &churner{conn: conn, fiction: fiction, stmts: map[string]*sql.Stmt{}}
	defer func() { err = errors.Join(err, c.close(), conn.Close()) }()
	if err := c.learn(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	if o.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.For)
		defer cancel()
	}
	if err := unlessEnded(ctx, c.run(ctx, o, done)); err != nil {
		return err
	}
	// The first transaction is due at once.
	if done.Transactions == 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("nothing could be changed in %v: another program keeps it locked; end its transaction", o.For)
	}
	return nil
}

// run makes changes until ctx ends.
func (c *churner) run(ctx context.Context, o ChurnOptions, done *Churned) error {
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
			if err := maintain(ctx, c.conn, o.Keep); err != nil {
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
func (c *churner) once(ctx context.Context, states bool) (*ChurnEntry, error) {
	for range maxTries {
		entry, err := c.make(ctx, c.pick(), states)
		if !errors.Is(err, errNothing) {
			return entry, err
		}
	}
	return nil, errNothing
}

// make makes one change of a kind, in one transaction.
func (c *churner) make(ctx context.Context, kind changeKind, states bool) (*ChurnEntry, error) {
	entry := &ChurnEntry{Change: kind.name}
	c.touched = touched{}
	err := change(ctx, c.conn, func(ctx context.Context) error {
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

// churner makes changes on one connection.
type churner struct {
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt // by their text
	fiction *synthetic.Fiction

	tlds   []zone
	suffix string           // of repository identifiers
	number map[string]int64 // the highest number in the ROIDs of a table
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
	if err := c.each(ctx, "select name, coalesce(u_name, name) from tld order by name", nil, func(rows *sql.Rows) error {
		var z zone
		err := rows.Scan(&z.name, &z.uName)
		c.tlds = append(c.tlds, z)
		return err
	}); err != nil {
		return err
	}
	if len(c.tlds) == 0 {
		return errors.New("it holds no TLD")
	}
	c.suffix = "COOP"
	if _, err := c.row(ctx, "select substr(roid, instr(roid, '-') + 1) from domain where instr(roid, '-') > 0 limit 1", nil, &c.suffix); err != nil {
		return err
	}
	c.number = map[string]int64{}
	for _, table := range []string{"domain", "contact", "host"} {
		var highest int64
		if _, err := c.row(ctx, "select coalesce(max(cast(substr(roid, 2) as integer)), 0) from "+table, nil, &highest); err != nil {
			return err
		}
		c.number[table] = highest
	}
	return nil
}

// roid makes a repository identifier for a new object of a table.
func (c *churner) roid(table string) string {
	c.number[table]++
	letter := map[string]string{"domain": "D", "contact": "C", "host": "H"}[table]
	return fmt.Sprintf("%s%d-%s", letter, c.number[table], c.suffix)
}

func (c *churner) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%.60q: %w", query, err)
	}
	c.stmts[query] = s
	return s, nil
}

func (c *churner) exec(ctx context.Context, query string, args ...any) error {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return err
	}
	if _, err := s.ExecContext(ctx, args...); err != nil {
		return fmt.Errorf("%.60q: %w", query, err)
	}
	return nil
}

// row reads the first row of a query into dest; false when there is none.
func (c *churner) row(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%.60q: %w", query, err)
	}
	return true, nil
}

// texts reads a query of one column.
func (c *churner) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	var list []string
	err := c.each(ctx, query, args, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		list = append(list, text)
		return err
	})
	return list, err
}

// each calls f for every row of a query.
func (c *churner) each(ctx context.Context, query string, args []any, f func(*sql.Rows) error) error {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("%.60q: %w", query, err)
	}
	for rows.Next() {
		if err := f(rows); err != nil {
			return errors.Join(fmt.Errorf("%.60q: %w", query, err), rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (c *churner) close() error {
	var err error
	for _, s := range c.stmts {
		err = errors.Join(err, s.Close())
	}
	return err
}
