package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"modernc.org/sqlite"

	"rddsd/cache/feed/tables"
	"rddsd/deploy/schema"
)

// Loader writes the rows of a bulk load, see Create. It is for one goroutine;
// the rows reach the database in another one, so that making them and storing
// them go on at the same time. An error of the database is returned by a later
// call, at the latest by Commit.
type Loader struct {
	path  string
	force bool
	temp  string // the file being loaded; "" = in its place or gone
	conn  driver.Conn

	tables  [tables.Tables]table
	row     []byte     // text of a list, made anew for each
	batches chan batch // to the goroutine that stores; closed by stop
	free    chan []driver.NamedValue
	stored  chan struct{} // closed when that goroutine has ended; nil when nobody waits for it
	failed  chan struct{} // closed when it has failed, after cause was set
	cause   error
}

// batchRows is how many rows one INSERT carries. More won nothing
// (BenchmarkLoad): 1 row cost twice as much as 16, 64 the same as 32.
const batchRows = 32

// table is one table being loaded: its statements, and the rows not yet sent.
type table struct {
	columns int
	many    driver.Stmt // inserts batchRows rows
	one     driver.Stmt // inserts one
	args    []driver.NamedValue
}

// batch is up to batchRows rows of one table.
type batch struct {
	table tables.Table
	args  []driver.NamedValue
}

func (l *Loader) open(meta Meta) error {
	// Nothing reads this file until it is whole, and a failed load throws it
	// away: it needs neither a journal nor a sync before the end. The cache holds
	// the indexes of the unique columns, which a load fills in no order.
	conn, err := new(sqlite.Driver).Open(fileURI(l.temp, url.Values{"_pragma": {
		"journal_mode(off)", "synchronous(off)", "locking_mode(exclusive)", "foreign_keys(off)", "cache_size(-262144)",
	}}))
	if err != nil {
		return fmt.Errorf("open the file to load: %w", err)
	}
	l.conn = conn
	create, _, _ := schema.SQLiteParts()
	if err := l.exec(create); err != nil {
		return err
	}
	if err := l.exec("update rdds_meta set registry = coalesce(?, registry), epoch = coalesce(?, epoch), beat_at = coalesce(?, beat_at)",
		textOrNull(meta.Registry), textOrNull(meta.Epoch), timeOrNull(meta.BeatAt)); err != nil {
		return err
	}
	if err := l.exec("begin exclusive"); err != nil {
		return err
	}
	for i := range l.tables {
		if err := l.tables[i].prepare(conn, tables.Columns[i].Table, tables.Columns[i].Columns); err != nil {
			return err
		}
	}
	l.batches = make(chan batch, 16)
	l.free = make(chan []driver.NamedValue, cap(l.batches)+tables.Tables)
	l.failed = make(chan struct{})
	l.stored = make(chan struct{})
	go l.store()
	return nil
}

func (t *table) prepare(conn driver.Conn, name, columns string) error {
	t.columns = strings.Count(columns, ",") + 1
	row := "(?" + strings.Repeat(", ?", t.columns-1) + ")"
	insert := "insert into " + name + " (" + columns + ") values " + row
	var err error
	if t.one, err = conn.Prepare(insert); err != nil {
		return fmt.Errorf("prepare to load table %s: %w", name, err)
	}
	if t.many, err = conn.Prepare(insert + strings.Repeat(", "+row, batchRows-1)); err != nil {
		return fmt.Errorf("prepare to load table %s: %w", name, err)
	}
	return nil
}

// exec runs sql, which may hold several statements when it has no arguments.
func (l *Loader) exec(sql string, args ...driver.Value) error {
	named := make([]driver.NamedValue, len(args))
	for i, v := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	execer, ok := l.conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the SQLite driver cannot execute statements")
	}
	if _, err := execer.ExecContext(context.Background(), sql, named); err != nil {
		return fmt.Errorf("%.40q: %w", sql, err)
	}
	return nil
}

// store puts batches into the database until their channel is closed. After a
// failure it only drains it.
func (l *Loader) store() {
	defer close(l.stored)
	for b := range l.batches {
		if l.cause == nil {
			if err := l.tables[b.table].insert(b.args); err != nil {
				l.cause = fmt.Errorf("create registry %s: load table %s: %w", l.path, tables.Columns[b.table].Table, err)
				close(l.failed)
			}
		}
		select {
		case l.free <- b.args[:0]:
		default:
		}
	}
}

func (t *table) insert(args []driver.NamedValue) error {
	stmt, step := t.many, t.columns*batchRows
	if len(args) < step {
		stmt, step = t.one, t.columns
	}
	execer, ok := stmt.(driver.StmtExecContext)
	if !ok {
		return errors.New("the SQLite driver cannot execute prepared statements")
	}
	for ; len(args) > 0; args = args[step:] {
		// The driver wants each argument's place in its statement.
		if step == t.columns {
			for i := range args[:step] {
				args[i].Ordinal = i + 1
			}
		}
		if _, err := execer.ExecContext(context.Background(), args[:step]); err != nil {
			return err
		}
	}
	return nil
}

// add appends one row to table i.
func (l *Loader) add(i tables.Table, values ...driver.Value) error {
	t := &l.tables[i]
	for _, v := range values {
		t.args = append(t.args, driver.NamedValue{Ordinal: len(t.args) + 1, Value: v})
	}
	if len(t.args) == t.columns*batchRows {
		return l.send(i)
	}
	return nil
}

// send hands the rows of table i to the goroutine that stores them.
func (l *Loader) send(i tables.Table) error {
	t := &l.tables[i]
	select {
	case <-l.failed:
		return l.cause
	case l.batches <- batch{i, t.args}:
	}
	select {
	case t.args = <-l.free:
	default:
		t.args = make([]driver.NamedValue, 0, t.columns*batchRows)
	}
	return nil
}

// stop stores what is left, waits for it and closes the statements.
func (l *Loader) stop() error {
	if l.stored == nil {
		return nil
	}
	for i := range l.tables {
		if len(l.tables[i].args) > 0 {
			if l.send(tables.Table(i)) != nil {
				break // told below
			}
		}
	}
	close(l.batches)
	<-l.stored
	l.stored = nil
	err := l.cause
	for i := range l.tables {
		err = errors.Join(err, l.tables[i].many.Close(), l.tables[i].one.Close())
	}
	return err
}
