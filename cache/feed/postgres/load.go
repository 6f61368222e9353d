package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rddsd/cache/feed/tables"
	"rddsd/cache/registry"
)

// Meta is what a new registry says about itself.
type Meta struct {
	Registry string        // which registry it is: 32 hexadecimal digits; "" = the one that the database has
	Epoch    string        // its numbering: 32 hexadecimal digits; "" = drawn at random
	BeatAt   registry.Time // the first heartbeat; 0 = now
}

// Loader writes the rows of a bulk load, see Create. It is for one goroutine;
// the rows reach the database in another one, so that making them and storing
// them go on at the same time. An error of the database is returned by a later
// call, at the latest by Commit.
type Loader struct {
	db   string // what errors call the database
	conn *pgx.Conn
	meta Meta
	drop []definition // constraints and indexes, to be made again

	tables  [tables.Tables]buffer
	batches chan batch    // to the goroutine that stores; closed by stop
	free    chan []byte   // buffers to fill again
	stored  chan struct{} // closed when that goroutine has ended; nil when nobody waits for it
	failed  chan struct{} // closed when it has failed, after cause was set
	cause   error
}

// batchBytes is how much one COPY carries. Each costs a round trip; a hundred
// times more won nothing.
const batchBytes = 256 << 10

// buffer holds rows of one table that were not yet sent, in the text format of
// COPY.
type buffer struct{ rows []byte }

// batch is rows of one table.
type batch struct {
	table tables.Table
	rows  []byte
}

func (l *Loader) begin(ctx context.Context) {
	l.batches = make(chan batch, 8)
	l.free = make(chan []byte, cap(l.batches)+tables.Tables)
	l.failed = make(chan struct{})
	l.stored = make(chan struct{})
	go l.store(ctx)
}

// store puts batches into the database until their channel is closed. After a
// failure it only drains it.
func (l *Loader) store(ctx context.Context) {
	defer close(l.stored)
	for b := range l.batches {
		if l.cause == nil {
			t := &tables.Columns[b.table]
			// The table was emptied in this transaction, which is all that
			// FREEZE asks: nobody has to visit the rows again.
			_, err := l.conn.PgConn().CopyFrom(ctx, bytes.NewReader(b.rows), "copy registry."+t.Table+" ("+t.Columns+") from stdin with (freeze)")
			if err != nil {
				l.cause = fmt.Errorf("load table %s: %w", t.Table, explain(err))
				close(l.failed)
			}
		}
		select {
		case l.free <- b.rows[:0]:
		default:
		}
	}
}

// end ends the row of table i that was just appended.
func (l *Loader) end(i tables.Table) error {
	t := &l.tables[i]
	t.rows[len(t.rows)-1] = '\n' // in the place of the last tab
	if len(t.rows) < batchBytes {
		return nil
	}
	return l.send(i)
}

// send hands the rows of table i to the goroutine that stores them.
func (l *Loader) send(i tables.Table) error {
	t := &l.tables[i]
	select {
	case <-l.failed:
		return fmt.Errorf("fill registry %s: %w", l.db, l.cause)
	case l.batches <- batch{i, t.rows}:
	}
	select {
	case t.rows = <-l.free:
	default:
		t.rows = make([]byte, 0, batchBytes+4096)
	}
	return nil
}

// stop stores what is left and waits for it.
func (l *Loader) stop() error {
	if l.stored == nil {
		return nil
	}
	for i := range l.tables {
		if len(l.tables[i].rows) > 0 {
			if l.send(tables.Table(i)) != nil {
				break // told below
			}
		}
	}
	close(l.batches)
	<-l.stored
	l.stored = nil
	return l.cause
}

// Commit waits for the rows that are under way, checks that every reference
// meets an object, makes the indexes anew, and publishes the registry under a
// new epoch: whole, with an empty journal. After an error nothing has changed in
// the database.
func (l *Loader) Commit(ctx context.Context) error {
	err := l.stop()
	if err == nil {
		err = l.finish(ctx)
	}
	if err != nil {
		l.Abort()
		return fmt.Errorf("fill registry %s: %w", l.db, err)
	}
	err = l.conn.Close(ctx)
	l.conn = nil
	return err
}

// Abort gives the load up: the database is as it was. It does nothing after
// Commit.
func (l *Loader) Abort() {
	if l.conn == nil {
		return
	}
	_ = l.stop()
	// Closing the connection rolls back, also when ctx has ended.
	_ = l.conn.Close(context.Background())
	l.conn = nil
}
