package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
	"rddsd/deploy/schema"
)

// ErrReference says that a loaded object refers to one that was not loaded.
var ErrReference = errors.New("a reference leads nowhere")

// Meta is what a new registry file says about itself.
type Meta struct {
	Registry string        // which registry it is: 32 hexadecimal digits; "" = drawn at random
	Epoch    string        // its numbering: 32 hexadecimal digits; "" = drawn at random
	BeatAt   registry.Time // the first heartbeat; 0 = now
}

// Create begins a bulk load into a new registry file at path. The load goes to
// a temporary file beside it, which takes its place in Commit: until then
// nothing at path changes. Only the owner may read the file: it has no roles.
// If path holds anything and force is not set, it returns synthetic.ErrNotEmpty.
//
// The caller ends the load with Commit or Abort:
//
//	loader, err := sqlite.Create(path, false, sqlite.Meta{})
//	if err != nil {
//		return err
//	}
//	defer loader.Abort() // does nothing after Commit
//	... loader.TLD, Registrar, Contact, Host, Domain, Reserved, in any order ...
//	return loader.Commit()
func Create(path string, force bool, meta Meta) (*Loader, error) {
	if err := synthetic.CheckTarget(path, force); err != nil {
		return nil, fmt.Errorf("create registry %s: %w", path, err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".load-*")
	if err != nil {
		return nil, fmt.Errorf("create registry %s: %w", path, err)
	}
	loader := &Loader{path: path, force: force, temp: temp.Name()}
	err = temp.Close()
	if err == nil {
		err = loader.open(meta)
	}
	if err != nil {
		loader.Abort()
		return nil, fmt.Errorf("create registry %s: %w", path, err)
	}
	return loader, nil
}

// sidecars are the files that SQLite keeps beside a database. Left behind by an
// earlier database of the same name, they would be replayed into the new one.
var sidecars = [...]string{"-wal", "-shm", "-journal"}

func removeSidecars(path string) error {
	for _, suffix := range sidecars {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Commit waits for the rows that are under way, checks that every reference
// meets an object (ErrReference), makes the indexes, views and triggers, and
// puts the file in its place: whole, on disk, with an empty journal and nothing
// beside it. It is marked for write-ahead logging, so that outside programs and
// the edge do not block each other. After an error nothing has changed at the
// target.
func (l *Loader) Commit() error {
	if err := l.finish(); err != nil {
		l.Abort()
		return fmt.Errorf("create registry %s: %w", l.path, err)
	}
	return nil
}

func (l *Loader) finish() error {
	if err := l.stop(); err != nil {
		return err
	}
	if err := l.checkReferences(); err != nil {
		return err
	}
	_, indexesAndViews, triggers := schema.SQLiteParts()
	for _, sql := range []string{"commit", indexesAndViews, triggers, "pragma journal_mode = wal"} {
		if err := l.exec(sql); err != nil {
			return err
		}
	}
	conn := l.conn
	l.conn = nil
	if err := conn.Close(); err != nil {
		return fmt.Errorf("close the loaded file: %w", err)
	}
	if err := syncFile(l.temp); err != nil {
		return err
	}
	if err := synthetic.CheckTarget(l.path, l.force); err != nil {
		return err
	}
	if err := removeSidecars(l.path); err != nil {
		return err
	}
	if err := os.Rename(l.temp, l.path); err != nil {
		return err
	}
	l.temp = ""
	return syncFile(filepath.Dir(l.path))
}

// Abort gives the load up and removes what it wrote. It does nothing after a
// Commit that succeeded.
func (l *Loader) Abort() {
	if l.conn != nil {
		_ = l.stop()
		_ = l.conn.Close()
		l.conn = nil
	}
	if l.temp != "" {
		_ = removeSidecars(l.temp)
		_ = os.Remove(l.temp)
		l.temp = ""
	}
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}

// fileURI writes path as a SQLite URI with the given query.
func fileURI(path string, query url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}).String()
}
