package rdap

import (
	"slices"
	"strings"
)

// A jCard (RFC 7095) is written property by property between these two; the
// first one is the version (RFC 7095 §3.3.1.3).
const (
	cardBegin = `,"vcardArray":["vcard",[["version",{},"text","4.0"]`
	cardEnd   = `]]`
)

// appendProperty appends the property called name whose value is a text; an
// empty value leaves it out.
func appendProperty(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendValue(dst, name, value)
}

// appendValue is appendProperty for a value that may be empty.
func appendValue(dst []byte, name, value string) []byte {
	dst = append(dst, `,["`...)
	dst = append(dst, name...)
	dst = append(dst, `",{},"text",`...)
	dst = appendString(dst, value)
	return append(dst, ']')
}

// appendTel appends a tel property of type voice or fax. A number in EPP's form
// becomes a tel URI (RFC 3966 §3); anything else is told as the text it is.
func appendTel(dst []byte, kind, number, ext string) []byte {
	if number == "" {
		return dst
	}
	dst = append(dst, `,["tel",{"type":"`...)
	dst = append(dst, kind...)
	if isE164(number) && isDigits(ext) {
		dst = append(dst, `"},"uri","tel:`...)
	} else {
		dst = append(dst, `"},"text","`...)
	}
	dst = appendText(dst, number)
	if ext != "" {
		dst = append(dst, ";ext="...)
		dst = appendText(dst, ext)
	}
	return append(dst, `"]`...)
}

// isE164 reports whether s has the form +CC.NNNN (RFC 5733 §2.5).
func isE164(s string) bool {
	if s == "" || s[0] != '+' {
		return false
	}
	country := 0
	for s = s[1:]; country < len(s) && s[country] != '.'; country++ {
	}
	return country >= 1 && country <= 3 && len(s) >= country+2 && len(s) <= country+15 &&
		isDigits(s[:country]) && isDigits(s[country+1:])
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// appendMail appends an email property. What is no e-mail address leaves it out.
func appendMail(dst []byte, mail string) []byte {
	if !isMail(mail) {
		return dst
	}
	return appendValue(dst, "email", mail)
}

// isMail reports whether s is an addr-spec of two dot-atoms (RFC 5322 §3.4.1), the second
// of them a host name with a dot (check -12320).
func isMail(s string) bool {
	local, host, ok := strings.Cut(s, "@")
	if !ok || !strings.Contains(host, ".") {
		return false
	}
	previous := byte('.')
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c == '.' && previous == '.' || !atom[c] {
			return false
		}
		previous = c
	}
	if previous == '.' {
		return false
	}
	previous = '.'
	for i := 0; i < len(host); i++ {
		c := host[i]
		switch {
		case isAlnum(c):
		case c == '-' && previous != '.', c == '.' && previous != '.' && previous != '-':
		default:
			return false
		}
		previous = c
	}
	return isAlnum(previous)
}

// atom marks the characters of a dot-atom (RFC 5322 §3.2.3).
var atom = func() (table [256]bool) {
	for c := range table {
		table[c] = isAlnum(byte(c)) || c < 0x80 && strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", byte(c)) >= 0
	}
	return table
}()

// appendAddress appends an adr property in its structured form, country name empty and
// country code as a parameter, without which there is no address (RFC 8605 §3.1, check
// -62101). Post office box and extended address are not carried.
func appendAddress(dst []byte, street []string, city, sp, pc, cc string) []byte {
	code, ok := country(cc)
	if !ok {
		return dst
	}
	dst = append(dst, `,["adr",{"cc":"`...)
	dst = append(dst, code[0], code[1])
	dst = append(dst, `"},"text",["","",`...)
	dst = appendStreet(dst, street)
	for _, part := range [...]string{city, sp, pc} {
		dst = append(dst, ',')
		dst = appendString(dst, part)
	}
	return append(dst, `,""]]`...)
}

// hasStreet reports whether street has a line that is not empty.
func hasStreet(street []string) bool {
	return slices.ContainsFunc(street, func(line string) bool { return line != "" })
}

// maxStreets is how many street lines a contact has (RFC 5733 §4), and how many
// WHOIS shows.
const maxStreets = 3

// appendStreet appends the first maxStreets lines of street that hold anything, as
// adr wants them: one as a string, several as an array.
func appendStreet(dst []byte, street []string) []byte {
	var lines [maxStreets]string
	n := 0
	for _, line := range street {
		if line != "" && n < maxStreets {
			lines[n] = line
			n++
		}
	}
	if n < 2 {
		return appendString(dst, lines[0])
	}
	dst = append(dst, '[')
	for _, line := range lines[:n] {
		dst = appendString(dst, line)
		dst = append(dst, ',')
	}
	dst[len(dst)-1] = ']'
	return dst
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
