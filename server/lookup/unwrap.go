package lookup

import (
	"bytes"
	"strings"
)

// unwrap takes off what people and other registries' clients put round a query
// (whois.md §3.1, steps 2 to 6). The flag by which a gateway tells for whom
// it asks (L-09) is read before, by who knows the gateways.
func unwrap(rest []byte) []byte {
	if bytes.HasPrefix(rest, []byte{'-'}) {
		rest = rest[bytes.LastIndexByte(rest, ' ')+1:]
		if rest[0] == '-' {
			return nil
		}
	}
	rest = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte{'='}), blank)
	if word, after, _ := bytes.Cut(rest, blank); strings.EqualFold(text(word), "full") {
		rest = after
	}
	if len(rest) >= 2 && rest[0] == '!' && rest[1]|0x20 == 'n' {
		rest = bytes.TrimPrefix(rest[2:], blank)
	}
	rest = unquote(rest)
	rest = host(rest)
	rest = bytes.TrimSuffix(rest, []byte("/e"))
	return bytes.TrimSuffix(trimDot(rest), blank)
}

// unquote takes one pair of quotes off b.
func unquote(b []byte) []byte {
	for _, pair := range [...][2]string{{`"`, `"`}, {"'", "'"}, {"\u201c", "\u201d"}} {
		if len(b) >= len(pair[0])+len(pair[1]) && strings.HasPrefix(text(b), pair[0]) && strings.HasSuffix(text(b), pair[1]) {
			return bytes.Trim(b[len(pair[0]):len(b)-len(pair[1])], " ")
		}
	}
	return b
}

// host returns the host of b when b is a web address, else b.
func host(b []byte) []byte {
	start := 0
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(b) >= len(scheme) && strings.EqualFold(text(b[:len(scheme)]), scheme) {
			start = len(scheme)
		}
	}
	if start == 0 {
		return b
	}
	b = b[start:]
	if end := bytes.IndexAny(b, "/?# "); end >= 0 {
		b = b[:end]
	}
	if bytes.HasPrefix(b, []byte{'['}) {
		return b[:bytes.IndexByte(b, ']')+1]
	}
	if port := bytes.IndexByte(b, ':'); port >= 0 {
		b = b[:port]
	}
	return b
}
