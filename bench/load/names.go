package load

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/idna"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// Names are what queries ask for, and what the registry says about a part of it.
// They do not change once made and may be used by several runs at once.
type Names struct {
	source string // where they are from, for people
	text   string // all names, one after the other
	ends   []uint32
	idns   []idn
	drops  []uint32 // indexes of names in pendingDelete

	hosts      []string
	registrars []registrarName
	reserved   []string

	known *knowledge // nil for a list

	once  sync.Once
	order []uint32 // indexes in the order of the zone, made when first needed
}

// idn is an internationalised name.
type idn struct {
	index   uint32
	unicode string // U-label form
}

type registrarName struct{ name, id string }

// maxHosts is how many hosts are asked for at most.
const maxHosts = 10_000

// Len returns how many names there are.
func (n *Names) Len() int { return len(n.ends) }

// Source tells where the names are from.
func (n *Names) Source() string { return n.source }

// At returns name i, an A-label name.
func (n *Names) At(i int) string {
	start := uint32(0)
	if i > 0 {
		start = n.ends[i-1]
	}
	return n.text[start:n.ends[i]]
}

// Expect is for Options.Expect: what the registry says about q while it is as it
// was generated. It knows the answer about up to 100,000 of the names, about names
// that are free or reserved and about registrars; nothing for Names from a list.
func (n *Names) Expect(q Query) (Expectation, bool) {
	if n.known == nil {
		return Expectation{}, false
	}
	return n.known.expect(q)
}

// FromRegistry takes the names of a generated registry. A million of them takes
// some seconds and 60 MB.
func FromRegistry(g *synthetic.Registry) (*Names, error) {
	n := &Names{source: fmt.Sprintf("%d generated names under .%s, seed %d", g.Names, g.TLD, g.Seed), known: newKnowledge(g.Names)}
	list := newNameList(g.Names)
	sponsors := make(map[string]string)
	err := g.Each(synthetic.Sink{
		Registrar: func(r *registry.Registrar) error {
			sponsors[r.ClID] = r.Name
			id := ""
			if r.IANA != 0 {
				id = fmt.Sprint(r.IANA)
				n.known.found[id] = record{}
			}
			n.registrars = append(n.registrars, registrarName{r.Name, id})
			return nil
		},
		Host: func(h *registry.Nameserver) error {
			// Only hosts below the TLD: which of several objects of another name a
			// registry shows is its own choice.
			if len(n.hosts) < maxHosts && strings.HasSuffix(h.Name, "."+g.TLD) {
				n.hosts = append(n.hosts, h.Name)
			}
			return nil
		},
		Domain: func(d *synthetic.Domain) error {
			i := uint32(list.len())
			if err := list.add(d.Name); err != nil {
				return err
			}
			if d.UName != "" {
				n.idns = append(n.idns, idn{i, d.UName})
			}
			if d.Statuses&registry.PendingDelete != 0 {
				n.drops = append(n.drops, i)
			}
			n.known.learn(int(i), d, sponsors[d.Registrar])
			return nil
		},
		Reserved: func(r *registry.Reserved) error {
			n.reserved = append(n.reserved, r.Name)
			n.known.reserved[r.Name] = struct{}{}
			return nil
		},
	})
	if err == nil {
		// In a second pass, so that only the wanted ones are kept.
		err = g.Each(synthetic.Sink{Contact: n.known.learnContact})
	}
	if err != nil {
		return nil, fmt.Errorf("take the names of a generated registry: %w", err)
	}
	n.text, n.ends = list.done()
	return n, nil
}

// FromList takes names as given: A-labels or U-labels, in any letter case. source
// tells people where they are from.
func FromList(source string, names []string) (*Names, error) {
	n := &Names{source: fmt.Sprintf("%d names of %s", len(names), source)}
	list := newNameList(len(names))
	for _, given := range names {
		ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(given, "."))
		if err != nil || !registry.ValidName(ascii) {
			return nil, fmt.Errorf("names of %s: %q is not a domain name", source, given)
		}
		if strings.HasPrefix(ascii, "xn--") || strings.Contains(ascii, ".xn--") {
			if unicode, err := idna.Lookup.ToUnicode(ascii); err == nil {
				n.idns = append(n.idns, idn{uint32(list.len()), unicode})
			}
		}
		if err := list.add(ascii); err != nil {
			return nil, fmt.Errorf("names of %s: %w", source, err)
		}
	}
	if list.len() == 0 {
		return nil, fmt.Errorf("names of %s: there are none", source)
	}
	n.text, n.ends = list.done()
	return n, nil
}

// FromFile takes names from a text file, one a line. Empty lines and those that
// begin with # are left out.
func FromFile(path string) (*Names, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	defer f.Close()
	var (
		names []string
		lines = bufio.NewScanner(f)
	)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && line[0] != '#' {
			names = append(names, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("names: read %s after %d names: %w", path, len(names), err)
	}
	return FromList(path, names)
}

// zoneOrder returns the indexes of all names in the order of the zone.
func (n *Names) zoneOrder() []uint32 {
	n.once.Do(func() {
		n.order = make([]uint32, n.Len())
		for i := range n.order {
			n.order[i] = uint32(i)
		}
		slices.SortFunc(n.order, func(a, b uint32) int { return strings.Compare(n.At(int(a)), n.At(int(b))) })
	})
	return n.order
}

// nameList packs names, without a pointer each.
type nameList struct {
	text strings.Builder
	ends []uint32
}

func newNameList(count int) *nameList {
	l := &nameList{ends: make([]uint32, 0, count)}
	l.text.Grow(16 * count)
	return l
}

func (l *nameList) len() int { return len(l.ends) }

var errTooMuchText = errors.New("more than 4 GiB of names")

func (l *nameList) add(name string) error {
	if l.text.Len()+len(name) > math.MaxUint32 {
		return errTooMuchText
	}
	l.text.WriteString(name)
	l.ends = append(l.ends, uint32(l.text.Len()))
	return nil
}

func (l *nameList) done() (string, []uint32) { return l.text.String(), l.ends }
