package rdap

import (
	"encoding/json"
	"net/url"
	"testing"
)

func TestURLAskedFor(t *testing.T) {
	for _, test := range []struct{ rule, target, want string }{
		{"what came is repeated byte for byte", "domain/CaF%c3%A9.coop/?x=1", "domain/CaF%c3%A9.coop/?x=1"},
		{"a percent sign that begins nothing is encoded", "domain/100%", "domain/100%25"},
		{"nor what is cut off", "domain/%2", "domain/%252"},
		{"nor what is not hexadecimal", "domain/%zz", "domain/%25zz"},
		{"markup is encoded", "domain/<script>", "domain/%3Cscript%3E"},
		{"what is not ASCII is encoded", "domain/\xc3\xa9\xff", "domain/%C3%A9%FF"},
		{"quotes and backslashes are encoded", `domain/"\`, "domain/%22%5C"},
		{"an ampersand stays", "nameservers?a=1&ip=::1", "nameservers?a=1&ip=::1"},
		{"a fragment is none here", "domain/a#b", "domain/a%23b"},
	} {
		var got string
		if err := json.Unmarshal([]byte(`"`+string(AppendURL(nil, testBase, []byte(test.target)))+`"`), &got); err != nil {
			t.Fatalf("%s: %v", test.target, err)
		}
		if got != testBase+test.want {
			t.Errorf("%s: AppendURL(%q) = %s, want %s", test.rule, test.target, got, testBase+test.want)
		}
	}
}

// FuzzURL: whatever is asked for, the link holds a URL, in a JSON string.
func FuzzURL(f *testing.F) {
	f.Add([]byte("domain/example.coop"))
	f.Add([]byte("%\xff\x00\"<&>"))
	f.Fuzz(func(t *testing.T, target []byte) {
		text := AppendURL([]byte(`"`), testBase, target)
		var s string
		if err := json.Unmarshal(append(text, '"'), &s); err != nil {
			t.Fatalf("AppendURL(%q) = %s: %v", target, text, err)
		}
		if _, err := url.Parse(s); err != nil {
			t.Errorf("AppendURL(%q): %v", target, err)
		}
	})
}
