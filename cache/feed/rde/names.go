package rde

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // holds the names while a deposit is loaded

	"rddsd/cache/registry"
)

// idKey makes of a contact's EPP identifier what may be stored: deposits call
// contacts by it, and it is never published. Without the key, which the registry
// keeps to itself, the identifier cannot be told from it.
type idKey []byte

func newIDKey() (idKey, error) {
	key := make(idKey, sha256.Size)
	_, err := rand.Read(key)
	return key, err
}

func (k idKey) mac(id string) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(id))
	return h.Sum(nil)
}

// names maps what a FULL deposit calls contacts and hosts to their ROIDs, in a
// temporary database, so that memory does not grow with the deposit. It holds
// nothing that is not to be stored.
type names struct {
	path   string
	db     *sql.DB
	tx     *sql.Tx
	insert *sql.Stmt
	find   *sql.Stmt
	key    []byte            // that is looked for
	found  map[string]string // what was found lately: few hosts serve most domains
}

// maxFound is how many of what was found are kept: some 15 MB.
const maxFound = 100_000

func openNames(dir string) (*names, error) {
	file, err := os.CreateTemp(dir, ".deposit-names-*")
	if err != nil {
		return nil, err
	}
	n := &names{path: file.Name(), found: map[string]string{}}
	if err := errors.Join(file.Close(), n.open()); err != nil {
		n.close()
		return nil, fmt.Errorf("open a temporary database: %w", err)
	}
	return n, nil
}

func (n *names) open() error {
	// It is thrown away after a crash, so nothing is waited for. Nobody else has it
	// open: locks, taken anew for each search, would cost more than the search.
	uri := url.URL{Scheme: "file", Opaque: (&url.URL{Path: n.path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {"journal_mode(off)", "synchronous(off)", "locking_mode(exclusive)", "cache_size(-16000)"},
	}.Encode()}
	db, err := sql.Open("sqlite", uri.String())
	if err != nil {
		return err
	}
	n.db = db
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("create table names (kind integer, name blob, roid text not null, primary key (kind, name)) strict, without rowid"); err != nil {
		return err
	}
	if n.tx, err = db.Begin(); err != nil {
		return err
	}
	n.insert, err = n.tx.Prepare("insert into names values (?, ?, ?)")
	return err
}

func (n *names) add(kind registry.Kind, name []byte, roid string) error {
	if _, err := n.insert.Exec(int(kind), name, roid); err != nil {
		return fmt.Errorf("it stands twice in the deposit, or cannot be kept: %w", err)
	}
	return nil
}

// load ends the adding.
func (n *names) load() error {
	err := n.tx.Commit()
	n.tx = nil
	if err != nil {
		return err
	}
	n.find, err = n.db.Prepare("select roid from names where kind = ? and name = ?")
	return err
}

// errNotHeld says that a deposit refers to what it does not hold.
var errNotHeld = errors.New("it is not in the deposit")

// roid returns errNotHeld for a name that was not added.
func (n *names) roid(kind registry.Kind, name []byte) (string, error) {
	n.key = append(append(n.key[:0], byte(kind)), name...)
	if roid, ok := n.found[string(n.key)]; ok {
		return roid, nil
	}
	var roid string
	err := n.find.QueryRow(int(kind), name).Scan(&roid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNotHeld
	}
	if err != nil {
		return "", err
	}
	if len(n.found) >= maxFound {
		clear(n.found)
	}
	n.found[string(n.key)] = roid
	return roid, nil
}

func (n *names) close() {
	if n.tx != nil {
		_ = n.tx.Rollback()
	}
	if n.db != nil {
		_ = n.db.Close()
	}
	_ = os.Remove(n.path)
}
