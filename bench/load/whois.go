package load

import (
	"bytes"
	"fmt"
)

// whoisWire is WHOIS (RFC 3912): a line goes out, text comes back, the server
// closes. It judges text by the words that clients of many registries look for,
// so that other servers can be measured too.
type whoisWire struct {
	random   *random
	junk     [][]byte
	constant *constant // nil for a target that answers what it is asked
}

func (w *whoisWire) request(q *query) {
	q.out = q.out[:0]
	switch {
	case q.kind == Junk:
		q.out = append(q.out, w.junk[w.random.below(len(w.junk))]...)
		return
	case q.kind == Help:
		q.out = append(q.out, '?')
	case q.isDomain:
	case q.kind == Nameserver:
		q.out = append(q.out, "nameserver "...)
	case q.kind == Registrar:
		q.out = append(q.out, "registrar "...)
	}
	q.out = append(q.out, q.asked...)
	q.out = append(q.out, "\r\n"...)
}

func (w *whoisWire) read(q *query, data []byte, ended bool) verdict {
	switch {
	case len(data) > maxAnswer:
		return garbage("an answer of more than 4 MiB")
	case !ended:
		return verdict{}
	case len(data) == 0:
		return verdict{done: true, outcome: Cut, why: "closed without an answer"}
	}
	v := verdict{done: true, body: data}
	v.outcome, v.why = w.classify(q, data)
	switch {
	case w.constant != nil:
		v.outcome, v.why = w.constant.same(v.outcome, len(data))
	case v.outcome != Garbage && data[len(data)-1] != '\n':
		v.outcome, v.why = Cut, "closed in the middle of the line "+quote(lastLine(data))
	}
	return v
}

// subject returns the name that the answer to q must be about, if it must be about
// a domain.
func (w *whoisWire) subject(q *query) (name []byte, isDomain bool) {
	if w.constant != nil {
		return w.constant.name, len(w.constant.name) > 0
	}
	return q.name, q.isDomain
}

// classify returns the class of a whole text, and why it is none or the wrong one.
func (w *whoisWire) classify(q *query, text []byte) (Outcome, string) {
	line, rest, comments := firstLine(text)
	if c := w.constant; c != nil && !c.known {
		if value, ok := bytes.CutPrefix(line, domainName); ok {
			c.name = bytes.Clone(bytes.TrimSpace(value))
		}
	}
	name, isDomain := w.subject(q)
	switch {
	case bytes.HasPrefix(line, domainName):
		value := bytes.TrimSpace(line[len(domainName):])
		if isDomain && !bytes.EqualFold(value, name) {
			return Wrong, fmt.Sprintf("the answer is about %q", value)
		}
		return Found, ""
	case bytes.HasPrefix(line, serverName), bytes.HasPrefix(line, registrarField):
		if isDomain {
			return Wrong, fmt.Sprintf("the answer begins %s", quote(line))
		}
		return Found, ""
	case bytes.HasPrefix(line, malformed):
		if bytes.HasPrefix(rest, otherTLD) {
			return OtherTLD, ""
		}
		return Invalid, ""
	case bytes.HasPrefix(line, unavailable):
		return Unknown, ""
	case bytes.HasPrefix(line, tooBusy):
		return Busy, ""
	case bytes.HasPrefix(line, reservedBy):
		return Reserved, ""
	case comments && (len(line) == 0 || bytes.HasPrefix(line, lastUpdate)):
		return Helped, ""
	case hasAny(line, limitWords):
		return Refused, ""
	case hasAny(line, notFoundWords):
		if echo, ok := bytes.CutPrefix(rest, noMatchFor); ok && isDomain {
			if about, _, _ := bytes.Cut(echo, quoteMark); !bytes.EqualFold(about, name) {
				return Wrong, fmt.Sprintf("the answer is about %q", about)
			}
		}
		return NotFound, ""
	}
	return Garbage, "no answer that is known, it begins " + quote(text)
}

var (
	domainName     = []byte("Domain Name:")
	serverName     = []byte("Server Name:")
	registrarField = []byte("Registrar:")
	malformed      = []byte("Malformed request")
	otherTLD       = []byte("This server answers only for")
	unavailable    = []byte("Service temporarily unavailable")
	tooBusy        = []byte("Server too busy")
	reservedBy     = []byte("Reserved by Registry")
	lastUpdate     = []byte(">>>")
	noMatchFor     = []byte(`No match for "`)
	quoteMark      = []byte{'"'}

	limitWords    = [][]byte{[]byte("limit exceeded"), []byte("quota exceeded")}
	notFoundWords = [][]byte{[]byte("not found"), []byte("no match"), []byte("no nameservers found"), []byte("no data found"), []byte("no entries found")}
)

// firstLine returns the first line that says something and what follows it. Lines
// that begin with % or # are comments.
func firstLine(text []byte) (line, rest []byte, comments bool) {
	for len(text) > 0 {
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		line = bytes.TrimRight(line, "\r ")
		switch {
		case len(line) == 0:
		case line[0] == '%' || line[0] == '#':
			comments = true
		default:
			return line, text, comments
		}
	}
	return nil, nil, comments
}

func lastLine(text []byte) []byte { return text[bytes.LastIndexByte(text, '\n')+1:] }

// hasAny reports whether the first 80 bytes of line hold any of words, which are
// in lower case.
func hasAny(line []byte, words [][]byte) bool {
	var room [80]byte
	n := copy(room[:], line)
	for i, c := range room[:n] {
		if c >= 'A' && c <= 'Z' {
			room[i] = c + 'a' - 'A'
		}
	}
	for _, word := range words {
		if bytes.Contains(room[:n], word) {
			return true
		}
	}
	return false
}
