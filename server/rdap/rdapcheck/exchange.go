package rdapcheck

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// head checks the header of the response.
func (c *checker) head() {
	if c.Header == nil {
		return
	}
	if mediaType, _, _ := strings.Cut(c.Header.Get("Content-Type"), ";"); mediaType != "application/rdap+json" {
		c.report(-13000, "Content-Type")
	}
	if origins := c.Header.Values("Access-Control-Allow-Origin"); len(origins) != 1 || origins[0] != "*" {
		c.report(-20500, "Access-Control-Allow-Origin")
	}
	if _, has := c.Header["Access-Control-Allow-Credentials"]; has {
		c.report(1802, "Access-Control-Allow-Credentials")
	}
}

// CheckTested returns what is wrong with r as the URL that a conformance run was given.
func CheckTested(r Response) (findings []Finding) {
	if r.Status != http.StatusOK && r.Status != http.StatusNotFound {
		findings = append(findings, Finding{-13002, "the status"})
	}
	if !strings.HasPrefix(r.URL, "https://") {
		findings = append(findings, Finding{-20100, "the URL"})
	}
	return findings
}

// CheckHead compares the answer to HEAD with that to GET.
func CheckHead(get, head Response) (findings []Finding) {
	if get.Status != head.Status {
		return []Finding{{-20300, "the status"}}
	}
	return nil
}

// CheckPlain compares what is answered without TLS with what is with it.
func CheckPlain(encrypted, plain Response) []Finding {
	if plain.Status == encrypted.Status && string(plain.Body) == string(encrypted.Body) {
		return []Finding{{-20101, "$"}}
	}
	return nil
}

// CheckRedirect returns what is wrong with a redirect from one URL to another.
func CheckRedirect(asked, location string) (findings []Finding) {
	from, errFrom := url.Parse(asked)
	to, errTo := url.Parse(location)
	if errFrom != nil || errTo != nil {
		return []Finding{{-13004, "Location"}}
	}
	known := []string{"ip", "name", "nsLdhName", "nsIp", "fn", "handle"}
	for parameter := range to.Query() {
		if from.Query().Has(parameter) && !slices.Contains(known, parameter) {
			findings = append(findings, Finding{-13004, "Location"})
		}
	}
	if strings.HasSuffix(from.Path, "/domain/test.invalid") && to.Scheme == from.Scheme && to.Host == from.Host {
		findings = append(findings, Finding{-13005, "Location"})
	}
	return findings
}

// CheckCase compares two answers to names that differ in letter case alone: so may they,
// and in the time of the last update. Contacts do not.
func CheckCase(lower, mixed Response) []Finding {
	var x, y any
	if json.Unmarshal(lower.Body, &x) != nil || json.Unmarshal(mixed.Body, &y) != nil || !alike(x, y) {
		return []Finding{{-10403, "$"}}
	}
	return nil
}

func alike(x, y any) bool {
	switch x := x.(type) {
	case object:
		other, ok := y.(object)
		if !ok || len(x) != len(other) {
			return false
		}
		if x["eventAction"] == "last update of RDAP database" && other["eventAction"] == x["eventAction"] {
			return true
		}
		for name, v := range x {
			if name == "vcardArray" {
				a, errA := json.Marshal(v)
				b, errB := json.Marshal(other[name])
				if errA != nil || errB != nil || string(a) != string(b) {
					return false
				}
			} else if !alike(v, other[name]) {
				return false
			}
		}
		return true
	case []any:
		other, ok := y.([]any)
		return ok && slices.EqualFunc(x, other, alike)
	case string:
		other, ok := y.(string)
		return ok && strings.EqualFold(x, other)
	}
	return x == y
}

// CheckTLS returns what is wrong with how TLS is spoken. A suite counts for 1.2 alone.
func CheckTLS(state tls.ConnectionState) []Finding {
	switch state.Version {
	case tls.VersionTLS13:
		return nil
	case tls.VersionTLS12:
	default:
		return []Finding{{-61100, "the version of TLS"}}
	}
	switch state.CipherSuite {
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:
		return nil
	}
	return []Finding{{-61101, "the suite of TLS"}}
}
