package synthetic

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rddsd/cache/registry"
)

// label is one label below the TLD.
type label struct {
	ascii   []byte // A-label or LDH label, lower case
	unicode string // U-label of an IDN, else ""
	table   string // IDN table of an IDN, else ""
}

var suffixes = [...]string{
	"coop", "group", "online", "shop", "media", "farm", "energy", "market", "labs", "works", "hub", "net", "web", "house", "food", "care", "home", "city",
}

// drawLabel makes a form of the label of name i in buf. A suffix other than 0
// makes it one that no other name has, as suffixes are unique.
func (g *Registry) drawLabel(buf []byte, i, form, suffix int) label {
	s := g.stream(forLabel, i*(lastForm+1)+form)
	target := s.pick(g.lengths)
	if s.chance(idnShare) {
		if l, ok := g.drawIDN(&s, buf, target, suffix); ok {
			return l
		}
	}
	ascii := g.appendPlain(buf[:0], &s, target)
	if suffix > 0 {
		ascii = appendSuffix(ascii, suffix)
	}
	return label{ascii: ascii}
}

// appendSuffix makes a label that is taken another one. No form without a suffix
// ends with a hyphen and digits.
func appendSuffix(dst []byte, suffix int) []byte {
	digits := strconv.AppendInt(make([]byte, 1, 20), int64(suffix), 10)
	digits[0] = '-'
	dst = dst[:min(len(dst), registry.MaxLabel-len(digits))]
	return append(bytes.TrimRight(dst, "-"), digits...)
}

// appendPlain appends a label of about target ASCII letters, digits and
// hyphens.
func (g *Registry) appendPlain(dst []byte, s *stream, target int) []byte {
	switch shape := s.pick(g.shapes); shape {
	case digitsOnly:
		dst = appendDigits(dst, s, target)
	case randomLetters:
		dst = appendRandom(dst, s, target)
	case wordAndNumber:
		n := 1 + s.below(3)
		dst = append(dst, g.plainWord(s)...)
		dst = dst[:min(len(dst), max(1, target-n))]
		dst = appendDigits(dst, s, n)
	default:
		dst = g.appendWords(dst, s, target, shape)
	}
	return withoutFree(dst)
}

// withoutFree changes a label that begins "free-", or would with a suffix:
// nothing ever registers such a name.
func withoutFree(label []byte) []byte {
	if bytes.HasPrefix(label, []byte("free-")) || string(label) == "free" {
		return append(label[:3], label[min(len(label), 5):]...)
	}
	return label
}

func appendDigits(dst []byte, s *stream, n int) []byte {
	for range n {
		dst = append(dst, byte('0'+s.below(10)))
	}
	return dst
}

func appendRandom(dst []byte, s *stream, n int) []byte {
	alphabet := "abcdefghijklmnopqrstuvwxyz"
	if s.chance(3333) {
		alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	}
	for range n {
		dst = append(dst, alphabet[s.below(len(alphabet))])
	}
	return dst
}

// appendWords appends words until they are within one of target, draws again if
// they miss it, and at last pads or cuts.
func (g *Registry) appendWords(dst []byte, s *stream, target, shape int) []byte {
	hyphen := shape != oneWord && s.chance(hyphenShare)
	for range 4 {
		dst = append(dst[:0], g.plainWord(s)...)
		if shape == twoWords || shape == threeWords {
			dst = appendJoined(dst, g.plainWord(s), hyphen)
		}
		if shape == threeWords {
			dst = appendJoined(dst, g.plainWord(s), false)
		}
		if shape == wordAndSuffix {
			dst = appendJoined(dst, suffixes[s.below(len(suffixes))], hyphen)
		}
		if d := len(dst) - target; d >= -1 && d <= 1 {
			break
		}
	}
	for len(dst) < target-1 {
		dst = append(dst, g.plainWord(s)...)
	}
	if len(dst) > target+1 {
		dst = dst[:target]
	}
	return bytes.TrimRight(dst[:min(len(dst), registry.MaxLabel)], "-")
}

func appendJoined(dst []byte, word string, hyphen bool) []byte {
	if hyphen {
		dst = append(dst, '-')
	}
	return append(dst, word...)
}

func (g *Registry) plainWord(s *stream) string {
	list := g.words.plain[0]
	if x := s.below(10); x >= 6 {
		list = g.words.plain[1+s.below(len(g.words.plain)-1)]
	}
	return list[s.below(len(list))]
}

// maxIDN is the longest A-label that drawIDN makes without a suffix, in bytes:
// one must always find room.
const maxIDN = 48

// drawIDN makes an internationalised label; false when the words drawn do not
// give one.
func (g *Registry) drawIDN(s *stream, buf []byte, target, suffix int) (label, bool) {
	script := &g.words.foreign[s.below(len(g.words.foreign))]
	text := script.words[s.below(len(script.words))]
	if next := script.words[s.below(len(script.words))]; utf8.RuneCountInString(text)+utf8.RuneCountInString(next) <= target+1 {
		text += next
	}
	if a := g.words.encode(text); a == "" || len(a) > maxIDN {
		return label{}, false
	}
	if suffix > 0 {
		text += strconv.Itoa(suffix)
	}
	a := g.words.encode(text)
	if a == "" {
		return label{ascii: appendSuffix(append(buf[:0], "idn"...), suffix)}, true
	}
	return label{append(buf[:0], a...), text, script.table}, true
}

// encode returns the A-label of text, "" unless text is a U-label that comes
// back as it was. golang.org/x/net/idna follows UTS #46, which lets more pass
// than IDNA2008 (RFC 5892): letters, marks and digits alone, each stable under
// NFKC, and no tatweel.
func (w *words) encode(text string) string {
	const tatweel = '\u0640'
	for _, r := range text {
		joiner := r == '\u200c' || r == '\u200d'
		if r == tatweel || !joiner && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
			return ""
		}
	}
	if !norm.NFKC.IsNormalString(text) {
		return ""
	}
	a, err := w.idna.ToASCII(text)
	if err != nil || len(a) > registry.MaxLabel {
		return ""
	}
	if back, err := w.idna.ToUnicode(a); err != nil || back != text {
		return ""
	}
	return a
}
