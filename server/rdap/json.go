package rdap

import (
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain marks the bytes that stand for themselves inside a JSON string. Beside
// what JSON escapes, these are escaped: non-ASCII, because clients exist that
// read this media type as Latin-1 (rdap.md §3.1), and <, > and &, so that no
// body holds anything a browser takes for markup (check -40100).
var plain = func() (table [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		table[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return table
}()

// appendText appends s as it stands inside a JSON string. What is not UTF-8
// becomes U+FFFD.
func appendText(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		if c < utf8.RuneSelf {
			dst = appendUnit(dst, uint16(c))
			i++
		} else {
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = appendRune(dst, r)
			i += size
		}
		start = i
	}
	return append(dst, s[start:]...)
}

// appendRune appends r as one or two \u escapes.
func appendRune(dst []byte, r rune) []byte {
	if r < 0x10000 {
		return appendUnit(dst, uint16(r))
	}
	high, low := utf16.EncodeRune(r)
	return appendUnit(appendUnit(dst, uint16(high)), uint16(low))
}

// appendUnit appends one UTF-16 code unit as a \u escape.
func appendUnit(dst []byte, u uint16) []byte {
	return append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendText(dst, s)
	return append(dst, '"')
}

// appendMember appends a member whose value is a string; name holds what stands
// before the value, quotes, colon and the comma before the member included. An
// empty value leaves the member out (rdap.md §3.1).
func appendMember(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, name...)
	return appendString(dst, value)
}
