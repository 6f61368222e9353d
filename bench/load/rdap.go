package load

import (
	"bytes"
	"fmt"
	"net/http"
)

// rdapWire is RDAP over HTTP/1.1 (RFC 7480, 9082).
type rdapWire struct {
	random   *random
	constant *constant // nil for a target that answers what it is asked
	gzip     bool      // compressed answers are asked for
	get      []byte
	head     []byte
	tail     []byte // of a request, after its target, without the empty line
	junk     [][]byte

	conditional bool        // there are conditional requests
	recent      [32]*tagged // answers that had an entity tag, for conditional requests
	tags        int         // how many such answers came
}

// tagged is a query whose answer had an entity tag, and that answer. It does not
// change.
type tagged struct {
	kind     Kind
	isDomain bool
	name     []byte
	asked    []byte
	etag     []byte
	outcome  Outcome
	body     []byte
	gzip     bool // body is compressed
}

// tagEvery is how often an answer with an entity tag is kept to be asked for again,
// once some are: to keep each would cost more than to read it.
const tagEvery = 64

func newRDAPWire(o *Options, r *random) *rdapWire {
	w := &rdapWire{random: r, constant: newConstant(o), gzip: o.HTTP.Gzip, junk: pathJunk(), conditional: o.Mix.Conditional > 0}
	w.get = []byte("GET " + o.HTTP.Base)
	w.head = []byte("HEAD " + o.HTTP.Base)
	w.tail = []byte(" HTTP/1.1\r\nHost: " + o.HTTP.Host + "\r\nAccept: application/rdap+json\r\nUser-Agent: rddsd-bench\r\n")
	if o.HTTP.Gzip {
		w.tail = append(w.tail, "Accept-Encoding: gzip\r\n"...)
	}
	if o.HTTP.PerQuery {
		w.tail = append(w.tail, "Connection: close\r\n"...)
	}
	return w
}

func (w *rdapWire) request(q *query) {
	q.repeats = nil
	if q.conditional {
		w.repeat(q)
	}
	if q.head {
		q.out = append(q.out[:0], w.head...)
	} else {
		q.out = append(q.out[:0], w.get...)
	}
	switch {
	case q.kind == Junk:
		q.out = append(q.out, w.junk[w.random.below(len(w.junk))]...)
	case q.kind == Help:
		q.out = append(q.out, "help"...)
	case q.isDomain:
		q.out = append(q.out, "domain/"...)
	case q.kind == Nameserver:
		q.out = append(q.out, "nameserver/"...)
	case q.kind == Registrar:
		q.out = append(q.out, "entity/"...)
	}
	q.out = appendSegment(q.out, q.asked)
	q.out = append(q.out, w.tail...)
	if q.repeats != nil {
		q.out = append(q.out, "If-None-Match: "...)
		q.out = append(q.out, q.repeats.etag...)
		q.out = append(q.out, "\r\n"...)
	}
	q.out = append(q.out, "\r\n"...)
}

// repeat makes q one of the recent queries again, if there is one yet.
func (w *rdapWire) repeat(q *query) {
	n := min(w.tags, len(w.recent))
	if n == 0 {
		return
	}
	t := w.recent[w.random.below(n)]
	q.repeats, q.kind, q.isDomain = t, t.kind, t.isDomain
	q.name, q.asked = append(q.name[:0], t.name...), append(q.asked[:0], t.asked...)
}

// note keeps q's answer now and then, which had an entity tag.
func (w *rdapWire) note(q *query, r *response, outcome Outcome) {
	at := w.tags
	w.tags++
	if at >= len(w.recent) {
		if at%tagEvery != 0 {
			return
		}
		at /= tagEvery
	}
	w.recent[at%len(w.recent)] = &tagged{
		kind: q.kind, isDomain: q.isDomain, name: bytes.Clone(q.name), asked: bytes.Clone(q.asked),
		etag: bytes.Clone(r.etag), outcome: outcome, body: bytes.Clone(r.body), gzip: r.gzip,
	}
}

// appendSegment appends text as a segment of a path (RFC 3986 §3.3).
func appendSegment(dst, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

func (w *rdapWire) read(q *query, data []byte, ended bool) verdict {
	switch {
	case len(data) > maxAnswer+maxHead:
		return garbage("an answer of more than 4 MiB")
	case len(data) == 0 && ended:
		return verdict{done: true, outcome: Cut, why: "closed without an answer"}
	}
	r, whole, err := parseResponse(data, q.head, ended)
	switch {
	case err != nil:
		return garbage(err.Error())
	case !whole && ended:
		return verdict{done: true, outcome: Cut, why: fmt.Sprintf("closed after %d bytes of a response", len(data))}
	case !whole:
		return verdict{}
	case r.length != len(data):
		return garbage("more than one response: " + quote(data[r.length:]))
	}
	v := verdict{done: true, body: r.body, gzip: r.gzip, keeps: !r.closes && !ended}
	v.outcome, v.why = w.classify(q, &r)
	switch {
	case w.constant != nil && q.head:
		v.outcome, v.why = Found, ""
	case w.constant != nil:
		v.outcome, v.why = w.constant.same(v.outcome, len(r.body))
	case v.outcome == NotModified:
		v.body, v.gzip = q.repeats.body, q.repeats.gzip
	case w.conditional && r.status == http.StatusOK && r.etag != nil && !q.head && !v.outcome.IsError():
		w.note(q, &r, v.outcome)
	}
	return v
}

// subject returns the name that the answer to q must be about, if it must be about
// a domain.
func (w *rdapWire) subject(q *query) (name []byte, isDomain bool) {
	if w.constant != nil {
		return w.constant.name, len(w.constant.name) > 0
	}
	return q.name, q.isDomain
}

var openBrace = []byte{'{'}

// classify returns the class of a response, and why it is none or the wrong one.
func (w *rdapWire) classify(q *query, r *response) (Outcome, string) {
	switch r.status {
	case http.StatusOK:
		return w.classifyFound(q, r)
	case http.StatusNotModified:
		return classifyNotModified(q, r)
	case http.StatusNotFound:
		return NotFound, ""
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestURITooLong, http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return Invalid, ""
	case http.StatusTooManyRequests:
		return Refused, ""
	case http.StatusServiceUnavailable:
		return Unknown, ""
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return Failed, fmt.Sprintf("status %d", r.status)
	}
	return Garbage, fmt.Sprintf("status %d, which no RDAP query gets", r.status)
}

// classifyNotModified tells whether a 304 is one (RFC 9110 §15.4.5): it was asked
// for, and its entity tag, if it has one, is the one that it was asked with.
func classifyNotModified(q *query, r *response) (Outcome, string) {
	switch {
	case q.repeats == nil:
		return Wrong, "not modified, although the request had no condition"
	case r.etag != nil && !bytes.Equal(opaque(r.etag), opaque(q.repeats.etag)):
		return Wrong, fmt.Sprintf("not modified with the entity tag %s, asked with %s", r.etag, q.repeats.etag)
	}
	return NotModified, ""
}

// opaque returns an entity tag without the mark of a weak one: conditional GET
// compares weakly (RFC 9110 §13.1.2).
func opaque(etag []byte) []byte { return bytes.TrimPrefix(etag, weak) }

var weak = []byte("W/")

func (w *rdapWire) classifyFound(q *query, r *response) (Outcome, string) {
	switch {
	case r.gzip && !w.gzip:
		return Garbage, "a compressed body, which the request did not accept"
	case q.kind == Help && (q.head || r.gzip) && w.constant == nil:
		return Helped, ""
	case q.head, r.gzip:
		return Found, ""
	}
	return w.classifyBody(q, r.body)
}

// classifyBody is the same of a body that is not compressed.
func (w *rdapWire) classifyBody(q *query, body []byte) (Outcome, string) {
	if c := w.constant; c != nil && !c.known {
		c.name = firstName(body)
	}
	name, isDomain := w.subject(q)
	switch {
	case !bytes.HasPrefix(body, openBrace):
		return Garbage, "a body that is no JSON object, it begins " + quote(body)
	case q.kind == Help && w.constant == nil:
		return Helped, ""
	case isDomain && !names(body, name):
		return Wrong, "the answer is about another name, it begins " + quote(body)
	}
	// The type of a remark (RFC 9083 §10.2.1).
	if _, found := cutAt(body, "object redacted due to authori", 'z', "ation"); found {
		return Degraded, ""
	}
	return Found, ""
}

// firstName returns a copy of the first name in body, nil if there is none.
func firstName(body []byte) []byte {
	rest, found := cutAt(body, `"ldh`, 'N', `ame"`)
	if !found {
		return nil
	}
	name, _, whole := bytes.Cut(bytes.TrimLeft(rest, ": \""), quoteMark)
	if !whole {
		return nil
	}
	return bytes.Clone(name)
}

// cutAt returns what follows the first place where body has before, rare and
// behind in a row. It looks for rare alone at first, a letter that hardly comes up
// elsewhere: bytes.Index looks for the first, which for JSON's commonest words
// made a fifth of what a query costs this process.
func cutAt(body []byte, before string, rare byte, behind string) (rest []byte, found bool) {
	for from := 0; ; {
		i := bytes.IndexByte(body[from:], rare)
		if i < 0 {
			return nil, false
		}
		i += from
		from = i + 1
		if i >= len(before) && len(body)-from >= len(behind) &&
			string(body[from:from+len(behind)]) == behind && string(body[i-len(before):i]) == before {
			return body[from+len(behind):], true
		}
	}
}

// names reports whether body has name for a value of ldhName, in any letter case
// and with or without a blank after the colon.
func names(body, name []byte) bool {
	for {
		rest, found := cutAt(body, `"ldh`, 'N', `ame"`)
		if !found {
			return false
		}
		body = rest
		value := bytes.TrimLeft(body[:min(len(body), len(name)+8)], ": \"")
		if len(value) > len(name) && value[len(name)] == '"' && bytes.EqualFold(value[:len(name)], name) {
			return true
		}
	}
}
