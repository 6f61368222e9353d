package whois

import (
	"strings"
	"unicode/utf8"
)

const (
	newline = "\r\n" // W-08

	// maxLine is the longest line we send, in bytes, its CR LF included: Debian's
	// client splits what is longer than its pieces of 2000 bytes, and W-09 leaves
	// room for other clients.
	maxLine = 999

	// maxValue is the most characters of a value that are shown. It is the most
	// that EPP allows in a name, an address line or an identifier (RFC 5733 §4),
	// and ICANN's grammar in a postal value.
	maxValue = 255
)

// appendField appends a line made of label, which ends with a colon and a
// blank, and value. A value that holds nothing to print makes no line: an empty
// field makes loose parsers glue the next line onto it (F-02).
//
// The value is the registry's and is shown as it stands, but for what would
// break the line or the text (F-01, W-09, §2.9); see appendClean.
func appendField(dst []byte, label, value string) []byte {
	if isPlain(value) {
		dst = append(dst, label...)
		dst = append(dst, value...)
		return append(dst, newline...)
	}
	start := len(dst)
	dst = append(dst, label...)
	begin := len(dst)
	dst = appendClean(dst, value, start+maxLine-len(newline))
	if len(dst) == begin {
		return dst[:start]
	}
	return append(dst, newline...)
}

// appendKnown appends a line whose value needs no cleaning: ours, or one that
// the registry checked by its own grammar (names, addresses, digests).
func appendKnown(dst []byte, label, value string) []byte {
	dst = append(dst, label...)
	dst = append(dst, value...)
	return append(dst, newline...)
}

// isPlain reports whether value can be shown byte for byte: printable ASCII
// without "&", no blank at an end, no two blanks in a row, and short enough.
// Most values are, and finding out costs less than cleaning.
func isPlain(value string) bool {
	if value == "" || len(value) > maxValue {
		return false
	}
	before := byte(' ')
	for i := range len(value) {
		c := value[i]
		if c-' ' > '~'-' ' || c == '&' || c == ' ' && before == ' ' {
			return false
		}
		before = c
	}
	return before != ' '
}

// appendClean appends value as one run of text, as far as dst does not grow
// longer than end.
//   - What is no character of a line (see isBlank) becomes a blank, runs of
//     blanks become one, and blanks at either end go.
//   - An HTML entity (&amp; &#10;) gets a blank behind its "&": clients that
//     decode entities would otherwise show another text, or a line of the
//     holder's making. Values are not HTML, so nothing is decoded here.
//   - Bytes that are not UTF-8 become U+FFFD.
//
// A value that is too long, by end or by maxValue, ends between two characters.
func appendClean(dst []byte, value string, end int) []byte {
	begin, chars := len(dst), 0
	blank := false // one is due before the next character
	for i, r := range value {
		if isBlank(r) {
			blank = len(dst) > begin
			continue
		}
		if blank {
			chars++
		}
		if chars++; chars > maxValue || len(dst)+1+utf8.RuneLen(r) > end {
			break
		}
		if blank {
			dst = append(dst, ' ')
		}
		dst = utf8.AppendRune(dst, r)
		blank = r == '&' && beginsEntity(value[i:])
	}
	return dst
}

// isBlank reports whether r parts words and is nothing to show: the blank
// itself, control characters (C0, DEL, C1), the line and paragraph separators
// that some clients split lines at, and the byte order mark. So are the
// characters that turn the direction of what follows (Unicode UAX #9: embeddings,
// overrides, isolates): with them a holder could make a line read as another.
// The marks that merely belong to a direction, and the joiners that Persian and
// Indic words need, stay.
func isBlank(r rune) bool {
	switch {
	case r <= ' ', r >= 0x7F && r <= 0x9F:
		return true
	case r < 0x2028:
		return false
	}
	return r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0xFEFF
}

// beginsEntity reports whether s begins with "&", letters, digits or "#", and ";".
func beginsEntity(s string) bool {
	i := 1
	for i < len(s) && (s[i] == '#' || '0' <= s[i] && s[i] <= '9' || 'A' <= s[i] && s[i] <= 'Z' || 'a' <= s[i] && s[i] <= 'z') {
		i++
	}
	return i > 1 && i < len(s) && s[i] == ';'
}

// appendLines appends text, whose lines are parted by "\n", with line ends as
// on the wire.
func appendLines(dst []byte, text string) []byte {
	for line := range strings.SplitSeq(text, "\n") {
		dst = append(dst, line...)
		dst = append(dst, newline...)
	}
	return dst
}
