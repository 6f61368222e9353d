package rde

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// Loader is a database that takes the registry of a FULL deposit. It keeps where
// the chain of deposits stands, and by which codes later ones find contacts.
type Loader interface {
	synthetic.Loader
	ContactID(mac []byte, roid string) error
	Deposit(*State) error
}

// State is what a registry remembers of the deposits that made it.
type State struct {
	FullID    string // the last FULL one: an INCR follows it
	LastID    string // the last one of any type: a DIFF follows it
	Watermark registry.Time
	IDKey     []byte // of the codes of contacts
}

// Imported says what an import stored.
type Imported struct {
	Header  Header
	Count   [registry.Kinds]int // objects written, by kind
	Deleted [registry.Kinds]int // objects deleted, by kind
	Skipped []string            // references to name servers outside the registry that the deposit does not hold; at most maxSkipped
	More    int                 // how many more there were
}

// maxSkipped is how many left-out references an import names.
const maxSkipped = 20

// Load reads the FULL deposit in file and passes its objects to the Loader that
// create makes, once it is known that the deposit is whole. It does not end the
// load: the caller does, and gives up what was loaded after an error.
//
// The deposit is read twice, because its objects may stand in any order and
// refer to each other by names that the registry does not use as keys: first
// for what is referred to, then for the domains. What the names stand for is
// kept in a temporary database in dir, so that memory does not grow with the
// deposit.
func Load(ctx context.Context, file, dir string, create func(*Header) (Loader, error)) (*Imported, error) {
	names, err := openNames(dir)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", file, err)
	}
	defer names.close()
	key, err := newIDKey()
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", file, err)
	}
	im := &loading{names: names, key: key, registrars: map[string]int{}}
	if err := im.learn(ctx, file); err != nil {
		return nil, fmt.Errorf("import %s: %w", file, err)
	}
	if im.to, err = create(&im.done.Header); err != nil {
		return nil, err
	}
	if err := im.store(ctx, file); err != nil {
		return nil, fmt.Errorf("import %s: %w", file, err)
	}
	return &im.done, nil
}

// Identity is the registry identifier of whoever deposits for the TLDs of h: the
// next FULL deposit of the same registry is the same registry in a new epoch.
func (h *Header) Identity() string {
	sum := sha256.Sum256([]byte("rde " + strings.Join(slices.Sorted(slices.Values(h.TLDs)), " ")))
	return hex.EncodeToString(sum[:16])
}

// loading is a FULL deposit on its way.
type loading struct {
	to         Loader
	names      *names
	key        idKey
	registrars map[string]int // clid -> IANA ID
	done       Imported
}

// learn is the first reading: what the objects are called.
func (im *loading) learn(ctx context.Context, file string) (err error) {
	im.done.Header, err = visit(ctx, file, Visitor{
		Begin: func(h *Header) error {
			if h.Type != Full {
				return fmt.Errorf("deposit %s is of type %s: only a FULL one holds a whole registry", h.ID, h.Type)
			}
			return nil
		},
		Registrar: func(r *registry.Registrar) error {
			if _, twice := im.registrars[r.ClID]; twice {
				return errors.New("it stands twice in the deposit")
			}
			im.registrars[r.ClID] = r.IANA
			return nil
		},
		Contact: func(id string, c *registry.Contact) error {
			return im.names.add(registry.KindContact, im.key.mac(id), c.ROID)
		},
		Host: func(n *registry.Nameserver) error {
			return im.names.add(registry.KindHost, []byte(n.Name), n.ROID)
		},
	})
	if err != nil {
		return err
	}
	return im.names.load()
}

// store is the second reading.
func (im *loading) store(ctx context.Context, file string) error {
	h := &im.done.Header
	for _, name := range h.TLDs {
		tld := registry.TLD{Name: name, GTLD: im.allHaveIANA(), ContactModel: registry.ModelFull}
		if reject := tld.Check(); reject != "" {
			return fmt.Errorf("the header names the TLD %q: %s", name, reject)
		}
		im.done.Count[registry.KindTLD]++
		if err := im.to.TLD(&tld); err != nil {
			return err
		}
	}
	_, err := visit(ctx, file, Visitor{
		Registrar: func(r *registry.Registrar) error {
			im.done.Count[registry.KindRegistrar]++
			return im.to.Registrar(r)
		},
		Contact: im.contact,
		Host: func(n *registry.Nameserver) error {
			im.done.Count[registry.KindHost]++
			if _, known := im.registrars[n.Registrar]; !known {
				return fmt.Errorf("its registrar %q: %w", n.Registrar, errNotHeld)
			}
			return im.to.Host(n)
		},
		Domain: im.domain,
		Reserved: func(r *registry.Reserved) error {
			im.done.Count[registry.KindReserved]++
			return im.to.Reserved(r)
		},
	})
	if err != nil {
		return err
	}
	return im.to.Deposit(&State{FullID: h.ID, LastID: h.ID, Watermark: h.Watermark, IDKey: im.key})
}

// allHaveIANA reports whether every registrar has an IANA ID, which is how a
// gTLD is told from others: a deposit does not say it.
func (im *loading) allHaveIANA() bool {
	for _, id := range im.registrars {
		if id == 0 {
			return false
		}
	}
	return true
}

func (im *loading) contact(id string, c *registry.Contact) error {
	im.done.Count[registry.KindContact]++
	if _, known := im.registrars[c.Registrar]; !known {
		return fmt.Errorf("its registrar %q: %w", c.Registrar, errNotHeld)
	}
	if err := im.to.ContactID(im.key.mac(id), c.ROID); err != nil {
		return err
	}
	return im.to.Contact(c)
}

func (im *loading) domain(d *Domain) error {
	im.done.Count[registry.KindDomain]++
	if _, known := im.registrars[d.Registrar]; !known {
		return fmt.Errorf("its registrar %q: %w", d.Registrar, errNotHeld)
	}
	row := synthetic.Domain{Domain: d.Domain}
	err := im.done.resolve(d, &row.Domain, resolver{
		contact: func(id string) (string, error) { return im.names.roid(registry.KindContact, im.key.mac(id)) },
		host:    func(name string) (string, error) { return im.names.roid(registry.KindHost, []byte(name)) },
	})
	if err != nil {
		return err
	}
	return im.to.Domain(&row)
}

// resolver finds the ROIDs of what a deposit names; errNotHeld if there is none.
type resolver struct {
	contact func(id string) (roid string, err error)
	host    func(name string) (roid string, err error)
}

// resolve fills row, a copy of d, with ROIDs in the place of names.
func (done *Imported) resolve(d *Domain, row *registry.Domain, by resolver) error {
	if !done.Header.under(d.Name) {
		return fmt.Errorf("it stands under none of the deposit's TLDs: %s", strings.Join(done.Header.TLDs, ", "))
	}
	var err error
	if d.Registrant != "" {
		if row.Registrant, err = by.contact(d.Registrant); err != nil {
			return fmt.Errorf("its registrant %q: %w", d.Registrant, err)
		}
	}
	row.Tech = nil
	for _, id := range d.Tech {
		roid, err := by.contact(id)
		if err != nil {
			return fmt.Errorf("its technical contact %q: %w", id, err)
		}
		row.Tech = append(row.Tech, roid)
	}
	row.Hosts = nil
	for _, name := range d.Hosts {
		roid, err := by.host(strings.ToLower(name))
		if errors.Is(err, errNotHeld) && registry.ValidHost(name) && !done.Header.under(name) {
			// Registries leave out hosts that stand under another TLD. A name that is
			// not in the form of RFC 9022, lower-case A-labels, is a mistake instead.
			done.skip(d, name)
			continue
		}
		if err != nil {
			return fmt.Errorf("its name server %q: %w", name, err)
		}
		row.Hosts = append(row.Hosts, roid)
	}
	return nil
}

// under reports whether name stands under a TLD of the deposit.
func (h *Header) under(name string) bool {
	for _, tld := range h.TLDs {
		if strings.HasSuffix(name, "."+tld) {
			return true
		}
	}
	return false
}

func (done *Imported) skip(d *Domain, host string) {
	if len(done.Skipped) == maxSkipped {
		done.More++
		return
	}
	done.Skipped = append(done.Skipped, fmt.Sprintf("line %d: domain %s names the outside host %s", d.Line, d.Name, host))
}

// visit reads the deposit in file once.
func visit(ctx context.Context, file string, visitor Visitor) (Header, error) {
	in, err := os.Open(file)
	if err != nil {
		return Header{}, err
	}
	defer in.Close()
	return Read(untilDone{ctx, in}, visitor)
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

// errPeeked ends a reading that wants no more than the beginning.
var errPeeked = errors.New("the beginning was read")

// Peek reads the beginning of the deposit in file: its type and its ids.
func Peek(ctx context.Context, file string) (Header, error) {
	var header Header
	_, err := visit(ctx, file, Visitor{Begin: func(h *Header) error {
		header = *h
		return errPeeked
	}})
	if errors.Is(err, errPeeked) {
		return header, nil
	}
	return Header{}, fmt.Errorf("import %s: %w", file, err)
}

// Twice looks for an object that stands twice in the deposit in file, to tell
// why a database has refused it with err. It returns err if there is none.
func Twice(ctx context.Context, file string, err error) error {
	seen := map[string]bool{}
	once := func(keys ...string) error {
		for _, key := range keys {
			if seen[key] {
				return errTwice
			}
			seen[key] = true
		}
		return nil
	}
	_, found := visit(ctx, file, Visitor{
		Registrar: func(r *registry.Registrar) error { return once("registrar " + r.ClID) },
		Contact:   func(_ string, c *registry.Contact) error { return once("contact " + c.ROID) },
		Host:      func(n *registry.Nameserver) error { return once("host "+n.ROID, "host name "+n.Name) },
		Domain:    func(d *Domain) error { return once("domain "+d.ROID, "domain name "+d.Name) },
		Reserved:  func(r *registry.Reserved) error { return once("reserved " + r.Name) },
	})
	if errors.Is(found, errTwice) {
		return fmt.Errorf("import %s: %w", file, found)
	}
	return err
}

var errTwice = errors.New("its name or its ROID stands twice in the deposit")
