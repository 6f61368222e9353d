package rdap

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

// goldens are the answers of which each byte is told: the worked examples of
// rdap.md §6 but 6.6 (a search by name, which is off), and what they leave out.
var goldens = []struct {
	name, target string
	status       int
	standard     bool // testdata/standard has it too
	degraded     bool
	stale        bool
}{
	{name: "domain", target: "domain/example.coop", status: http.StatusOK, standard: true},
	{name: "registrar", target: "entity/900001", status: http.StatusOK, standard: true},
	{name: "nameserver", target: "nameserver/ns1.example.coop", status: http.StatusOK, standard: true},
	{name: "help", target: "help", status: http.StatusOK, standard: true},
	{name: "notfound", target: "domain/nosuchname.coop", status: http.StatusNotFound, standard: true},
	{name: "nameservers", target: "nameservers?ip=198.41.0.4", status: http.StatusOK, standard: true},

	{name: "published", target: "domain/published.coop", status: http.StatusOK},
	{name: "degraded", target: "domain/published.coop", status: http.StatusOK, degraded: true},
	{name: "idn", target: "domain/caf%C3%A9.coop?a=%3Cscript%3E&b", status: http.StatusOK},
	{name: "minimum", target: "domain/MINIMUM.coop.example/", status: http.StatusOK},
	{name: "nameserver-idn", target: "nameserver/ns1.xn--caf-dma.coop", status: http.StatusOK},
	{name: "registrar-by-name", target: "entity/example%20registrar%20s.coop.", status: http.StatusOK},
	{name: "registrar-local", target: "entity/Local%20&%20Sons%20%3Cregistrars%3E", status: http.StatusOK},
	{name: "reserved", target: "domain/reserved.coop", status: http.StatusNotFound},
	{name: "othertld", target: "domain/example.test", status: http.StatusNotFound},
	{name: "invalid", target: "domain/xn--abc.coop", status: http.StatusBadRequest},
	{name: "unknown", target: "domain/nosuchname.coop", status: http.StatusServiceUnavailable, stale: true},
}

func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			k := fixture()
			if g.stale {
				k = stale()
			}
			k.degraded = g.degraded
			body, status := k.ask(t, g.target)
			if status != g.status {
				t.Errorf("%s: status %d, want %d", g.target, status, g.status)
			}
			path := filepath.Join("testdata", "golden", g.name+".json")
			if *update {
				if err := os.WriteFile(path, body, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(body) != string(want) {
				t.Errorf("%s is not %s; the difference as JSON:\n%s", g.target, path, cmp.Diff(decode(t, want), decode(t, body)))
			}
			for _, fault := range check(body, status, testBase+g.target) {
				t.Errorf("%s: %s", g.target, fault)
			}
		})
	}
}

// TestStandard holds the goldens against the page they come from.
func TestStandard(t *testing.T) {
	for _, g := range goldens {
		if !g.standard {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			body, _ := fixture().ask(t, g.target)
			if diff := cmp.Diff(standard(t, g.name), decode(t, body)); diff != "" {
				t.Errorf("%s differs from the standard (-standard +ours):\n%s", g.target, diff)
			}
		})
	}
	t.Run("registrant", func(t *testing.T) {
		body, _ := fixture().ask(t, "domain/published.coop")
		got := decode(t, body).(map[string]any)
		if diff := cmp.Diff(standard(t, "registrant"), got["entities"].([]any)[1]); diff != "" {
			t.Errorf("the registrant who discloses everything differs from the standard (-standard +ours):\n%s", diff)
		}
		if _, redacted := got["redacted"]; redacted {
			t.Error("nothing is withheld, but there is a member redacted")
		}
	})
}

func standard(t *testing.T, name string) any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "standard", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, text)
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}
