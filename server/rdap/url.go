package rdap

import (
	"bytes"
	"strings"
)

// mediaType is what every body is, whatever the client accepts (RFC 7480 §4.2).
const mediaType = "application/rdap+json"

// legal marks the bytes that may stand in the path and query of a URI as they
// are (RFC 3986 §3.3, §3.4). "%" is not among them: it needs a look at what
// follows.
var legal = func() (table [256]bool) {
	const also = "-._~!$&'()*+,;=:@/?"
	for c := range table {
		table[c] = isAlnum(byte(c)) || strings.IndexByte(also, byte(c)) >= 0
	}
	return table
}()

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// AppendURL appends the URL that was asked for, as it stands inside a JSON
// string: the base URL and below it the target, path and query as the client
// sent them. Links must repeat it byte for byte (rdap.md §1.6); only what is
// not legal in a URI is percent-encoded.
func AppendURL(dst []byte, base string, target []byte) []byte {
	dst = appendText(dst, base)
	for {
		before, rest, more := bytes.Cut(target, []byte{'&'})
		dst = appendLegal(dst, before)
		if !more {
			return dst
		}
		dst, target = appendUnit(dst, '&'), rest
	}
}

// appendLegal appends target, path or query, with what is not legal in a URI
// percent-encoded.
func appendLegal(dst, target []byte) []byte {
	for i, c := range target {
		if legal[c] || c == '%' && i+2 < len(target) && isHex(target[i+1]) && isHex(target[i+2]) {
			dst = append(dst, c)
		} else {
			dst = appendEncoded(dst, c)
		}
	}
	return dst
}

// appendSegment appends s as one segment of a path, percent-encoded but for the
// unreserved characters (RFC 3986 §2.3).
func appendSegment(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~' {
			dst = append(dst, c)
		} else {
			dst = appendEncoded(dst, c)
		}
	}
	return dst
}

func appendEncoded(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[c>>4], digits[c&15])
}

// isWeb reports whether s is an absolute http or https URL, the only kind that
// links may hold (RFC 9083 §4.2, check -10401).
func isWeb(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// appendSelf appends a self link: the canonical URL of the object at path under
// base. The top object's value is the URL that was asked for, a nested one's is
// its own (rdap.md §3.3): value is nil then.
func appendSelf(dst, value []byte, base, path, name string) []byte {
	dst = append(dst, `{"value":"`...)
	if value != nil {
		dst = append(dst, value...)
	} else {
		dst = appendCanonical(dst, base, path, name)
	}
	dst = append(dst, `","rel":"self","href":"`...)
	dst = appendCanonical(dst, base, path, name)
	return append(dst, `","type":"`+mediaType+`"}`...)
}

// appendSelf is appendSelf for the top object under the base URL of s.
func (s *site) appendSelf(dst, value []byte, path, name string) []byte {
	dst = append(dst, `{"value":"`...)
	dst = append(dst, value...)
	dst = append(dst, `","rel":"self","href":"`...)
	dst = append(dst, s.base...)
	dst = append(dst, path...)
	dst = appendSegment(dst, name)
	return append(dst, `","type":"`+mediaType+`"}`...)
}

func appendCanonical(dst []byte, base, path, name string) []byte {
	dst = appendText(dst, base)
	dst = append(dst, path...)
	return appendSegment(dst, name)
}
