package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"modernc.org/sqlite"

	"rddsd/cache"
	"rddsd/cache/feed/contract"
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
	// contextRows is after how many rows a long read asks its context.
	contextRows = 1024
)

// The views: the one that a full read names and the one that is read by key.
func viewAll(kind registry.Kind) string {
	if kind == registry.KindDomain {
		return "rdds_domain_all"
	}
	return viewByKey(kind)
}

func viewByKey(kind registry.Kind) string { return "rdds_" + kind.String() }

// columns lists the columns of the view of kind.
func columns(kind registry.Kind) string { return strings.Join(contract.Columns[kind], ", ") }

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
	stmt, err := r.conn.Prepare("select " + columns(kind) + " from " + viewAll(kind))
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

// changes adds to keys what the journal names after serial. A kind that the
// contract does not have names nothing that it publishes.
func (r *reader) changes(ctx context.Context, serial uint64, keys *contract.Keys) error {
	n := 0
	return r.query(r.changesStmt, arguments(int64(serial)), func(values []driver.Value) error {
		if n++; n%contextRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		word, _ := values[0].(string)
		name, _ := values[1].(string)
		if kind, ok := registry.ParseKind(word); ok && name != "" {
			return keys.Add(cache.Key{Kind: kind, Name: name})
		}
		return nil
	})
}

// byKey returns the objects that keys names as they stand now, by kind.
func (r *reader) byKey(ctx context.Context, keys *contract.Keys) ([]cache.Change, error) {
	var changes []cache.Change
	err := keys.Chunks(func(kind registry.Kind, names []string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		found, err := r.chunk(kind, names)
		changes = append(changes, found...)
		return err
	})
	return changes, err
}

// chunk returns the objects of kind that names names, which is sorted.
func (r *reader) chunk(kind registry.Kind, names []string) ([]cache.Change, error) {
	err := r.prepare(&r.keyStmts[kind], "select "+columns(kind)+" from "+viewByKey(kind)+" where key in (select value from json_each(?))")
	if err != nil {
		return nil, err
	}
	found := contract.NewFound(kind, names)
	err = r.query(r.keyStmts[kind], arguments(string(appendList(nil, names))), func(values []driver.Value) error {
		found.Add(r.decoder.change(kind, values))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %d of kind %s: %w", len(names), kind, err)
	}
	return found.Changes(), nil
}

func arguments(value driver.Value) []driver.NamedValue {
	return []driver.NamedValue{{Ordinal: 1, Value: value}}
}
