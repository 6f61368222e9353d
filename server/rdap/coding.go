package rdap

import "bytes"

// unsaid is the weight of a coding that a client does not mention.
const unsaid = -1

// accepted is what a client's Accept-Encoding says of the codings that we have, as
// weights in thousandths (RFC 9110 §12.4.2, §12.5.3).
type accepted struct {
	gzip, identity, other int
}

// takesGzip reports whether the fields of an Accept-Encoding prefer gzip to a body as
// it is. Without any, or where neither is wanted, the body comes as it is.
func takesGzip(fields [][]byte) bool {
	if len(fields) == 0 {
		return false
	}
	a := accepted{unsaid, unsaid, unsaid}
	for _, field := range fields {
		a.read(field)
	}
	gzip := a.gzip
	if gzip == unsaid {
		gzip = a.other
	}
	return gzip > 0 && gzip >= a.identity
}

// read takes in one field: codings parted by commas, each with its weight.
func (a *accepted) read(field []byte) {
	for len(field) > 0 {
		var one []byte
		one, field, _ = bytes.Cut(field, []byte{','})
		coding, parameter, _ := bytes.Cut(one, []byte{';'})
		weight, ok := weightOf(parameter)
		if !ok {
			continue // says nothing that we understand
		}
		switch coding = bytes.TrimSpace(coding); {
		case isWord(coding, "gzip"), isWord(coding, "x-gzip"): // RFC 9110 §8.4.1.3
			a.gzip = max(a.gzip, weight)
		case isWord(coding, "identity"):
			a.identity = max(a.identity, weight)
		case string(coding) == "*":
			a.other = max(a.other, weight)
		}
	}
}

// weightOf reads "q=0.5"; nothing is the weight 1.
func weightOf(parameter []byte) (thousandths int, ok bool) {
	parameter = bytes.TrimSpace(parameter)
	if len(parameter) == 0 {
		return 1000, true
	}
	name, value, _ := bytes.Cut(parameter, []byte{'='})
	value = bytes.TrimSpace(value)
	if !isWord(bytes.TrimSpace(name), "q") || len(value) == 0 || len(value) > len("0.000") ||
		value[0] != '0' && value[0] != '1' || len(value) > 1 && value[1] != '.' {
		return 0, false
	}
	thousandths = int(value[0]-'0') * 1000
	unit := 100
	for _, c := range value[min(len(value), 2):] {
		if c < '0' || c > '9' {
			return 0, false
		}
		thousandths += int(c-'0') * unit
		unit /= 10
	}
	return thousandths, thousandths <= 1000
}

// isWord reports whether b is word, which is in lower case, in any case.
func isWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
