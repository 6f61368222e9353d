package lookup

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rddsd/cache/registry"
)

// MaxPath is the longest RDAP path and the longest query string that are read,
// in bytes. RFC 9082 sets none; a name of 253 octets whose U-labels are
// percent-encoded has some 3,000.
const MaxPath = 4096

// PathError says why an RDAP path is not a query, and the HTTP status that says
// so (rdap.md §1.4): 400, 404, 414 or 501. Reason holds nothing of the path.
type PathError struct {
	Status int
	Reason string
}

func (e *PathError) Error() string { return fmt.Sprintf("parse a path: %d: %s", e.Status, e.Reason) }

// ParsePath reads the query of an RDAP path below the base path, as it was
// received, and of its query string without the question mark (RFC 9082 §3.1,
// §3.2.2). It leaves both as they are, for the answer repeats them; the strings
// of the Query may share their memory. The error is a *PathError. A path of
// plain lower-case ASCII costs no allocation.
//
// A label that IDNA2008 does not allow is found out by Find, which answers it as
// Invalid.
func ParsePath(path, rawQuery []byte) (Query, error) {
	// Nearly every query is this, with nothing to decode or to fold.
	if rest, ok := bytes.CutPrefix(path, domainPath); ok && len(rawQuery) <= MaxPath && registry.ValidName(text(rest)) {
		return Query{Question: AskDomain, Name: text(rest)}, nil
	}
	return parsePath(path, rawQuery)
}

var domainPath = []byte("/domain/")

// parsePath is ParsePath for whatever comes.
func parsePath(path, rawQuery []byte) (Query, error) {
	if len(path) > MaxPath || len(rawQuery) > MaxPath {
		return Query{}, &PathError{414, "the path is too long"}
	}
	if bytes.Contains(path, []byte("//")) {
		return Query{}, &PathError{400, "the path holds an empty segment"}
	}
	path = bytes.TrimPrefix(path, slash)
	segment, rest, _ := bytes.Cut(path, slash)
	switch string(segment) {
	case "domain", "nameserver":
		value, err := pathValue(rest)
		if err != nil {
			return Query{}, err
		}
		return namePath(string(segment) == "domain", value)
	case "entity":
		value, err := pathValue(rest)
		if err != nil {
			return Query{}, err
		}
		return entityPath(value)
	case "help":
		if len(rest) == 0 {
			return Query{Question: AskHelp}, nil
		}
	case "nameservers":
		if len(rest) == 0 {
			return searchNameservers(rawQuery)
		}
		return Query{}, notOffered(rest)
	case "domains", "entities":
		return Query{}, notOffered(rest)
	case "ip", "autnum", "ips", "autnums":
		return Query{}, &PathError{501, "this registry holds names, not numbers"}
	}
	return Query{}, errNoPath()
}

var slash = []byte{'/'}

func errNoPath() error { return &PathError{404, "there is nothing at this path"} }

// notOffered returns the error for a search that is known but off, with what
// follows its type segment.
func notOffered(rest []byte) error {
	if len(rest) > 0 && !bytes.HasPrefix(rest, []byte("reverse_search")) {
		return errNoPath()
	}
	return &PathError{501, "this search is not offered"}
}

// pathValue decodes the value of a lookup: one segment, with a trailing slash
// or without.
func pathValue(rest []byte) ([]byte, error) {
	raw := bytes.TrimSuffix(rest, slash)
	if len(raw) == 0 {
		return nil, &PathError{400, "the path holds no value"}
	}
	if bytes.Contains(raw, slash) {
		return nil, errNoPath()
	}
	return percentDecode(raw)
}

// percentDecode decodes s once (RFC 3986 §2.1). What has no percent sign is
// returned as it is. The result is UTF-8 without control characters.
func percentDecode(s []byte) ([]byte, error) {
	if bytes.IndexByte(s, '%') >= 0 {
		out := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c == '%' {
				if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
					return nil, &PathError{400, "a percent sign is not followed by two hexadecimal digits"}
				}
				c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
				i += 2
			}
			out = append(out, c)
		}
		s = out
	}
	if !utf8.Valid(s) {
		return nil, &PathError{400, "the value is not UTF-8"}
	}
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			return nil, &PathError{400, "the value holds a control character"}
		}
	}
	return s, nil
}

func unhex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// namePath reads the name of a domain or nameserver lookup (rdap.md §2.1).
func namePath(domain bool, value []byte) (Query, error) {
	value = trimDot(value)
	for _, c := range value {
		if 'A' <= c && c <= 'Z' {
			value = bytes.Clone(value) // fold writes
			break
		}
	}
	name, ok := fold(value)
	if !ok || !registry.ValidName(name) {
		return Query{}, &PathError{400, "the value is not a valid name"}
	}
	if domain {
		return Query{Question: AskDomain, Name: name}, nil
	}
	return Query{Question: AskNameserver, Name: name}, nil
}

// entityPath reads the handle of an entity lookup: an IANA ID, or a name.
func entityPath(value []byte) (Query, error) {
	s := text(bytes.TrimSpace(value))
	switch {
	case s == "":
		return Query{}, &PathError{400, "the path holds no value"}
	case digits(s):
		return Query{Question: AskIANA, IANA: number(s)}, nil
	}
	return Query{Question: AskEntity, Text: norm.NFC.String(s)}, nil
}

// searchNameservers reads nameservers?ip=ADDRESS (RFC 9082 §3.2.2). Exactly one
// known parameter is allowed, unknown ones are ignored.
func searchNameservers(rawQuery []byte) (Query, error) {
	var (
		known int
		byIP  bool
		value []byte
	)
	for len(rawQuery) > 0 {
		var pair []byte
		pair, rawQuery, _ = bytes.Cut(rawQuery, []byte{'&'})
		rawKey, rawValue, _ := bytes.Cut(pair, []byte{'='})
		key, err := percentDecode(rawKey)
		if err != nil {
			continue // no parameter that we know
		}
		switch string(key) {
		case "ip":
			byIP = true
		case "name":
		default:
			continue
		}
		known++
		value = rawValue
	}
	switch {
	case known != 1:
		return Query{}, &PathError{400, "the search takes exactly one of its parameters"}
	case !byIP:
		return Query{}, &PathError{501, "this search is not offered"}
	}
	decoded, err := percentDecode(value)
	if err != nil {
		return Query{}, err
	}
	addr, ok := address(text(decoded))
	if !ok {
		return Query{}, &PathError{400, "the value is not an IP address"}
	}
	return Query{Question: AskAddress, Addr: addr}, nil
}
