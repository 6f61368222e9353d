package rdap

import (
	"encoding/json"
	"testing"

	"golang.org/x/net/idna"
)

func TestUnicodeNames(t *testing.T) {
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
		{"what is not in normal form C is none", "xn--e-xbb.coop", ""},
		{"hyphens cannot stand third and fourth in it", "xn--xn--0-8bb.coop", ""},
		{"an underscore beside it is kept", "_x.xn--caf-dma.coop", "_x.caf\u00e9.coop"},
	} {
		text, ok := appendUnicode(nil, test.name)
		var got string
		if ok {
			if err := json.Unmarshal([]byte(`"`+string(text)+`"`), &got); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
		}
		if got != test.want {
			t.Errorf("%s: appendUnicode(%q) = %+q, want %+q", test.rule, test.name, got, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ rule, name, uname, want string }{
		{"a plain name has one form", "a.coop", "a.coop", `,"ldhName":"a.coop"`},
		{"the registry's U-label", "xn--caf-dma.coop", "caf\u00e9.coop", `,"ldhName":"xn--caf-dma.coop","unicodeName":"caf\u00e9.coop"`},
		{"or ours", "xn--caf-dma.coop", "", `,"ldhName":"xn--caf-dma.coop","unicodeName":"caf\u00e9.coop"`},
		{"an A-label is no U-label", "xn--caf-dma.coop", "xn--caf-dma.coop", `,"ldhName":"xn--caf-dma.coop","unicodeName":"caf\u00e9.coop"`},
		{"none where there can be none", "xn--abc.coop", "", `,"ldhName":"xn--abc.coop"`},
	} {
		if got := string(appendNames(nil, test.name, test.uname)); got != test.want {
			t.Errorf("%s: appendNames(%q, %+q) = %s, want %s", test.rule, test.name, test.uname, got, test.want)
		}
	}
}

// FuzzUnicodeName: whatever the A-label, what is told as its U-label encodes to
// it again (check 902).
func FuzzUnicodeName(f *testing.F) {
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
		text, ok := appendUnicode(nil, label)
		if !ok {
			return
		}
		var u string
		if err := json.Unmarshal([]byte(`"`+string(text)+`"`), &u); err != nil {
			t.Fatal(err)
		}
		if again, err := idna.Punycode.ToASCII(u); err != nil || again != label {
			t.Errorf("%s is told as %+q, which is %s, %v", label, u, again, err)
		}
	})
}
