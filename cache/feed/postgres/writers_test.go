package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// writers change a registry as its own program would, eight at once: short
// transactions and long ones, savepoints, one in five rolled back.
type writers struct {
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	committed int
	faults    map[string]int // statements that failed, by why: deadlocks and the like
}

const writersAtOnce = 8

// startWriters starts them; stop ends them.
func startWriters(t *testing.T, r reg) *writers {
	t.Helper()
	r.Exec(t, `
		insert into registry.contact (roid, id, clid, name, org, street, cc, email)
			select 'C' || g || '-T', 'c' || g || '-t', 'reg-a', 'Role', 'Org', '{Street}', 'ES', 'desk@coop.example' from generate_series(0, 29) g;
		insert into registry.host (roid, name, clid) values ('H1-T', 'ns1.example.com', 'reg-a')`)
	ctx, cancel := context.WithCancel(context.Background())
	w := &writers{cancel: cancel, faults: make(map[string]int)}
	for id := range writersAtOnce {
		conn, err := pgx.Connect(ctx, r.DSN("app"))
		if err != nil {
			t.Fatal(err)
		}
		w.running.Go(func() {
			defer conn.Close(context.Background())
			writer := writer{id: id, conn: conn, random: rand.New(rand.NewPCG(uint64(id), 1)), writers: w}
			for ctx.Err() == nil && writer.transaction(ctx) {
			}
		})
	}
	t.Cleanup(w.stop)
	return w
}

// count returns how many transactions have been committed.
func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.committed
}

// stop ends the writers and waits for them.
func (w *writers) stop() {
	w.cancel()
	w.running.Wait()
}

type writer struct {
	id      int
	n       int
	conn    *pgx.Conn
	random  *rand.Rand
	writers *writers
}

// transaction makes one transaction. It reports whether the connection is good
// for another.
func (w *writer) transaction(ctx context.Context) bool {
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return false
	}
	w.n++
	failed := w.change(ctx, tx)
	w.pause(ctx)
	if failed != nil || w.random.IntN(5) == 0 {
		err = tx.Rollback(context.WithoutCancel(ctx))
	} else {
		err = tx.Commit(context.WithoutCancel(ctx))
	}
	w.writers.mu.Lock()
	defer w.writers.mu.Unlock()
	if failed != nil {
		w.writers.faults[failed.Error()]++
	} else {
		w.writers.committed++
	}
	return err == nil && !w.conn.IsClosed()
}

// pause keeps the transaction open for a while: most for some milliseconds, one
// in thirty much longer than a poll takes, one in three hundred for seconds.
func (w *writer) pause(ctx context.Context) {
	d := time.Duration(w.random.IntN(40)) * time.Millisecond
	switch w.random.IntN(300) {
	case 0:
		d = 3 * time.Second
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
		d = 400 * time.Millisecond
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (w *writer) change(ctx context.Context, tx pgx.Tx) error {
	var failed error
	do := func(sql string, args ...any) {
		if failed == nil {
			_, failed = tx.Exec(ctx, sql, args...)
		}
	}
	pick := func(values ...string) []string { return values[:w.random.IntN(len(values)+1)] }
	name := fmt.Sprintf("w%d-%d.coop", w.id, w.random.IntN(20))
	contact := fmt.Sprintf("C%d-T", w.random.IntN(30)) // shared by all writers
	host := fmt.Sprintf("H%d-W", w.id)
	switch w.random.IntN(14) {
	case 0, 1, 2: // register, in a grace period that the clock ends
		do("insert into registry.domain (roid, name, clid, registrant, created, expires, add_until) values ($1, $2, 'reg-a', $3, now(), now() + interval '1 year', now() + $4 * interval '1 ms') "+
			"on conflict (name) do update set updated = now(), registrant = excluded.registrant, add_until = excluded.add_until",
			fmt.Sprintf("W%d-%d", w.id, w.n), name, contact, w.random.IntN(3000))
		do("insert into registry.domain_host select roid, 'H1-T' from registry.domain where name = $1 on conflict do nothing", name)
	case 3, 4:
		do("delete from registry.domain where name = $1", name)
	case 5:
		do("update registry.domain set statuses = $2, updated = now(), autorenew_until = now() + interval '1 second' where name = $1", name, pick("serverHold", "clientHold"))
	case 6:
		do("savepoint a")
		do("update registry.host set name = $2 where roid = $1", host, fmt.Sprintf("ns%d.w%d.example.net", w.n, w.id))
		do("release a")
		do("insert into registry.host (roid, name, clid, v4) values ($1, $2, 'reg-a', '{192.0.2.2,192.0.2.10}') on conflict do nothing", host, fmt.Sprintf("ns%d.w%d.example.net", w.n, w.id))
	case 7:
		do("insert into registry.domain_contact select roid, $3, $2 from registry.domain where name = $1 on conflict do nothing", name, contact,
			[]string{"tech", "admin", "billing"}[w.random.IntN(3)])
	case 8:
		do("delete from registry.domain_contact where domain_roid in (select roid from registry.domain where name = $1)", name)
	case 9:
		do("update registry.contact set disclose = $2, email = $3 where roid = $1", contact, pick("org", "email"), []string{"", "desk@coop.example"}[w.random.IntN(2)])
	case 10:
		do("insert into registry.ds select roid, $2, 13, 2, '\\x0102' from registry.domain where name = $1 on conflict do nothing", name, w.random.IntN(4))
	case 11:
		do("insert into registry.reserved (name, reason) values ($1, 'reserved') on conflict (name) do update set public_text = $2", "r-"+name, strconv.Itoa(w.n))
		if w.random.IntN(2) == 0 {
			do("delete from registry.reserved where name = $1", "r-"+name)
		}
		do("update registry.registrar set voice = $1 where clid = 'reg-a'", "+1."+strconv.Itoa(w.n))
		do("update registry.tld set zone_signed = not zone_signed")
	case 12: // what a savepoint takes back was never there
		do("savepoint a")
		do("delete from registry.domain where name = $1", name)
		do("rollback to a")
		do("update registry.domain set reseller = $2 where name = $1", name, strconv.Itoa(w.n))
	case 13: // deleted and made anew in one transaction
		do("delete from registry.domain where name = $1", name)
		do("insert into registry.domain (roid, name, clid, registrant, created, expires) values ($1, $2, 'reg-b', $3, now(), now() + interval '1 year') on conflict do nothing",
			fmt.Sprintf("X%d-%d", w.id, w.n), name, contact)
	}
	return failed
}
