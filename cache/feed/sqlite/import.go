package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rddsd/cache/feed/rde"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// Imported says what Import stored.
type Imported struct {
	Header  rde.Header
	Count   [registry.Kinds]int
	Skipped []string // references to name servers outside the registry that the deposit does not hold; at most maxSkipped
	More    int      // how many more there were
}

// maxSkipped is how many left-out references an import names.
const maxSkipped = 20

// Import makes a registry file at path out of the FULL deposit in the file
// called deposit, as Create does. Nothing at path changes if anything is wrong
// with the deposit.
//
// The deposit is read twice, because its objects may stand in any order and
// refer to each other by names that the registry does not use as keys: first
// for what is referred to, then for the domains. What the names stand for is
// kept in a temporary database beside path, so that memory does not grow with
// the deposit.
func Import(ctx context.Context, deposit, path string, force bool) (*Imported, error) {
	if err := checkTarget(path, force); err != nil {
		return nil, fmt.Errorf("create registry %s: %w", path, err)
	}
	names, err := openNames(path)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", deposit, err)
	}
	defer names.close()
	im := &importer{names: names, registrars: map[string]int{}}
	if err := im.learn(ctx, deposit); err != nil {
		return nil, fmt.Errorf("import %s: %w", deposit, err)
	}

	im.loader, err = Create(path, force, Meta{Registry: identity(im.done.Header.TLDs)})
	if err != nil {
		return nil, err
	}
	defer im.loader.Abort()
	if err := im.store(ctx, deposit); err != nil {
		return nil, fmt.Errorf("import %s: %w", deposit, err)
	}
	if err := im.loader.Commit(); err != nil {
		return nil, fmt.Errorf("import %s: %w", deposit, err)
	}
	return &im.done, nil
}

type importer struct {
	loader     *Loader
	names      *names
	registrars map[string]int // clid -> IANA ID
	done       Imported
}

// learn is the first reading: what the objects are called.
func (im *importer) learn(ctx context.Context, deposit string) (err error) {
	im.done.Header, err = visit(ctx, deposit, rde.Visitor{
		Registrar: func(r *registry.Registrar) error {
			im.registrars[r.ClID] = r.IANA
			return nil
		},
		Contact: func(id string, c *registry.Contact) error { return im.names.add("contact", id, c.ROID) },
		Host:    func(n *registry.Nameserver) error { return im.names.add("host", n.Name, n.ROID) },
	})
	if err != nil {
		return err
	}
	return im.names.load()
}

// store is the second reading.
func (im *importer) store(ctx context.Context, deposit string) error {
	for _, name := range im.done.Header.TLDs {
		tld := registry.TLD{Name: name, GTLD: im.allHaveIANA(), ContactModel: registry.ModelFull}
		if reject := tld.Check(); reject != "" {
			return fmt.Errorf("the header names the TLD %q: %s", name, reject)
		}
		im.done.Count[registry.KindTLD]++
		if err := im.loader.TLD(&tld); err != nil {
			return err
		}
	}
	_, err := visit(ctx, deposit, rde.Visitor{
		Registrar: func(r *registry.Registrar) error {
			im.done.Count[registry.KindRegistrar]++
			return im.loader.Registrar(r)
		},
		Contact: func(_ string, c *registry.Contact) error {
			im.done.Count[registry.KindContact]++
			return im.loader.Contact(c)
		},
		Host: func(n *registry.Nameserver) error {
			im.done.Count[registry.KindHost]++
			return im.loader.Host(n)
		},
		Domain: im.domain,
		Reserved: func(r *registry.Reserved) error {
			im.done.Count[registry.KindReserved]++
			return im.loader.Reserved(r)
		},
	})
	return err
}

// visit reads the deposit once.
func visit(ctx context.Context, deposit string, visitor rde.Visitor) (rde.Header, error) {
	file, err := os.Open(deposit)
	if err != nil {
		return rde.Header{}, err
	}
	defer file.Close()
	return rde.Read(untilDone{ctx, file}, visitor)
}

// untilDone is a file that fails once ctx has ended.
type untilDone struct {
	ctx  context.Context
	file *os.File
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.file.Read(p)
}

// identity is the registry identifier of whoever deposits for tlds: the next
// deposit of the same registry is the same registry in a new epoch.
func identity(tlds []string) string {
	sum := sha256.Sum256([]byte("rde " + strings.Join(slices.Sorted(slices.Values(tlds)), " ")))
	return hex.EncodeToString(sum[:16])
}

// allHaveIANA reports whether every registrar has an IANA ID, which is how a
// gTLD is told from others: a deposit does not say it.
func (im *importer) allHaveIANA() bool {
	for _, id := range im.registrars {
		if id == 0 {
			return false
		}
	}
	return true
}

func (im *importer) domain(d *rde.Domain) error {
	im.done.Count[registry.KindDomain]++
	row := synthetic.Domain{Domain: d.Domain}
	if _, known := im.registrars[d.Registrar]; !known {
		return fmt.Errorf("its registrar %q is not in the deposit", d.Registrar)
	}
	var err error
	if d.Registrant != "" {
		if row.Registrant, err = im.names.roid("contact", d.Registrant); err != nil {
			return fmt.Errorf("its registrant %q: %w", d.Registrant, err)
		}
	}
	row.Tech = nil
	for _, id := range d.Tech {
		roid, err := im.names.roid("contact", id)
		if err != nil {
			return fmt.Errorf("its technical contact %q: %w", id, err)
		}
		row.Tech = append(row.Tech, roid)
	}
	row.Hosts = nil
	for _, name := range d.Hosts {
		roid, err := im.names.roid("host", strings.ToLower(name))
		if errors.Is(err, errNotHeld) && im.outside(name) {
			im.skip(d, name)
			continue
		}
		if err != nil {
			return fmt.Errorf("its name server %q: %w", name, err)
		}
		row.Hosts = append(row.Hosts, roid)
	}
	return im.loader.Domain(&row)
}

// outside reports whether a deposit may refer to the name server without
// holding it: registries leave out hosts that stand under another TLD. A name
// that is not in the form of RFC 9022, lower-case A-labels, is a mistake and no
// such reference.
func (im *importer) outside(name string) bool {
	if !registry.ValidHost(name) {
		return false
	}
	for _, tld := range im.done.Header.TLDs {
		if strings.HasSuffix(name, "."+tld) {
			return false
		}
	}
	return true
}

func (im *importer) skip(d *rde.Domain, host string) {
	if len(im.done.Skipped) == maxSkipped {
		im.done.More++
		return
	}
	im.done.Skipped = append(im.done.Skipped, fmt.Sprintf("line %d: domain %s names the outside host %s", d.Line, d.Name, host))
}

var errNotHeld = errors.New("it is not in the deposit")

// names maps what a deposit calls contacts and hosts to their ROIDs.
type names struct {
	path   string
	db     *sql.DB
	tx     *sql.Tx
	insert *sql.Stmt
	find   *sql.Stmt
}

func openNames(beside string) (*names, error) {
	file, err := os.CreateTemp(filepath.Dir(beside), "."+filepath.Base(beside)+".names-*")
	if err != nil {
		return nil, err
	}
	n := &names{path: file.Name()}
	if err := errors.Join(file.Close(), n.open()); err != nil {
		n.close()
		return nil, fmt.Errorf("open a temporary database: %w", err)
	}
	return n, nil
}

func (n *names) open() error {
	// It is thrown away after a crash, so nothing is waited for.
	db, err := sql.Open("sqlite", fileURI(n.path, url.Values{"_pragma": {"journal_mode(off)", "synchronous(off)", "cache_size(-16000)"}}))
	if err != nil {
		return err
	}
	n.db = db
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("create table names (kind text, name text, roid text not null, primary key (kind, name)) strict, without rowid"); err != nil {
		return err
	}
	if n.tx, err = db.Begin(); err != nil {
		return err
	}
	n.insert, err = n.tx.Prepare("insert into names values (?, ?, ?)")
	return err
}

func (n *names) add(kind, name, roid string) error {
	if _, err := n.insert.Exec(kind, name, roid); err != nil {
		return fmt.Errorf("its name stands twice in the deposit, or cannot be kept: %w", err)
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

// roid returns errNotHeld for a name that was not added.
func (n *names) roid(kind, name string) (string, error) {
	var roid string
	err := n.find.QueryRow(kind, name).Scan(&roid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNotHeld
	}
	return roid, err
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
