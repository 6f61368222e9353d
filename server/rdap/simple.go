package rdap

import "bytes"

// simple is a request that can be read one way only, and nearly every request is one: GET
// of a path that needs no decoding, with fields that programs send and that say nothing
// of a body, of a proxy or of the connection. All else fasthttp reads, which knows HTTP.
type simple struct {
	target, host []byte
}

// maxSimple is the length in bytes of the longest simple request. It is what a connection
// has for reading; browsers send some 700, programs 150.
const maxSimple = 1 << 10

// What a simple request begins and ends with, and the version that ends its first line.
const (
	simpleMethod  = "GET /"
	simpleVersion = " HTTP/1.1\r"
	emptyLine     = "\r\n\r\n"
)

// readSimple reads raw, which is good while the request is answered, if it is one simple
// request and nothing else. It fills f with what the answer depends on.
func readSimple(raw []byte, f *fields) (q simple, ok bool) {
	if !bytes.HasPrefix(raw, []byte(simpleMethod)) || !bytes.HasSuffix(raw, []byte(emptyLine)) {
		return q, false
	}
	line, rest := cutLine(raw[len(simpleMethod)-1 : len(raw)-len("\r\n")])
	if !bytes.HasSuffix(line, []byte(simpleVersion)) {
		return q, false
	}
	q.target = line[:len(line)-len(simpleVersion)]
	for _, c := range q.target {
		if !legal[c] {
			return q, false
		}
	}
	if bytes.HasPrefix(q.target, []byte("//")) {
		return q, false // others could take what follows for a host
	}
	f.head, f.tags, f.codings = false, f.tags[:0], f.codings[:0]
	for len(rest) > 0 {
		line, rest = cutLine(rest)
		name, value, found := bytes.Cut(line, []byte{':'})
		if !found || !bytes.HasSuffix(value, []byte{'\r'}) {
			return q, false
		}
		value = bytes.Trim(value[:len(value)-1], " ")
		for _, c := range value {
			if c < ' ' || c > '~' {
				return q, false
			}
		}
		switch {
		case isWord(name, "accept"), isWord(name, "user-agent"), isWord(name, "accept-language"):
		case isWord(name, "host") && q.host == nil && isHost(value):
			q.host = value
		case isWord(name, "accept-encoding"):
			f.codings = append(f.codings, value)
		case isWord(name, "if-none-match"):
			f.tags = append(f.tags, value)
		case isWord(name, "connection") && isWord(value, "keep-alive"):
		default:
			return q, false
		}
	}
	return q, q.host != nil
}

// cutLine cuts b behind its first LF, which the line has not.
func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// isHost reports whether b is a host name or an IPv4 address, which may come with a port.
func isHost(b []byte) bool {
	name, port, _ := bytes.Cut(b, []byte{':'})
	for _, c := range name {
		if !isAlnum(c) && c != '-' && c != '.' {
			return false
		}
	}
	for _, c := range port {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(name) > 0
}
