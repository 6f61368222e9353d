package whois

import (
	"strings"
	"testing"
)

func TestCheckText(t *testing.T) {
	for _, test := range []struct{ rule, text, wrong string }{
		{"the disclaimer passes", Disclaimer("coop", "https://whois.nic.coop/terms"), ""},
		{"the disclaimer without terms passes", Disclaimer("xn--j1aef", ""), ""},
		{"the disclaimer without a TLD passes", Disclaimer("", ""), ""},
		{"no text passes", "", ""},
		{"the redaction string passes", "REDACTED FOR PRIVACY", ""},
		{"the limits sentence passes", "The limits enforced are 60 look-ups back to back, then 5 a second.", ""},
		{"an empty line inside passes", "a\n\nb", ""},
		{"indented by blanks does not", "a\n b", "line 2 of the text begins or ends with a blank"},
		{"nor ended by one", "a \nb", "line 1 of the text begins or ends with a blank"},
		{"TAB", "a\tb", "U+0009"},
		{"CR", "a\r\nb", "U+000D"},
		{"byte order mark", "\uFEFFa", "U+FEFF"},
		{"not UTF-8", "a\xff", "not UTF-8"},
		{"ends with a line end", "a\n", "empty line"},
		{"long line", strings.Repeat("x", 998), "has 998 bytes, at most 997"},
		{"long text", strings.Repeat("x\n", MaxText), "at most 8192"},
		{"field", "Please note: this", `"note:", which clients read as a field`},
		{"field at the end", "Contact:", `"Contact:"`},
		{"referral", "refer: whois.example", `"refer:"`},
		{"a URL is no field", "see https://example.coop/x", ""},
		{"e-mail", "write to abuse@example.coop", "e-mail address"},
		{"at sign alone", "meet @ noon", ""},
		{"entity", "Smith &amp; Sons", "HTML entity"},
		{"free", "Data that is NOT FOUND here", `"not found"`},
		{"free over a line end", "is not\navailable", `"not available"`},
		{"limited", "you get Limit Exceeded", `"limit exceeded"`},
		{"reserved", "names Reserved by the Registry", `"reserved by the registry"`},
		{"registered name", "the domain example.coop is", `"example.coop" behind the word "domain"`},
		{"registered name, long", "a Domain Name example.coop", `"example.coop"`},
		{"domain at the end of a sentence", "keep your domain names. Then", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			err := CheckText(test.text)
			switch {
			case err == nil && test.wrong != "":
				t.Errorf("CheckText(%.80q) = nil, want an error with %q", test.text, test.wrong)
			case err != nil && (test.wrong == "" || !strings.Contains(err.Error(), test.wrong)):
				t.Errorf("CheckText(%.80q) = %q, want %q in it", test.text, err, test.wrong)
			}
		})
	}
}

func TestCheckNotice(t *testing.T) {
	for text, wrong := range map[string]string{
		statusHelp2024: "", statusHelp2017: "", "": "", "REDACTED FOR PRIVACY": "",
		"two\nlines": "several lines", "Status: free": `"Status:"`, "there is no match": `"no match"`,
	} {
		if err := CheckNotice(text); (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("CheckNotice(%q) = %v, want %q in it", text, err, wrong)
		}
	}
}

func TestCheckComplaint(t *testing.T) {
	for text, wrong := range map[string]string{
		complaint2024: "", complaint2017: "", "": "", "URL of the form: http://www.nic.example/form": "",
		"URL of the form":                                        "not of the form",
		"Registrar: https://www.nic.example":                     "not of the form",
		"URL of the form: www.nic.example":                       "not of the form",
		"URL of the form: https://nic.example and more":          "goes on behind",
		"URL of the form: https://nic.example\nRegistrar: x":     "goes on behind",
		"URL of the form\nRegistrar: https://nic.example":        "several lines",
		"URL of the Status: free form: https://nic.example":      "not of the form",
		"URL of forms for what is not available: https://a.test": `"not available"`,
		"URL of the form: https://form@nic.example/":             "e-mail address",
		"URL of the form: https://" + strings.Repeat("x", 1000):  "at most 997",
	} {
		if err := CheckComplaint(text); (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("CheckComplaint(%.80q) = %v, want %q in it", text, err, wrong)
		}
	}
}

// Every word of whois.md §4.2 to §4.4 is refused, in any case, and named.
func TestCheckTextNamesEachForbiddenWord(t *testing.T) {
	words := 0
	for _, list := range forbidden {
		for word := range strings.SplitSeq(list.words, "|") {
			words++
			err := CheckText("some " + strings.ToUpper(word) + " text")
			if err == nil {
				t.Errorf("CheckText passes %q", word)
			}
		}
	}
	if words < 50 {
		t.Errorf("only %d words are forbidden", words)
	}
}
