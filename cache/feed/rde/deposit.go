// Package rde reads registry data escrow deposits (RFC 8909, objects of RFC
// 9022) as a stream. What it hands on is what may be published: values that a
// contact did not disclose, authorisation data and everything else that the
// public may not see stop here, so that no importer can store them.
package rde

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rddsd/cache/registry"
)

// Namespaces of the objects that a deposit holds.
const (
	nsRDE       = "urn:ietf:params:xml:ns:rde-1.0"
	nsHeader    = "urn:ietf:params:xml:ns:rdeHeader-1.0"
	nsDomain    = "urn:ietf:params:xml:ns:rdeDomain-1.0"
	nsHost      = "urn:ietf:params:xml:ns:rdeHost-1.0"
	nsContact   = "urn:ietf:params:xml:ns:rdeContact-1.0"
	nsRegistrar = "urn:ietf:params:xml:ns:rdeRegistrar-1.0"
	nsNNDN      = "urn:ietf:params:xml:ns:rdeNNDN-1.0"
)

// The types of deposits (RFC 8909 §2).
const (
	Full = "FULL" // the whole registry
	Incr = "INCR" // what changed since the last FULL one
	Diff = "DIFF" // what changed since the last one of any type
)

// Header says what a deposit is.
type Header struct {
	Type      string // Full, Incr or Diff
	ID        string
	PrevID    string        // the deposit that this one follows
	Watermark registry.Time // the state of the registry that it holds
	TLDs      []string
	Counts    map[registry.Kind]int // objects in the registry at the watermark, as the header tells; a kind it does not tell is missing
}

// Domain is a domain of a deposit. Its Hosts are host names, and its Registrant
// and Tech are EPP contact identifiers, as the deposit has them.
type Domain struct {
	registry.Domain
	Line int // where it stands in the deposit
}

// Visitor takes the objects of a deposit in the order in which they stand in it,
// which may be any. An object is the visitor's for the length of the call. A nil
// function passes over its kind.
type Visitor struct {
	// Begin is called first, with the type, the id and the previous id.
	Begin func(*Header) error
	// Delete is called for each object that a DIFF or an INCR one says is gone,
	// before any that it holds. The key is the object's name, or its EPP
	// identifier if it is a contact or a registrar.
	Delete func(kind registry.Kind, key string, line int) error

	Registrar func(*registry.Registrar) error
	Contact   func(id string, c *registry.Contact) error
	Host      func(*registry.Nameserver) error
	Domain    func(*Domain) error
	Reserved  func(*registry.Reserved) error
}

// Read reads the deposit in from its start to its end. It holds one object at a
// time. An error names the line, the object and what is wrong with it.
//
// The header may stand behind objects; what Read returns is complete only after
// the end.
func Read(in io.Reader, visit Visitor) (Header, error) {
	r := &reader{in: &bounded{in: in}, visit: visit}
	r.xml = xml.NewDecoder(r.in)
	r.xml.Strict = true
	r.header.Counts = make(map[registry.Kind]int)
	err := r.deposit()
	return r.header, err
}

type reader struct {
	in     *bounded
	xml    *xml.Decoder
	visit  Visitor
	header Header
	seen   [registry.Kinds]int
}

func (r *reader) deposit() error {
	root, err := r.next()
	if err != nil {
		return err
	}
	if root.Name != (xml.Name{Space: nsRDE, Local: "deposit"}) {
		return r.errorf("the file is no deposit: it begins with <%s>, not with <deposit> of %s", root.Name.Local, nsRDE)
	}
	for _, a := range root.Attr {
		switch a.Name.Local {
		case "type":
			r.header.Type = a.Value
		case "id":
			r.header.ID = a.Value
		case "prevId":
			r.header.PrevID = a.Value
		}
	}
	switch r.header.Type {
	case Full, Diff, Incr:
	default:
		return r.errorf("deposit %s is of type %q: RFC 8909 knows FULL, DIFF and INCR", r.header.ID, r.header.Type)
	}
	if r.visit.Begin != nil {
		if err := r.visit.Begin(&r.header); err != nil {
			return r.errorf("%w", err)
		}
	}
	for {
		token, err := r.token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return r.end()
		case xml.StartElement:
			switch t.Name.Local {
			case "watermark":
				if err := r.watermark(t); err != nil {
					return err
				}
			case "contents":
				if err := r.contents(); err != nil {
					return err
				}
			case "deletes":
				if r.header.Type == Full {
					return r.errorf("a FULL deposit may not delete anything")
				}
				if err := r.deletes(); err != nil {
					return err
				}
			default:
				if err := r.skip(); err != nil {
					return err
				}
			}
		}
	}
}

// next returns the first element.
func (r *reader) next() (xml.StartElement, error) {
	for {
		token, err := r.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return xml.StartElement{}, r.errorf("the file is no deposit: it begins with text")
			}
		}
	}
}

func (r *reader) watermark(start xml.StartElement) error {
	n, err := r.readNode(start)
	if err != nil {
		return err
	}
	r.header.Watermark, err = parseTime(n.text)
	if err != nil {
		return r.errorf("watermark: %v", err)
	}
	return nil
}

// deletes reads what a DIFF or an INCR deposit says is gone. What it deletes of a
// kind that is not published is passed over.
func (r *reader) deletes() error {
	for {
		token, err := r.token()
		if err != nil {
			return err
		}
		start, open := token.(xml.StartElement)
		if _, end := token.(xml.EndElement); end {
			return nil
		}
		if !open {
			continue
		}
		n, err := r.readNode(start)
		if err != nil {
			return err
		}
		kind, known := countedKinds[start.Name.Space]
		if !known || r.visit.Delete == nil {
			continue
		}
		for i := range n.kids {
			kid := &n.kids[i]
			key := kid.text
			if kind == registry.KindHost || kind == registry.KindDomain || kind == registry.KindReserved {
				key = canonicalName(key)
			}
			if err := r.visit.Delete(kind, key, kid.line); err != nil {
				return fmt.Errorf("line %d: delete %s %q: %w", kid.line, kind, key, err)
			}
		}
	}
}

func (r *reader) contents() error {
	for {
		token, err := r.token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := r.object(t); err != nil {
				return err
			}
		}
	}
}

// object reads one object and hands it to the visitor.
func (r *reader) object(start xml.StartElement) error {
	kind, wanted := r.kindOf(start.Name)
	if !wanted {
		if kind < registry.Kinds {
			r.seen[kind]++
		}
		return r.skip()
	}
	n, err := r.readNode(start)
	if err != nil {
		return err
	}
	if kind == registry.Kinds {
		return r.readHeader(&n)
	}
	r.seen[kind]++
	if err := r.hand(kind, &n); err != nil {
		return fmt.Errorf("line %d: %s %q: %w", n.line, start.Name.Local, nameOf(&n), err)
	}
	return nil
}

// kindOf returns the kind of an element of the contents, registry.Kinds for the
// header and Kinds+1 for what we know nothing of, and whether it is to be read.
func (r *reader) kindOf(name xml.Name) (kind registry.Kind, wanted bool) {
	switch name {
	case xml.Name{Space: nsHeader, Local: "header"}:
		return registry.Kinds, true
	case xml.Name{Space: nsRegistrar, Local: "registrar"}:
		return registry.KindRegistrar, r.visit.Registrar != nil
	case xml.Name{Space: nsContact, Local: "contact"}:
		return registry.KindContact, r.visit.Contact != nil
	case xml.Name{Space: nsHost, Local: "host"}:
		return registry.KindHost, r.visit.Host != nil
	case xml.Name{Space: nsDomain, Local: "domain"}:
		return registry.KindDomain, r.visit.Domain != nil
	case xml.Name{Space: nsNNDN, Local: "NNDN"}:
		return registry.KindReserved, r.visit.Reserved != nil
	}
	return registry.Kinds + 1, false
}

func (r *reader) hand(kind registry.Kind, n *node) error {
	switch kind {
	case registry.KindRegistrar:
		obj, err := registrarOf(n)
		if err != nil {
			return err
		}
		return r.visit.Registrar(obj)
	case registry.KindContact:
		id, obj, err := contactOf(n)
		if err != nil {
			return err
		}
		return r.visit.Contact(id, obj)
	case registry.KindHost:
		obj, err := hostOf(n)
		if err != nil {
			return err
		}
		return r.visit.Host(obj)
	case registry.KindDomain:
		obj, err := domainOf(n)
		if err != nil {
			return err
		}
		return r.visit.Domain(obj)
	default:
		obj, err := reservedOf(n)
		if err != nil {
			return err
		}
		return r.visit.Reserved(obj)
	}
}

// nameOf returns what an object is called in an error.
func nameOf(n *node) string {
	for _, key := range [...]string{"name", "aName", "id"} {
		if s := n.value(key); s != "" {
			return s
		}
	}
	return "?"
}

var countedKinds = map[string]registry.Kind{
	nsRegistrar: registry.KindRegistrar,
	nsContact:   registry.KindContact,
	nsHost:      registry.KindHost,
	nsDomain:    registry.KindDomain,
	nsNNDN:      registry.KindReserved,
}

func (r *reader) readHeader(n *node) error {
	for i := range n.kids {
		kid := &n.kids[i]
		switch kid.name.Local {
		case "tld":
			r.header.TLDs = append(r.header.TLDs, strings.ToLower(kid.text))
		case "count":
			kind, known := countedKinds[kid.attribute("uri")]
			if !known {
				continue
			}
			count, err := strconv.Atoi(kid.text)
			if err != nil || count < 0 {
				return fmt.Errorf("line %d: the header counts %q objects of %s: that is no number", kid.line, kid.text, kid.attribute("uri"))
			}
			r.header.Counts[kind] = count
		}
	}
	return nil
}

// end checks the whole deposit. Fewer objects in a FULL one than the header counts
// mean that some are lost. More do not: a registry's software was seen to count
// only the hosts under its own TLD. The header of another one counts the registry
// that it leads to.
func (r *reader) end() error {
	if len(r.header.TLDs) == 0 {
		return r.errorf("the deposit's header names no TLD")
	}
	for _, kind := range countedKinds {
		if want := r.header.Counts[kind]; r.header.Type == Full && r.seen[kind] < want {
			return r.errorf("the header counts %d objects of kind %s, the deposit holds %d: it is incomplete", want, kind, r.seen[kind])
		}
	}
	for {
		token, err := r.raw()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return r.errorf("behind the deposit: %v", err)
		}
		if _, more := token.(xml.StartElement); more {
			return r.errorf("the file holds more than one deposit")
		}
	}
}
