package lookup

import (
	"testing"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// encoded returns label as an A-label, whether or not any rule allows it.
func encoded(label string) string {
	a, err := idna.Punycode.ToASCII(label)
	if err != nil {
		panic(err)
	}
	return a
}

func TestGenuine(t *testing.T) {
	for _, c := range []struct {
		rule, name string
		want       bool
	}{
		{"LDH", "example.coop", true},
		{"IDN", "xn--caf-dma.coop", true},
		{"underscore beside an IDN", "_a.xn--caf-dma.coop", true},
		{"xn-- inside a label", "axn--b.coop", true},
		{"nothing encoded", "xn--.coop", false},
		{"ASCII encoded", "xn--abc-.coop", false},
		{"punycode that does not decode", "xn--99999999.coop", false},
		{"encodes a capital", encoded("caf\u00c9") + ".coop", false},
		{"encodes a label not in NFC", encoded("cafe\u0301") + ".coop", false},
		{"hyphens at 3 and 4 of the U-label", encoded("ab--\u00e9") + ".coop", false},
		{"snowman", encoded("\u2603") + ".coop", false},
		{"emoji", encoded("\U0001f600") + ".coop", false},
		{"curly quotes", encoded("\u201cx\u201d") + ".coop", false},
		{"tatweel", encoded("\u0628\u0640\u0628") + ".coop", false},
		{"sharp s", encoded("stra\u00dfe") + ".coop", true},
		{"Catalan middle dot", encoded("col\u00b7lab") + ".coop", true},
		{"stray middle dot", encoded("co\u00b7lab") + ".coop", false},
		{"middle dot at the end", encoded("col\u00b7") + ".coop", false},
		{"keraia before Greek", encoded("\u0375\u03b1") + ".coop", true},
		{"keraia at the end", encoded("\u03b1\u0375") + ".coop", false},
		{"geresh after Hebrew", encoded("\u05d0\u05f3") + ".coop", true},
		{"geresh at the start", encoded("\u05f3\u05d0") + ".coop", false},
		{"Katakana middle dot in Japanese", encoded("\u30ab\u30fb\u30ab") + ".coop", true},
		{"Katakana middle dot elsewhere", encoded("a\u30fbb") + ".coop", false},
		{"Arabic-Indic digits", encoded("\u0628\u0661\u0662") + ".coop", true},
		{"extended Arabic-Indic digits", encoded("\u0628\u06f1") + ".coop", true},
		{"both Arabic digits", encoded("\u0628\u0661\u06f1") + ".coop", false},
		{"old Hangul jamo", encoded("\u1100\u1161") + ".coop", false},
		{"enclosing circle", encoded("a\u20dd") + ".coop", false},
		{"combining mark for symbols", encoded("a\u20d0") + ".coop", false},
		{"ideographic number zero", encoded("\u3007") + ".coop", true},
		{"Tibetan tsheg", encoded("\u0f40\u0f0b\u0f40") + ".coop", true},
		{"vertical kana repeat mark", encoded("\u3031") + ".coop", false},
		{"joiner after a virama", encoded("\u0915\u094d\u200d\u0937") + ".coop", true},
		{"joiner elsewhere", encoded("a\u200db") + ".coop", false},
		{"right to left", encoded("\u05d0\u05d1") + ".coop", true},
		{"Bidi rule broken", encoded("\u05d0a") + ".coop", false},
		{"leading mark", encoded("\u0301a") + ".coop", false},
		{"unassigned", encoded("\u0378") + ".coop", false},
		{"the TLD counts too", "example." + encoded("\u2603"), false},
	} {
		if got := genuine(c.name); got != c.want {
			t.Errorf("%s: genuine(%q) = %v, want %v", c.rule, c.name, got, c.want)
		}
	}
}

// Whatever is allowed must be PVALID in the words of RFC 5892: what UTS 46 is
// trusted with (Unstable, IgnorableProperties, Unassigned) is computed here.
func TestAllowedIsPVALID(t *testing.T) {
	fold, n := cases.Fold(), 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		label := "a" + string(r)
		ascii, err := toASCII.ToASCII(label)
		if err != nil {
			continue
		}
		if u, err := roundTrip.ToUnicode(ascii); err != nil || u != label || !allowedAt([]rune(label), 1, r) {
			continue
		}
		n++
		stable := norm.NFKC.String(fold.String(norm.NFKC.String(string(r)))) == string(r)
		ignorable := unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector,
			unicode.White_Space, unicode.Noncharacter_Code_Point)
		if r != 0x00df && r != 0x03c2 && (!stable || ignorable) { // these two are exceptions (§2.6)
			t.Errorf("%U is allowed, but stable %v, ignorable %v", r, stable, ignorable)
		}
	}
	if n < 100_000 {
		t.Errorf("%d code points are allowed: the test tests nothing", n)
	}
}
