package postgres

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

const (
	// followPoll is how often the journal is read while a registry is followed.
	followPoll = 500 * time.Millisecond
	// followCompare is how long the follower at least rests between two compares
	// of every row, and followShare how many times as long as the compare took.
	followCompare = 2 * time.Second
	followShare   = 4
)

// follower keeps hashes of what the views give, as an edge keeps rows: it reads
// again what the journal names and what refresh_at says is due. What changes
// besides was not told.
type follower struct {
	*verifier
	columns [registry.Kinds]string
	mirror  [registry.Kinds]map[string]*mirrored
	place   place
	told    map[string]bool // findings so far
}

// mirrored is one row: a hash for each column, and when it is due.
type mirrored struct {
	hashes  []uint32
	refresh registry.Time
}

// follow follows the registry for a time, by rule C (feed.md §3), and compares
// all rows in the same transactions.
func (v *verifier) follow(length time.Duration) error {
	f := &follower{verifier: v, told: map[string]bool{}}
	for kind, columns := range contract.Columns {
		due := "null::timestamptz"
		if registry.Kind(kind) == registry.KindDomain {
			due = "refresh_at"
		}
		f.columns[kind] = "key, " + due + ", array[" + asTexts(columns[1:]) + "]"
	}
	if err := v.snapshot(f.begin); err != nil {
		return err
	}
	if v.following != nil {
		v.following()
	}
	begun := time.Now()
	timer := time.NewTimer(followPoll)
	defer timer.Stop()
	compared := time.Now()
	rest := followCompare
	for last := false; !last; {
		select {
		case <-v.ctx.Done():
			return v.ctx.Err()
		case <-timer.C:
		}
		last = time.Since(begun) >= length
		compare := last || time.Since(compared) >= rest
		started := time.Now()
		if err := v.snapshot(func() error { return f.poll(compare) }); err != nil {
			return err
		}
		if compare {
			compared = time.Now()
			rest = max(followCompare, followShare*compared.Sub(started))
		}
		timer.Reset(followPoll)
	}
	v.done.Followed = time.Since(begun)
	if v.done.Changes == 0 {
		v.remark("rdds.changes", "nothing changed in %v: let the registry work, or its tests run, while it is followed", v.done.Followed.Round(time.Second))
	}
	return nil
}

// begin reads everything.
func (f *follower) begin() error {
	now, err := readHead(f.ctx, f.conn)
	if err != nil {
		return err
	}
	f.place = now.place
	rows, err := f.conn.Query(f.ctx, "select distinct xid from rdds.changes where xid >= $1", now.horizon)
	if err != nil {
		return err
	}
	if f.place.seen, err = pgx.CollectRows(rows, pgx.RowTo[uint64]); err != nil {
		return err
	}
	for kind := range registry.Kind(registry.Kinds) {
		if f.mirror[kind], err = f.read(kind, ""); err != nil {
			return err
		}
	}
	return nil
}

// poll reads what the journal names and what is due, and compares if asked to.
func (f *follower) poll(compare bool) error {
	f.done.Polls++
	now, err := readHead(f.ctx, f.conn)
	if err != nil {
		return err
	}
	if now.epoch != f.place.epoch {
		f.remark("rdds.head()", "the registry has begun a new epoch while it was followed: all was read anew")
		return f.begin()
	}
	rows, err := f.conn.Query(f.ctx, "select xid, kind, key from rdds.changes where xid >= $1 and xid <> all ($2)", f.place.horizon, f.place.seen)
	if err != nil {
		return err
	}
	type change struct {
		XID       uint64
		Kind, Key string
	}
	changes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[change])
	if err != nil {
		return err
	}
	var keys [registry.Kinds]map[string]bool
	for kind := range keys {
		keys[kind] = map[string]bool{}
	}
	seen := slices.Clone(f.place.seen)
	for _, c := range changes {
		kind, _ := registry.ParseKind(c.Kind)
		keys[kind][c.Key] = true
		seen = append(seen, c.XID)
	}
	slices.Sort(seen)
	f.place.seen = slices.DeleteFunc(slices.Compact(seen), func(xid uint64) bool { return xid < now.horizon })
	f.place.horizon = now.horizon
	f.done.Changes += len(changes)
	for key, row := range f.mirror[registry.KindDomain] {
		if row.refresh != 0 && row.refresh <= now.clock {
			keys[registry.KindDomain][key] = true
		}
	}
	for kind, named := range keys {
		if err := f.renew(registry.Kind(kind), named); err != nil {
			return err
		}
	}
	if !compare {
		return nil
	}
	for kind := range registry.Kind(registry.Kinds) {
		if err := f.compare(kind); err != nil {
			return err
		}
	}
	return nil
}

// renew reads rows again.
func (f *follower) renew(kind registry.Kind, named map[string]bool) error {
	keys := make([]string, 0, len(named))
	for key := range named {
		keys = append(keys, key)
	}
	for chunk := range slices.Chunk(keys, 5000) {
		rows, err := f.read(kind, " where key = any ($1)", chunk)
		if err != nil {
			return err
		}
		for _, key := range chunk {
			if row := rows[key]; row != nil {
				f.mirror[kind][key] = row
			} else {
				delete(f.mirror[kind], key)
			}
		}
	}
	return nil
}

// compare looks for rows that are not as the journal has told.
func (f *follower) compare(kind registry.Kind) error {
	now, err := f.read(kind, "")
	if err != nil {
		return err
	}
	where := "rdds." + kind.String()
	for key, row := range now {
		was := f.mirror[kind][key]
		switch {
		case was == nil:
			f.once(where, "a row", "appeared", key)
		case !slices.Equal(was.hashes, row.hashes):
			for i, column := range contract.Columns[kind][1:] {
				if was.hashes[i] != row.hashes[i] {
					f.once(where, "column "+column, "changed", key)
				}
			}
		}
	}
	for key := range f.mirror[kind] {
		if now[key] == nil {
			f.once(where, "a row", "went", key)
		}
	}
	f.mirror[kind] = now
	return nil
}

// once reports the first of equal findings.
func (f *follower) once(where, what, how, key string) {
	if id := where + what + how; !f.told[id] {
		f.told[id] = true
		f.wrong(where, "%s %s, and no row of rdds.changes and no refresh_at had named its key (first seen: %s): a trigger is missing on a table that it is made of, or it reads the clock", what, how, key)
	}
}

// read reads hashes of a view's rows.
func (f *follower) read(kind registry.Kind, where string, args ...any) (map[string]*mirrored, error) {
	name := kind.String()
	if where == "" {
		name = viewAll(kind)
	}
	rows, err := f.conn.Query(f.ctx, "select "+f.columns[kind]+" from rdds."+name+" v"+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]*mirrored{}
	for rows.Next() {
		var (
			key    string
			due    *time.Time
			values []string
		)
		if err := rows.Scan(&key, &due, &values); err != nil {
			return nil, err
		}
		row := &mirrored{hashes: make([]uint32, len(values))}
		for i, value := range values {
			h := fnv.New32a()
			_, _ = h.Write([]byte(value)) // which never fails
			row.hashes[i] = h.Sum32()
		}
		if due != nil {
			row.refresh = registry.TimeOf(*due)
		}
		all[strings.Clone(key)] = row
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read rdds.%s: %w", name, err)
	}
	return all, nil
}
