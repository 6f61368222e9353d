package target

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"rddsd/cache/registry/synthetic"
)

// TestConstantsAreAsLongAsRealAnswers asks rddsd about names of the generated
// registry, and holds the mean length of its answers against what the references
// send: a reference that sends less would make rddsd look slow, one that sends
// more would flatter it.
func TestConstantsAreAsLongAsRealAnswers(t *testing.T) {
	g, err := synthetic.New(synthetic.Params{Names: 1000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := newStarter(t)
	s.Rddsd = RddsdOptions{Registry: newRegistry(t, g), Mode: "off"}
	onWHOIS, onHTTP := start(t, s, "rddsd-whois"), start(t, s, "rddsd-rdap")
	client := http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var names, whois, rdap int
	if err := g.Each(synthetic.Sink{Domain: func(d *synthetic.Domain) error {
		if names++; names%4 != 0 {
			return nil
		}
		whois += len(ask(t, onWHOIS.Address, d.Name+"\r\n"))
		response, err := client.Get("http://" + onHTTP.Address + "/domain/" + d.Name)
		if err != nil {
			return err
		}
		rdap += int(response.ContentLength)
		return response.Body.Close()
	}}); err != nil {
		t.Fatal(err)
	}
	names /= 4
	const slack = 20 // 1/20 more or less
	for _, c := range []struct {
		service        string
		constant, mean int
	}{{"WHOIS", len(whoisAnswer), whois / names}, {"RDAP", len(rdapAnswer), rdap / names}} {
		t.Logf("%s: %d bytes on average, the references send %d", c.service, c.mean, c.constant)
		if c.constant < c.mean-c.mean/slack || c.constant > c.mean+c.mean/slack {
			t.Errorf("%s: the references send %d bytes, real answers have %d on average", c.service, c.constant, c.mean)
		}
	}
}

func TestConstantsAreAnswers(t *testing.T) {
	if text := string(whoisAnswer); !strings.HasPrefix(text, "Domain Name: ") || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Errorf("the WHOIS constant is %q", text)
	}
	var body struct {
		Class    string `json:"objectClassName"`
		Redacted []any  `json:"redacted"`
	}
	if err := json.NewDecoder(bytes.NewReader(rdapAnswer)).Decode(&body); err != nil || body.Class != "domain" || len(body.Redacted) == 0 {
		t.Errorf("the RDAP constant is not a domain with redactions: %+v, %v", body, err)
	}
}
