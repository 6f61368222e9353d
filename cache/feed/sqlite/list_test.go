package sqlite

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"
)

func TestAppendTexts(t *testing.T) {
	tests := []struct {
		rule string
		list string
		want []string // nil = refused
	}{
		{"an empty list", `[]`, []string{}},
		{"one text", `["a"]`, []string{"a"}},
		{"several texts", `["a","b c","d"]`, []string{"a", "b c", "d"}},
		{"an empty text", `["","x"]`, []string{"", "x"}},
		{"escapes", `["a\"b","\\","\u00e9"]`, []string{`a"b`, `\`, "é"}},
		{"an escape after plain texts", `["a","b\n"]`, []string{"a", "b\n"}},
		{"spaces between", `[ "a" , "b" ]`, []string{"a", "b"}},
		{"a comma inside", `["a,b","]"]`, []string{"a,b", "]"}},
		{"no list", `"a"`, nil},
		{"nothing", ``, nil},
		{"null", `null`, nil},
		{"a null inside", `["a",null]`, nil},
		{"a number inside", `["a",1]`, nil},
		{"a list inside", `[["a"]]`, nil},
		{"an object", `{"a":"b"}`, nil},
		{"cut off", `["a","b"`, nil},
		{"more behind it", `["a"]x`, nil},
		{"a comma too many", `["a",]`, nil},
		{"a control character", "[\"a\tb\"]", nil},
		{"not UTF-8", "[\"a\\\"\xff\"]", nil},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			got, ok := appendTexts([]string{"before"}, test.list)
			if ok != (test.want != nil) || ok && !slices.Equal(got[1:], test.want) {
				t.Errorf("appendTexts([before], %q) = %q, %v, want %q behind it", test.list, got, ok, test.want)
			}
		})
	}
}

func FuzzAppendTexts(f *testing.F) {
	for _, seed := range []string{`[]`, `["a"]`, `["a","b"]`, `["a\"b"]`, `[ "a" ]`, `["a",null]`, `[1]`, `["a"`, `["a"]]`, "[\"\x01\"]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		got, ok := appendTexts(nil, list)
		var want []*string
		valid := json.Unmarshal([]byte(list), &want) == nil && want != nil && !slices.Contains(want, nil)
		if !ok {
			return // stricter than JSON is no fault; text that is not UTF-8 is refused
		}
		if !valid || len(got) != len(want) {
			t.Fatalf("appendTexts(nil, %q) = %q, encoding/json says %v, %d texts", list, got, valid, len(want))
		}
		// encoding/json puts U+FFFD where the text is not UTF-8.
		for i := range want {
			if got[i] != *want[i] && utf8.ValidString(list) {
				t.Errorf("appendTexts(nil, %q) has %q, want %q", list, got[i], *want[i])
			}
		}
	})
}
