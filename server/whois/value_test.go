package whois

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendField(t *testing.T) {
	long := strings.Repeat("\U0001F33E", 255) // 1020 bytes
	for _, test := range []struct{ rule, value, want string }{
		{"plain text stands as it is", "Example Workers Co-operative Limited", "L: Example Workers Co-operative Limited\r\n"},
		{"no value, no line", "", ""},
		{"blanks are no value", " \t ", ""},
		{"control characters are no value", "\x00\x1b\u0085", ""},
		{"blanks at the ends go", " x ", "L: x\r\n"},
		{"runs of blanks become one", "1  Example   Yard", "L: 1 Example Yard\r\n"},
		{"a line break cannot begin a line", "x\r\nRegistrar: Evil", "L: x Registrar: Evil\r\n"},
		{"a TAB is a blank", "a\tb", "L: a b\r\n"},
		{"a terminal escape loses its ESC", "a\x1b[31mb", "L: a [31mb\r\n"},
		{"C1 controls are blanks", "a\u009b31mb\u0085c", "L: a 31mb c\r\n"},
		{"Unicode line ends are blanks", "a\u2028b\u2029c", "L: a b c\r\n"},
		{"turned directions are blanks", "a\u202Eb\u2066c\u2069", "L: a b c\r\n"},
		{"a byte order mark is a blank", "\uFEFFa", "L: a\r\n"},
		{"other scripts stand as they are", "شركة تعاونية", "L: شركة تعاونية\r\n"},
		{"joiners are letters' own", "می\u200cخواهم", "L: می\u200cخواهم\r\n"},
		{"an ideographic space is no blank of ours", "生活\u3000組合", "L: 生活\u3000組合\r\n"},
		{"emoji stand", "Bread \U0001F35E Co-op", "L: Bread \U0001F35E Co-op\r\n"},
		{"bytes that are not UTF-8 are replaced", "a\xffb", "L: a\uFFFDb\r\n"},
		{"an ampersand is a letter", "Smith & Sons, A&B", "L: Smith & Sons, A&B\r\n"},
		{"an ampersand and a semicolon apart are no entity", "A&B Ltd; C", "L: A&B Ltd; C\r\n"},
		{"an empty entity is none", "&;", "L: &;\r\n"},
		{"a named entity is broken", "Smith &amp; Sons", "L: Smith & amp; Sons\r\n"},
		{"a decimal entity is broken", "a&#10;b", "L: a& #10;b\r\n"},
		{"a hexadecimal entity is broken", "a&#x0A;b", "L: a& #x0A;b\r\n"},
		{"entities in a row are broken", "&lt;&gt;", "L: & lt;& gt;\r\n"},
		{"a control cannot hide an entity", "&am\x00p;", "L: &am p;\r\n"},
		{"a value like a label stands", "Registrar: Other", "L: Registrar: Other\r\n"},
		{"a line ends before 1000 bytes, between characters", long, "L: " + long[:4*248] + "\r\n"},
		{"a value has at most 255 characters", strings.Repeat("x", 1020), "L: " + strings.Repeat("x", 255) + "\r\n"},
		{"the blanks of broken entities count", strings.Repeat("&a;", 85), "L: " + strings.Repeat("& a;", 63) + "& a\r\n"},
		{"a cut leaves no blank at the end", strings.Repeat("x", 254) + " y", "L: " + strings.Repeat("x", 254) + "\r\n"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got := string(appendField([]byte("before\r\n"), "L: ", test.value))
			if want := "before\r\n" + test.want; got != want {
				t.Errorf("appendField(%q) appended %q, want %q", test.value, got, want)
			}
		})
	}
}

// A value that is shown byte for byte is one that cleaning would not change.
func FuzzPlainIsClean(f *testing.F) {
	for _, s := range []string{"", " ", "a", "a b", "a  b", "a&amp;", "é", "a\x00", strings.Repeat("x", 901)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		clean := string(appendClean(nil, value, maxLine))
		if isPlain(value) && clean != value {
			t.Errorf("isPlain(%q), but appendClean makes %q of it", value, clean)
		}
		if again := string(appendClean(nil, clean, maxLine)); again != clean {
			t.Errorf("appendClean(%q) = %q, which becomes %q", value, clean, again)
		}
		if !utf8.ValidString(clean) || strings.Contains(clean, "  ") || strings.Trim(clean, " ") != clean || len(clean) > maxLine {
			t.Errorf("appendClean(%q) = %q: not a value", value, clean)
		}
	})
}
