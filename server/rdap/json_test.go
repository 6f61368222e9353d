package rdap

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzJSONString: encoding/json reads back what went in, invalid UTF-8 apart,
// and the text holds printable ASCII without markup.
func FuzzJSONString(f *testing.F) {
	for _, s := range []string{
		"", "plain", `"\/`, "\x00\x1f\x7f", "<script>&amp;</script>", "caf\u00e9", "\u2028\u2029", "\U0001f600",
		"\xff\xc0\x80", "\xed\xa0\x80", "a\xe2\x82", "\ufffd", "\U0010ffff", "\t\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := appendString(nil, s)
		var got, want string
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("appendString(%q) = %s: %v", s, text, err)
		}
		byOther, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(byOther, &want); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("appendString(%q) reads back as %q, encoding/json's as %q", s, got, want)
		}
		if i := strings.IndexFunc(string(text), func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("<>&", r) }); i >= 0 {
			t.Errorf("appendString(%q) = %s holds %q", s, text, text[i])
		}
	})
}

func TestStringsAreEscaped(t *testing.T) {
	for _, test := range []struct{ rule, in, want string }{
		{"non-ASCII is escaped", "caf\u00e9", `"caf\u00e9"`},
		{"beyond the basic plane it takes two units", "\U0001f600", `"\ud83d\ude00"`},
		{"markup is escaped", "<b>&</b>", `"\u003cb\u003e\u0026\u003c/b\u003e"`},
		{"control characters are escaped", "a\x00\n\x7f", `"a\u0000\u000a\u007f"`},
		{"quotes and backslashes are escaped", `a"b\c`, `"a\u0022b\u005cc"`},
		{"what is not UTF-8 is replaced, byte by byte", "a\xff\xfeb", `"a\ufffd\ufffdb"`},
	} {
		if got := string(appendString(nil, test.in)); got != test.want {
			t.Errorf("%s: appendString(%q) = %s, want %s", test.rule, test.in, got, test.want)
		}
	}
}
