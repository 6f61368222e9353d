package synthetic

import (
	"strconv"

	"rddsd/cache/registry"
)

// Fiction invents single values, for programs that change a registry. The same
// seed gives the same values in the same order. It is for one goroutine.
type Fiction struct {
	g      *Registry
	s      stream
	labels int
}

// NewFiction returns a Fiction whose values no registry of the same seed has as
// its own.
func NewFiction(seed uint64) (*Fiction, error) {
	w, err := loadWords()
	if err != nil {
		return nil, err
	}
	g := &Registry{seed: mix(seed ^ uint64(forFiction)), words: w, lengths: labelLengths(), shapes: labelShapes()}
	return &Fiction{g: g, s: g.stream(forFiction, 0)}, nil
}

// Below returns a number from 0 to n-1.
func (f *Fiction) Below(n int) int { return f.s.below(n) }

// Label returns a label: its A-label or LDH form, and for an IDN its U-label and
// IDN table. It may be taken, but is none of those that nothing ever registers:
// "unregistered" and what begins "free-".
func (f *Fiction) Label() (ascii, unicode, table string) {
	for {
		f.labels++
		if l := f.g.drawLabel(nil, f.labels, 0, 0); string(l.ascii) != unregistered {
			return string(l.ascii), l.unicode, l.table
		}
	}
}

// Organisation returns the name of an organisation.
func (f *Fiction) Organisation() string { return f.g.organisation(&f.s) }

// Mailbox returns the address of a role under .example.
func (f *Fiction) Mailbox() string { return f.g.mailbox(&f.s, f.s.below(1_000_000), "office") }

// Region returns a state or province, often none, and a country.
func (f *Fiction) Region() (sp, cc string) { return f.g.region(&f.s) }

// Glue returns public addresses for a name server.
func (f *Fiction) Glue() (v4, v6 string) {
	return glue4(&f.s), glue6(&f.s, f.s.below(1<<31-1))
}

// DS returns a delegation signer record.
func (f *Fiction) DS() registry.DS { return f.s.ds() }

// RegistrarName returns a name for a registrar; n makes it one that no other
// has.
func (f *Fiction) RegistrarName(n int) string {
	return f.g.words.english(&f.s) + " " + f.g.words.english(&f.s) + " " + registrarTrades[f.s.below(len(registrarTrades))] + " " +
		strconv.Itoa(n) + " " + legalForms[f.s.below(len(legalForms))]
}
