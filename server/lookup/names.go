package lookup

import (
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/net/idna"

	"rddsd/cache/registry"
)

// toASCII turns U-labels into A-labels by UTS 46, non-transitional: case and
// width are folded, ideographic dots count as dots. It is lenient where the
// registry is the judge: whether IDNA2008 allows a label is asked only of names
// that the registry does not hold, see genuine.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.VerifyDNSLength(true))

// roundTrip checks one A-label: it decodes it, checks what UTS 46 and the Bidi
// rule (RFC 5893) ask, and encodes it again.
var roundTrip = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.VerifyDNSLength(true), idna.BidiRule())

// fold turns b into a name: lower case, A-labels. It writes into b, and what it
// returns shares b's memory when b is ASCII. ok says that the name has the
// syntax of a host name (LDH and underscores, lengths).
func fold(b []byte) (name string, ok bool) {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			name, err := toASCII.ToASCII(string(b))
			return name, err == nil && registry.ValidHost(name)
		}
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	name = text(b)
	return name, registry.ValidHost(name)
}

// text returns b as a string that shares its memory.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// genuine reports whether every A-label of name is the one way to write a
// U-label that IDNA2008 allows (whois.md ). It allocates, and is
// asked only after a miss: a name that the registry holds is a name.
func genuine(name string) bool {
	if !strings.Contains(name, "xn--") {
		return true
	}
	for label := range strings.SplitSeq(name, ".") {
		if !strings.HasPrefix(label, "xn--") {
			continue
		}
		again, err := roundTrip.ToASCII(label)
		if err != nil || again != label {
			return false
		}
		u, err := roundTrip.ToUnicode(label)
		if err != nil || !allowed([]rune(u)) {
			return false
		}
	}
	return true
}

// allowed reports whether IDNA2008 allows the code points of a U-label where
// they stand (RFC 5892 §3), joiners (CONTEXTJ) apart, which need tables of their
// own. What is unassigned, in capitals or ignorable is not allowed here; what is
// unstable under the compatibility mapping is for the caller to find. UTS 46 alone
// passes symbols, emoji, U+0640 and a stray middle dot.
func allowed(label []rune) bool {
	for i, r := range label {
		if !allowedAt(label, i, r) {
			return false
		}
	}
	return true
}

func allowedAt(label []rune, i int, r rune) bool {
	switch r {
	// Exceptions (RFC 5892 §2.6): PVALID although their category says no.
	case 0x06fd, 0x06fe, 0x0f0b, 0x3007:
		return true
	// Exceptions: DISALLOWED although they are letters or marks.
	case 0x0640, 0x07fa, 0x302e, 0x302f, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303b:
		return false
	// CONTEXTJ: UTS 46 checks them where a label is asked for.
	case 0x200c, 0x200d:
		return true
	// CONTEXTO (RFC 5892 appendix A).
	case 0x00b7: // middle dot: between two l, as in Catalan
		return i > 0 && i+1 < len(label) && label[i-1] == 'l' && label[i+1] == 'l'
	case 0x0375: // Greek keraia: before a Greek letter
		return i+1 < len(label) && unicode.Is(unicode.Greek, label[i+1])
	case 0x05f3, 0x05f4: // geresh, gershayim: after a Hebrew letter
		return i > 0 && unicode.Is(unicode.Hebrew, label[i-1])
	case 0x30fb: // Katakana middle dot: in a label with some Japanese
		return has(label, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
	}
	switch {
	case r < utf8.RuneSelf:
		return true // LDH: its syntax has been checked
	case 0x0660 <= r && r <= 0x0669: // Arabic-Indic digits do not mix with the extended ones
		return !has(label, func(r rune) bool { return 0x06f0 <= r && r <= 0x06f9 })
	case 0x06f0 <= r && r <= 0x06f9:
		return !has(label, func(r rune) bool { return 0x0660 <= r && r <= 0x0669 })
	case 0x1100 <= r && r <= 0x11ff, 0xa960 <= r && r <= 0xa97f, 0xd7b0 <= r && r <= 0xd7ff: // OldHangulJamo (§2.9)
		return false
	case 0x20d0 <= r && r <= 0x20ff, 0x1d100 <= r && r <= 0x1d24f: // IgnorableBlocks (§2.4)
		return false
	}
	return unicode.In(r, unicode.Ll, unicode.Lo, unicode.Lm, unicode.Mn, unicode.Mc, unicode.Nd) // LetterDigits (§2.1)
}

func has(label []rune, is func(rune) bool) bool {
	for _, r := range label {
		if is(r) {
			return true
		}
	}
	return false
}

// The dots of UTS 46 beside the ASCII one: ideographic, full-width, half-width.
const (
	ideographicDot = "\u3002"
	fullWidthDot   = "\uff0e"
	halfWidthDot   = "\uff61"
)

// trimDot takes one dot off the end of b.
func trimDot(b []byte) []byte { return b[:len(b)-endDot(text(b))] }

// endDot returns how many bytes the dot at the end of s has, 0 if there is none.
func endDot(s string) int {
	for _, dot := range [...]string{".", ideographicDot, fullWidthDot, halfWidthDot} {
		if strings.HasSuffix(s, dot) {
			return len(dot)
		}
	}
	return 0
}

// dotted reports whether s holds a dot.
func dotted(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			return true
		}
		if s[i] >= utf8.RuneSelf {
			return strings.Contains(s, ".") || strings.Contains(s, ideographicDot) ||
				strings.Contains(s, fullWidthDot) || strings.Contains(s, halfWidthDot)
		}
	}
	return false
}

// numericTop reports whether the last label of name is all digits, which no TLD
// is: a mistyped address.
func numericTop(name string) bool {
	return digits(name[strings.LastIndexByte(name, '.')+1:])
}

// digits reports whether s is one ASCII digit or more.
func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
