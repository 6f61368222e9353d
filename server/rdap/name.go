package rdap

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rddsd/cache/registry"
)

// acePrefix begins an A-label (RFC 5890 §2.3.2.1).
const acePrefix = "xn--"

// appendNames appends the members ldhName, and unicodeName if name is an IDN
// (RFC 9083 §3). uname is its U-label form if the registry told it. An A-label
// that stands for nothing that a U-label may hold gets no unicodeName, for then
// the two would not agree (check 902).
func appendNames(dst []byte, name, uname string) []byte {
	dst = appendMember(dst, `,"ldhName":`, name)
	if !isIDN(name) {
		return dst
	}
	if uname != "" && uname != name {
		return appendMember(dst, `,"unicodeName":`, uname)
	}
	before := len(dst)
	dst = append(dst, `,"unicodeName":"`...)
	dst, ok := appendUnicode(dst, name)
	if !ok {
		return dst[:before]
	}
	return append(dst, '"')
}

// isIDN reports whether name, in lower case, holds an A-label.
func isIDN(name string) bool {
	return strings.HasPrefix(name, acePrefix) || strings.Contains(name, "."+acePrefix)
}

// appendUnicode appends name with its A-labels as U-labels, as it stands inside
// a JSON string. The registry tells no U-labels of host names, so each answer
// decodes them anew: 0.2 µs, without allocating.
func appendUnicode(dst []byte, name string) (_ []byte, ok bool) {
	for {
		label, rest, more := strings.Cut(name, ".")
		if encoded, isA := strings.CutPrefix(label, acePrefix); isA {
			var room [registry.MaxLabel]rune
			decoded, ok := decodeLabel(room[:0], encoded)
			if !ok || !isULabel(decoded, dst[len(dst):]) {
				return dst, false
			}
			for _, r := range decoded {
				if r < utf8.RuneSelf {
					dst = append(dst, byte(r)) // a letter, a digit or a hyphen
				} else {
					dst = appendRune(dst, r)
				}
			}
		} else {
			dst = appendText(dst, label)
		}
		if !more {
			return dst, true
		}
		dst = append(dst, '.')
		name = rest
	}
}

// decodeLabel decodes the Punycode of a label (RFC 3492 §6.2) into dst, whose
// capacity bounds the result.
func decodeLabel(dst []rune, encoded string) (_ []rune, ok bool) {
	const (
		base, tMin, tMax, skew, damp = 36, 1, 26, 38, 700
		initialBias, initialN        = 72, 128
	)
	if hyphen := strings.LastIndexByte(encoded, '-'); hyphen > 0 {
		for _, c := range []byte(encoded[:hyphen]) {
			dst = append(dst, rune(c))
		}
		encoded = encoded[hyphen+1:]
	}
	n, bias := initialN, initialBias
	for i := 0; encoded != ""; i++ {
		old, weight := i, 1
		for k := base; ; k += base {
			if encoded == "" {
				return dst, false
			}
			digit, ok := punycodeDigit(encoded[0])
			if !ok {
				return dst, false
			}
			encoded = encoded[1:]
			i += digit * weight
			if i > 1<<31 { // more than any code point at any place needs
				return dst, false
			}
			t := min(max(k-bias, tMin), tMax)
			if digit < t {
				break
			}
			weight *= base - t
		}
		count := len(dst) + 1
		if count > cap(dst) {
			return dst, false
		}
		delta := (i - old) / 2
		if old == 0 {
			delta = (i - old) / damp
		}
		delta += delta / count
		k := 0
		for ; delta > (base-tMin)*tMax/2; k += base {
			delta /= base - tMin
		}
		bias = k + (base-tMin+1)*delta/(delta+skew)
		n += i / count
		i %= count
		if n > utf8.MaxRune {
			return dst, false
		}
		dst = append(dst, 0)
		copy(dst[i+1:], dst[i:])
		dst[i] = rune(n)
	}
	return dst, true
}

func punycodeDigit(c byte) (int, bool) {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a'), true
	case c >= '0' && c <= '9':
		return int(c-'0') + 26, true
	}
	return 0, false
}

// isULabel reports whether runes may be a U-label, as far as can be told without
// tables of our own: not ASCII alone, letters, marks and digits in lower case,
// what RFC 5892 Appendix A allows between them, no hyphens where RFC 5891
// §4.2.3.1 forbids them, and in normal form C. It may overwrite what lies behind
// scratch.
func isULabel(runes []rune, scratch []byte) bool {
	n := len(runes)
	if n == 0 || runes[0] == '-' || runes[n-1] == '-' || n > 3 && runes[2] == '-' && runes[3] == '-' {
		return false
	}
	ascii := true
	for _, r := range runes {
		switch {
		case r == '-', r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		case r < utf8.RuneSelf:
			return false
		case unicode.IsUpper(r), unicode.IsTitle(r):
			return false
		case unicode.In(r, unicode.L, unicode.M, unicode.Nd), strings.ContainsRune(contextual, r):
			ascii = false
		default:
			return false
		}
		scratch = utf8.AppendRune(scratch, r)
	}
	return !ascii && norm.NFC.IsNormal(scratch)
}

// contextual are the code points beside letters, marks and digits that a U-label
// may hold, depending on what stands around them (RFC 5892 Appendix A).
const contextual = "\u00b7\u0375\u05f3\u05f4\u200c\u200d\u30fb"
