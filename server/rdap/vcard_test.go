package rdap

import "testing"

func TestTel(t *testing.T) {
	for _, test := range []struct{ rule, number, ext, want string }{
		{"EPP's form is a URI", "+34.931234567", "", `,["tel",{"type":"voice"},"uri","tel:+34.931234567"]`},
		{"with its extension", "+34.931234567", "12", `,["tel",{"type":"voice"},"uri","tel:+34.931234567;ext=12"]`},
		{"anything else is a text", "+34 93 123", "", `,["tel",{"type":"voice"},"text","+34 93 123"]`},
		{"so is a number without a dot", "+34931234567", "", `,["tel",{"type":"voice"},"text","+34931234567"]`},
		{"and one that is too long", "+34.123456789012345", "", `,["tel",{"type":"voice"},"text","+34.123456789012345"]`},
		{"and a country of four digits", "+3400.1", "", `,["tel",{"type":"voice"},"text","+3400.1"]`},
		{"and one without a country", "+.1", "", `,["tel",{"type":"voice"},"text","+.1"]`},
		{"and one without a number", "+34.", "", `,["tel",{"type":"voice"},"text","+34."]`},
		{"and one whose extension is no number", "+34.1", "x<", `,["tel",{"type":"voice"},"text","+34.1;ext=x\u003c"]`},
		{"no number is no property", "", "12", ``},
	} {
		if got := string(appendTel(nil, "voice", test.number, test.ext)); got != test.want {
			t.Errorf("%s: appendTel(%q, %q) = %s, want %s", test.rule, test.number, test.ext, got, test.want)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		rule   string
		street []string
		cc     string
		want   string
	}{
		{"no line is empty", nil, "ES", `,["adr",{"cc":"ES"},"text",["","","","Barcelona","","08001",""]]`},
		{"one line is a string", []string{"a"}, "ES", `,["adr",{"cc":"ES"},"text",["","","a","Barcelona","","08001",""]]`},
		{"several are an array", []string{"a", "b"}, "ES", `,["adr",{"cc":"ES"},"text",["","",["a","b"],"Barcelona","","08001",""]]`},
		{"empty lines do not count", []string{"", "b", ""}, "ES", `,["adr",{"cc":"ES"},"text",["","","b","Barcelona","","08001",""]]`},
		{"no more than three are shown", []string{"a", "", "b", "c", "d"}, "ES", `,["adr",{"cc":"ES"},"text",["","",["a","b","c"],"Barcelona","","08001",""]]`},
		{"country codes are capitals", nil, "es", `,["adr",{"cc":"ES"},"text",["","","","Barcelona","","08001",""]]`},
		{"what is no country code leaves it all out", nil, "E1", ``},
		{"so do codes that no country has", nil, "XK", ``},
		{"and none", nil, "", ``},
	} {
		if got := string(appendAddress(nil, test.street, "Barcelona", "", "08001", test.cc)); got != test.want {
			t.Errorf("%s: appendAddress(%q, %q) = %s, want %s", test.rule, test.street, test.cc, got, test.want)
		}
	}
}

func TestMail(t *testing.T) {
	for mail, want := range map[string]bool{
		"office@example.coop": true, "a.b+c'd@a-b.example.coop": true, "a@b.c": true, "1@2.3": true,
		"": false, "@": false, "a@": false, "@b.c": false, "a@b": false, "a@.b": false, "a@b.": false, "a@b..c": false, "a@-b.c": false,
		"a@b-.c": false, "a@b.c-": false, ".a@b.c": false, "a.@b.c": false, "a..b@b.c": false, "a b@b.c": false, "a@b@c.d": false,
		"\u00e9@b.c": false, "a@\u00e9.c": false, "a<b>@b.c": false, "a@b_c.d": false,
	} {
		if got := isMail(mail); got != want {
			t.Errorf("isMail(%q) = %v, want %v", mail, got, want)
		}
	}
}
