package rdapcheck

import (
	"crypto/tls"
	"strings"
	"testing"
)

// exchangeCodes are the codes of rules about more than one answer.
var exchangeCodes = []int{-13002, -13004, -13005, -20100, -20101, -20300, -10403, -61100, -61101}

func TestExchanges(t *testing.T) {
	found, missing := goodResponse(t, "domain"), goodResponse(t, "notfound")
	changed := func(from, to string) Response {
		r := found
		r.Body = []byte(strings.Replace(string(found.Body), from, to, 1))
		if string(r.Body) == string(found.Body) {
			t.Fatalf("the answer has no %s", from)
		}
		return r
	}
	refused := missing
	refused.Status = 429
	plain := found
	plain.URL = strings.Replace(found.URL, "https:", "http:", 1)
	state := func(version, suite uint16) tls.ConnectionState {
		return tls.ConnectionState{Version: version, CipherSuite: suite}
	}
	for _, test := range []struct {
		rule string
		got  []Finding
		want int // 0 = none
	}{
		{"found", CheckTested(found), 0},
		{"not found", CheckTested(missing), 0},
		{"refused", CheckTested(refused), -13002},
		{"asked without TLS", CheckTested(plain), -20100},
		{"the same status", CheckHead(found, found), 0},
		{"another status", CheckHead(found, missing), -20300},
		{"plain leads elsewhere", CheckPlain(found, missing), 0},
		{"plain tells the same", CheckPlain(found, found), -20101},
		{"the path alone is kept", CheckRedirect("http://a.example/domain/x.coop?y=1", "https://a.example/domain/x.coop"), 0},
		{"a search keeps its parameter", CheckRedirect("http://a.example/nameservers?ip=1&y=1", "https://a.example/nameservers?ip=1"), 0},
		{"others are copied", CheckRedirect("http://a.example/domain/x.coop?y=1", "https://a.example/domain/x.coop?y=1"), -13004},
		{"an invalid name leads elsewhere", CheckRedirect("https://a.example/domain/test.invalid", "https://b.example/domain/test.invalid"), 0},
		{"an invalid name leads to ourselves", CheckRedirect("https://a.example/domain/test.invalid", "https://a.example/domain/test.invalid"), -13005},
		{"letter case differs", CheckCase(found, changed("domain/example.coop", "domain/eXaMpLe.coop")), 0},
		{"the time differs", CheckCase(found, changed("2026-07-20T10:00:00Z", "2026-07-20T10:01:00Z")), 0},
		{"another time differs", CheckCase(found, changed("2015-03-02T09:15:00Z", "2015-03-02T09:16:00Z")), -10403},
		{"a name differs", CheckCase(found, changed("domain/example.coop", "domain/another.coop")), -10403},
		{"the case of a contact differs", CheckCase(found, changed("Abuse Desk", "ABUSE DESK")), -10403},
		{"a member is missing", CheckCase(found, changed(`"port43":"whois.nic.coop",`, "")), -10403},
		{"TLS 1.3", CheckTLS(state(tls.VersionTLS13, tls.TLS_CHACHA20_POLY1305_SHA256)), 0},
		{"TLS 1.2", CheckTLS(state(tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)), 0},
		{"TLS 1.1", CheckTLS(state(tls.VersionTLS11, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA)), -61100},
		{"TLS 1.2 with another suite", CheckTLS(state(tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)), -61101},
	} {
		switch {
		case test.want == 0 && len(test.got) != 0:
			t.Errorf("%s: found %v", test.rule, test.got)
		case test.want != 0 && (len(test.got) != 1 || test.got[0].Code != test.want):
			t.Errorf("%s: found %v, want %d", test.rule, test.got, test.want)
		}
	}
}
