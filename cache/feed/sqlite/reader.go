package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"

	"modernc.org/sqlite"

	"rddsd/cache"
	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// reader is one read-only connection with its prepared statements. It speaks to
// the driver itself: database/sql would look at every column of every row with
// reflection, and a snapshot has millions.
//
// No statement is given a context: the driver would start a goroutine for each.
// What takes long asks the context itself between rows; what waits for a lock
// waits at most busyTimeout.
type reader struct {
	conn        driver.Conn
	versionStmt driver.Stmt
	headStmt    driver.Stmt
	changesStmt driver.Stmt
	keyStmts    [registry.Kinds]driver.Stmt
	values      []driver.Value // of the row at hand
	decoder     decoder
}

const (
	// busyTimeout is how long a statement waits for a lock, in milliseconds: in
	// write-ahead mode a reader waits for nobody, so a lock that lasts is a
	// fault to report.
	busyTimeout = "busy_timeout(1000)"
	// chunkKeys is the most keys that one statement asks for (feed.md §3).
	chunkKeys = 5000
	// maxKeys is the most journal rows that are held at once, and twice the most
	// keys of one batch: past that a snapshot is cheaper, and it bounds the
	// memory (feed.md §4).
	maxKeys = 10_000_000
	// contextRows is after how many rows a long read asks its context.
	contextRows = 1024
)

// views names, for each kind, the view that a full read names, the one that is
// read by key, and the columns in the order in which decoder takes them.
var views = [registry.Kinds]struct{ all, byKey, columns string }{
	registry.KindTLD: {"rdds_tld", "rdds_tld", "key, u_name, gtld, zone_signed, contact_model, created, updated"},
	registry.KindRegistrar: {"rdds_registrar", "rdds_registrar", "key, iana_id, name, status, url, rdap_url, whois_server, " +
		"abuse_email, abuse_phone, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, " +
		"admin_fn, admin_voice, admin_email, tech_fn, tech_voice, tech_email, contact_model, created, updated"},
	registry.KindContact: {"rdds_contact", "rdds_contact", "key, registrar, handle, name, org, street, city, sp, pc, cc, " +
		"voice, voice_ext, fax, fax_ext, email, redacted, created, updated"},
	registry.KindHost: {"rdds_host", "rdds_host", "key, name, registrar, v4, v6, statuses, created, updated"},
	registry.KindDomain: {"rdds_domain_all", "rdds_domain", "key, roid, u_name, idn_table, registrar, reseller, registrant, " +
		"tech, hosts, ds, statuses, rgp, created, updated, transferred, expires, refresh_at"},
	registry.KindReserved: {"rdds_reserved", "rdds_reserved", "key, reason, of, idn_table, public_text"},
}

// maxColumns is the most columns of any view.
const maxColumns = 28

// connect opens the file at path.
func connect(path string) (*reader, error) {
	conn, err := new(sqlite.Driver).Open(fileURI(path, url.Values{
		"mode":    {"ro"},
		"_pragma": {busyTimeout, "query_only(1)", "cache_size(-16384)"},
	}))
	if err != nil {
		return nil, err
	}
	r := &reader{conn: conn, values: make([]driver.Value, maxColumns)}
	err = r.prepare(&r.versionStmt, "pragma data_version")
	if err == nil {
		err = r.prepare(&r.headStmt, selectHead)
	}
	if err == nil {
		err = r.prepare(&r.changesStmt, "select kind, key from rdds_changes where seq > ?")
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// prepare sets stmt to the statement sql unless it is there already.
func (r *reader) prepare(stmt *driver.Stmt, sql string) error {
	if *stmt != nil {
		return nil
	}
	prepared, err := r.conn.Prepare(sql)
	if err != nil {
		return err // and the driver's statement is a nil pointer, but no nil driver.Stmt
	}
	*stmt = prepared
	return nil
}

// close closes the connection. Its errors tell nothing: it never wrote.
func (r *reader) close() {
	for _, stmt := range append(r.keyStmts[:], r.versionStmt, r.headStmt, r.changesStmt) {
		if stmt != nil {
			_ = stmt.Close()
		}
	}
	_ = r.conn.Close()
}

// transaction runs read in one transaction, so that all it reads is one state.
// After an error the connection is good for nothing but to be closed.
func (r *reader) transaction(read func() error) error {
	if err := r.exec("begin"); err != nil {
		return err
	}
	if err := read(); err != nil {
		return errors.Join(err, r.exec("rollback"))
	}
	return r.exec("commit")
}

func (r *reader) exec(sql string) error {
	execer, ok := r.conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the SQLite driver cannot execute statements")
	}
	_, err := execer.ExecContext(context.Background(), sql, nil)
	return err
}

// query runs stmt and calls each with every row, whose values are good until
// the next one.
func (r *reader) query(stmt driver.Stmt, args []driver.NamedValue, each func([]driver.Value) error) error {
	queryer, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		return errors.New("the SQLite driver cannot query prepared statements")
	}
	rows, err := queryer.QueryContext(context.Background(), args)
	if err != nil {
		return err
	}
	values := r.values[:len(rows.Columns())]
	for {
		if err = rows.Next(values); err != nil {
			break
		}
		if err = each(values); err != nil {
			break
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// version returns data_version, which differs from the last one when another
// connection has committed since.
func (r *reader) version() (int64, error) {
	var version int64
	err := r.query(r.versionStmt, nil, func(values []driver.Value) error {
		version, _ = values[0].(int64)
		return nil
	})
	return version, err
}

// all puts every object of kind.
func (r *reader) all(ctx context.Context, kind registry.Kind, put func(cache.Change) error) error {
	stmt, err := r.conn.Prepare("select " + views[kind].columns + " from " + views[kind].all)
	if err != nil {
		return err
	}
	n, nameless := 0, false
	err = r.query(stmt, nil, func(values []driver.Value) error {
		if n++; n%contextRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		c := r.decoder.change(kind, values)
		if c.Name == "" {
			if nameless {
				return nil // rows without a key cannot be told apart: they are put once
			}
			nameless = true
		}
		return put(c)
	})
	return errors.Join(err, stmt.Close())
}

// keys collects the keys of a batch by kind.
type keys struct {
	names [registry.Kinds][]string
	count int
}

func (k *keys) add(key cache.Key) {
	k.names[key.Kind] = append(k.names[key.Kind], key.Name)
	k.count++
}

// changes adds to keys what the journal names after serial. A kind that the
// contract does not have names nothing that it publishes.
func (r *reader) changes(ctx context.Context, serial uint64, keys *keys) error {
	n := 0
	return r.query(r.changesStmt, arguments(int64(serial)), func(values []driver.Value) error {
		if n++; n%contextRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		word, _ := values[0].(string)
		name, _ := values[1].(string)
		if kind, ok := registry.ParseKind(word); ok && name != "" {
			keys.add(cache.Key{Kind: kind, Name: name})
		}
		if keys.count < maxKeys {
			return nil
		}
		if keys.compact(); keys.count > maxKeys/2 {
			return &feed.Gap{Reason: feed.ReasonLarge, Detail: fmt.Sprintf("more than %d keys have changed", keys.count)}
		}
		return nil
	})
}

// compact sorts the keys of each kind and drops repeats.
func (k *keys) compact() {
	k.count = 0
	for kind, names := range k.names {
		slices.Sort(names)
		k.names[kind] = slices.Compact(names)
		k.count += len(k.names[kind])
	}
}

// byKey returns the objects that keys names as they stand now, by kind.
func (r *reader) byKey(ctx context.Context, keys *keys) ([]cache.Change, error) {
	keys.compact()
	changes := make([]cache.Change, 0, keys.count)
	for kind, names := range keys.names {
		for chunk := range slices.Chunk(names, chunkKeys) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			found, err := r.chunk(registry.Kind(kind), chunk)
			if err != nil {
				return nil, err
			}
			changes = append(changes, found...)
		}
	}
	return changes, nil
}

// chunk returns the objects of kind that names names, which is sorted.
func (r *reader) chunk(kind registry.Kind, names []string) ([]cache.Change, error) {
	err := r.prepare(&r.keyStmts[kind], "select "+views[kind].columns+" from "+views[kind].byKey+
		" where key in (select value from json_each(?))")
	if err != nil {
		return nil, err
	}
	changes := make([]cache.Change, len(names))
	for i, name := range names {
		changes[i].Key = cache.Key{Kind: kind, Name: name}
	}
	seen := make([]bool, len(names))
	strange := false
	err = r.query(r.keyStmts[kind], arguments(string(appendList(nil, names))), func(values []driver.Value) error {
		c := r.decoder.change(kind, values)
		i, ok := slices.BinarySearch(names, c.Name)
		switch {
		case !ok:
			strange = true
		case seen[i]:
			changes[i].Row, changes[i].Reject = "", registry.RejectKey
		default:
			changes[i].Row, changes[i].Reject = c.Row, c.Reject
			seen[i] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %d of kind %s: %w", len(names), kind, err)
	}
	// A view that answers for another key than the one asked for (a comparison
	// without case, say) must not make that one look deleted.
	for i := range changes {
		if strange && !seen[i] {
			changes[i].Reject = registry.RejectKey
		}
	}
	return changes, nil
}

func arguments(value driver.Value) []driver.NamedValue {
	return []driver.NamedValue{{Ordinal: 1, Value: value}}
}
