package lookup

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// registrarByName answers for the registrar whose name has the letters and
// digits of the query's text, or has them but for its last word: Inc., Limited,
// GmbH (whois.md Q-05). Of several none is shown.
func (s *finding) registrarByName() string {
	a, q := s.a, s.q
	if q.Question == AskRegistrar && q.Name != "" && s.view.TLD(q.Name) != nil {
		return s.invalid() // a TLD, not a registrar
	}
	a.key = appendFold(a.key[:0], q.Text)
	folded := text(a.key)
	if folded == "" {
		return s.invalid()
	}
	hits := s.view.RegistrarsByName(folded)
	switch len(hits) {
	case 1:
		return s.registrar(hits[0], folded)
	case 0:
		r, several := withoutLastWord(s.view, folded)
		if several {
			return s.ambiguous()
		}
		return s.registrar(r, folded)
	}
	return s.ambiguous()
}

// registrarByIANA answers for the registrar with the query's IANA ID.
func (s *finding) registrarByIANA() string {
	s.a.key = strconv.AppendInt(s.a.key[:0], int64(s.q.IANA), 10)
	return s.registrar(s.view.RegistrarByIANA(s.q.IANA), text(s.a.key))
}

// registrar answers with r, nil if there is none; asked is what was asked for.
func (s *finding) registrar(r *registry.Registrar, asked string) string {
	a := s.a
	a.Object = Registrar
	if r == nil {
		return s.miss(asked, s.view.Doubt(registry.KindRegistrar))
	}
	a.Class, a.Registrar = Found, r
	return r.ClID
}

// ambiguous answers that several registrars have the name that was asked for.
func (s *finding) ambiguous() string {
	s.a.Object, s.a.Ambiguous = Registrar, true
	return s.invalid()
}

// withoutLastWord returns the registrar whose name without its last word has
// the folded form folded; several says that there are more than one. It looks
// at each registrar of view, a few thousand at most.
func withoutLastWord(view *cache.View, folded string) (hit *registry.Registrar, several bool) {
	for _, r := range view.Registrars() {
		if !foldsTo(short(r.Name), folded) {
			continue
		}
		if hit != nil {
			return nil, true
		}
		hit = r
	}
	return hit, false
}

// short returns name without its last word, "" if it has only one.
func short(name string) string {
	name = strings.TrimRight(name, " ")
	return name[:max(0, strings.LastIndexByte(name, ' '))]
}

// entity answers an RDAP entity by name (RFC 9082 §3.1.5): a registrar whose
// full name it is, letter case and runs of blanks apart. Contacts are not
// offered, so nothing else is found.
func (s *finding) entity() string {
	a, q := s.a, s.q
	a.key = appendFold(a.key[:0], q.Text)
	folded := text(a.key)
	var hit *registry.Registrar
	if folded != "" {
		for _, r := range s.view.RegistrarsByName(folded) {
			if !sameName(q.Text, r.Name) {
				continue
			}
			if hit != nil {
				return s.ambiguous()
			}
			hit = r
		}
	}
	return s.registrar(hit, q.Text)
}

// appendFold appends registry.FoldName(name) to dst.
func appendFold(dst []byte, name string) []byte {
	for _, r := range composed(name) {
		if r = foldRune(r); r >= 0 {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// foldsTo reports whether registry.FoldName(name) is folded, which is not empty.
func foldsTo(name, folded string) bool {
	for _, r := range composed(name) {
		if r = foldRune(r); r < 0 {
			continue
		}
		want, size := utf8.DecodeRuneInString(folded)
		if want != r || size == 0 {
			return false
		}
		folded = folded[size:]
	}
	return folded == ""
}

// composed returns s in normal form C: what one keyboard writes as a letter and
// an accent is the letter that another writes. It allocates only for text that
// is not in that form, which is rare.
func composed(s string) string {
	if norm.NFC.QuickSpanString(s) == len(s) {
		return s
	}
	return norm.NFC.String(s)
}

func foldRune(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
		return unicode.ToLower(r)
	}
	return -1
}

// sameName compares two names without regard to letter case, blanks at the ends
// and how many blanks stand in a row.
func sameName(x, y string) bool {
	x, y = composed(strings.TrimSpace(x)), composed(strings.TrimSpace(y))
	for {
		var r1, r2 rune
		r1, x = nextFolded(x)
		r2, y = nextFolded(y)
		if r1 != r2 {
			return false
		}
		if r1 == 0 {
			return true
		}
	}
}

// nextFolded returns the first character of s in lower case, one blank for a
// run of them, 0 at the end, and what follows.
func nextFolded(s string) (rune, string) {
	if s == "" {
		return 0, ""
	}
	r, size := utf8.DecodeRuneInString(s)
	s = s[size:]
	if !unicode.IsSpace(r) {
		return unicode.ToLower(r), s
	}
	return ' ', strings.TrimLeftFunc(s, unicode.IsSpace)
}
