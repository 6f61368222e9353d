package lookup

import (
	"testing"

	"golang.org/x/net/idna"
)

func TestULabels(t *testing.T) {
	for _, test := range []struct{ rule, name, want string }{
		{"an A-label becomes its U-label", "xn--caf-dma.coop", "caf\u00e9.coop"},
		{"wherever it stands", "ns1.xn--caf-dma.xn--p1ai", "ns1.caf\u00e9.\u0440\u0444"},
		{"sharp s is a letter of its own", "xn--strae-oqa.coop", "stra\u00dfe.coop"},
		{"joiners may stand in it", "xn--mgba3gch31f060k.coop", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.coop"},
		{"an emoji is none", "xn--ls8h.coop", ""},
		{"what does not decode is none", "xn--abc.coop", ""},
		{"ASCII in disguise is none", "xn--abc-.coop", ""},
		{"a label without anything is none", "xn--.coop", ""},
		{"capitals are none", "xn--dca.coop", ""},
		{"a plain name has none", "a.coop", ""},
		{"a ligature is none", "xn--x-sy8h.coop", ""},
		{"what is not in normal form C is none", "xn--e-xbb.coop", ""},
		{"hyphens cannot stand third and fourth in it", "xn--xn--0-8bb.coop", ""},
		{"an underscore beside it is kept", "_x.xn--caf-dma.coop", "_x.caf\u00e9.coop"},
	} {
		var a Answer
		if got := a.uLabels(test.name); got != test.want {
			t.Errorf("%s: uLabels(%q) = %+q, want %+q", test.rule, test.name, got, test.want)
		}
	}
}

// FuzzULabels: whatever the A-label, what is told as its U-label encodes to
// it again (check 902).
func FuzzULabels(f *testing.F) {
	for _, label := range []string{
		"xn--caf-dma", "xn--p1ai", "xn--fiqs8s", "xn--mgba3gch31f060k", "xn--ls8h", "xn--abc", "xn--", "xn---", "xn--e-xbb",
		"xn--strae-oqa", "xn--a-ecp", "xn---01a", "xn--99999999999", "xn--zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
	} {
		f.Add(label)
	}
	f.Fuzz(func(t *testing.T, label string) {
		if len(label) > 63 {
			return
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return // no label of a published name
			}
		}
		var a Answer
		u := a.uLabels(label)
		if u == "" {
			return
		}
		if again, err := idna.Punycode.ToASCII(u); err != nil || again != label {
			t.Errorf("%s is told as %+q, which is %s, %v", label, u, again, err)
		}
	})
}
