package rde

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Bounds on one object of a deposit, so that a hostile file costs no memory. The
// largest honest object, a domain with 13 name servers, 8 DS records and all its
// statuses, has under 100 elements and 8 KiB of text.
const (
	maxDepth    = 16
	maxElements = 4096
	maxText     = 256 << 10 // bytes
)

// Bounds on what is passed over: the XML decoder keeps each tag, text and comment
// whole, and the names of all elements that are open.
const (
	maxToken = 1 << 20 // bytes
	maxOpen  = 256     // elements
)

// bounded reads a deposit for the XML decoder, and fails when one token takes
// more than maxToken bytes.
type bounded struct {
	in   io.Reader
	read int64 // bytes
	most int64 // where in the deposit the token at hand must have ended
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.read > b.most {
		return 0, fmt.Errorf("a tag, a text or a comment is longer than %d bytes, which none of a deposit is", maxToken)
	}
	n, err := b.in.Read(p)
	b.read += int64(n)
	return n, err
}

// node is one element of an object with what it holds.
type node struct {
	name xml.Name // Space is the namespace's URI, whatever its prefix
	attr []xml.Attr
	text string // white space folded and trimmed
	kids []node
	line int
}

// kid returns the first child called name, nil if there is none. The namespace
// is not compared: within an object the elements of RFC 9022 and those of EPP
// that it borrows never share a name with different meanings.
func (n *node) kid(name string) *node {
	for i := range n.kids {
		if n.kids[i].name.Local == name {
			return &n.kids[i]
		}
	}
	return nil
}

// value returns the text of the first child called name, "" if there is none.
func (n *node) value(name string) string {
	if k := n.kid(name); k != nil {
		return k.text
	}
	return ""
}

// values returns the texts of all children called name that are not empty.
func (n *node) values(name string) []string {
	var texts []string
	for i := range n.kids {
		if n.kids[i].name.Local == name && n.kids[i].text != "" {
			texts = append(texts, n.kids[i].text)
		}
	}
	return texts
}

// attribute returns the attribute called name, "" if there is none.
func (n *node) attribute(name string) string {
	for _, a := range n.attr {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// readNode reads the element that begins with start, to its end.
func (r *reader) readNode(start xml.StartElement) (node, error) {
	budget := budget{elements: maxElements, text: maxText}
	return r.readInto(start, 1, &budget)
}

type budget struct{ elements, text int }

func (r *reader) readInto(start xml.StartElement, depth int, left *budget) (node, error) {
	line, _ := r.xml.InputPos()
	n := node{name: start.Name, attr: start.Copy().Attr, line: line}
	left.elements--
	for _, a := range n.attr {
		left.text -= len(a.Value)
	}
	if depth > maxDepth || left.elements < 0 {
		return n, r.errorf("%s is nested deeper than %d or holds more than %d elements", start.Name.Local, maxDepth, maxElements)
	}
	var text strings.Builder
	for {
		token, err := r.token()
		if err != nil {
			return n, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			kid, err := r.readInto(t, depth+1, left)
			if err != nil {
				return n, err
			}
			n.kids = append(n.kids, kid)
		case xml.CharData:
			if left.text -= len(t); left.text < 0 {
				return n, r.errorf("%s holds more than %d bytes of text", start.Name.Local, maxText)
			}
			text.Write(t)
		case xml.EndElement:
			n.text = strings.Join(strings.Fields(text.String()), " ")
			return n, nil
		}
	}
}

// skip passes over the element that has just begun, to its end.
func (r *reader) skip() error {
	for open := 1; open > 0; {
		token, err := r.token()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if open++; open > maxOpen {
				return r.errorf("more than %d elements are nested, which those of no deposit are", maxOpen)
			}
		case xml.EndElement:
			open--
		}
	}
	return nil
}

// raw returns the next token, whatever it is.
func (r *reader) raw() (xml.Token, error) {
	r.in.most = r.xml.InputOffset() + maxToken
	return r.xml.Token()
}

// token returns the next token. A document type is refused: a deposit has none,
// and its entities could grow without bound.
func (r *reader) token() (xml.Token, error) {
	token, err := r.raw()
	if err == io.EOF {
		return nil, r.errorf("the deposit is cut: it ends inside an element")
	}
	if err != nil {
		return nil, r.errorf("%v", err)
	}
	if _, doctype := token.(xml.Directive); doctype {
		return nil, r.errorf("a deposit may not have a document type")
	}
	return token, nil
}

// errorf returns an error that tells where in the deposit the reader stands.
func (r *reader) errorf(format string, args ...any) error {
	line, _ := r.xml.InputPos()
	return fmt.Errorf("line %d: %w", line, fmt.Errorf(format, args...))
}
