package load

import (
	"bytes"
	"fmt"
	"net/http"
)

// rdapWire is RDAP over HTTP/1.1 (RFC 7480, 9082).
type rdapWire struct {
	random *random
	any    bool // takes whatever status and body
	get    []byte
	head   []byte
	tail   []byte // of a request, after its target, without the empty line
	junk   [][]byte
	// recent are answers that had an entity tag, for conditional requests.
	recent   [32]tagged
	remember int // how many have been put into recent
}

// tagged is a query whose answer had an entity tag.
type tagged struct {
	kind     Kind
	isDomain bool
	name     []byte
	asked    []byte
	etag     []byte
}

func newRDAPWire(o *Options, r *random) *rdapWire {
	w := &rdapWire{random: r, any: o.AnyAnswer, junk: pathJunk()}
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
	var etag []byte
	if q.conditional {
		etag = w.repeat(q)
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
	if etag != nil {
		q.out = append(q.out, "If-None-Match: "...)
		q.out = append(q.out, etag...)
		q.out = append(q.out, "\r\n"...)
	}
	q.out = append(q.out, "\r\n"...)
}

// repeat makes q one of the recent queries again and returns its entity tag, nil
// if there is none yet.
func (w *rdapWire) repeat(q *query) []byte {
	n := min(w.remember, len(w.recent))
	if n == 0 {
		q.conditional = false
		return nil
	}
	t := &w.recent[w.random.below(n)]
	q.kind, q.isDomain = t.kind, t.isDomain
	q.name, q.asked = append(q.name[:0], t.name...), append(q.asked[:0], t.asked...)
	return t.etag
}

// note keeps the entity tag of q's answer.
func (w *rdapWire) note(q *query, etag []byte) {
	t := &w.recent[w.remember%len(w.recent)]
	w.remember++
	t.kind, t.isDomain = q.kind, q.isDomain
	t.name, t.asked = append(t.name[:0], q.name...), append(t.asked[:0], q.asked...)
	t.etag = append(t.etag[:0], etag...)
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
	if w.any {
		return v
	}
	v.outcome, v.why = w.classify(q, &r)
	if r.etag != nil && r.status == http.StatusOK && !q.head {
		w.note(q, r.etag)
	}
	return v
}

var openBrace = []byte{'{'}

// classify returns the class of a response, and why it is none or the wrong one.
func (w *rdapWire) classify(q *query, r *response) (Outcome, string) {
	switch r.status {
	case http.StatusOK:
		return w.classifyFound(q, r)
	case http.StatusNotModified:
		return NotModified, ""
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

func (w *rdapWire) classifyFound(q *query, r *response) (Outcome, string) {
	switch {
	case q.head && q.kind == Help, r.gzip && q.kind == Help:
		return Helped, ""
	case q.head, r.gzip:
		return Found, ""
	case !bytes.HasPrefix(r.body, openBrace):
		return Garbage, "a body that is no JSON object, it begins " + quote(r.body)
	case q.kind == Help:
		return Helped, ""
	case q.isDomain && !names(r.body, q.name):
		return Wrong, "the answer is about another name, it begins " + quote(r.body)
	}
	// The type of a remark (RFC 9083 §10.2.1).
	if _, found := cutAt(r.body, "object redacted due to authori", 'z', "ation"); found {
		return Degraded, ""
	}
	return Found, ""
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
