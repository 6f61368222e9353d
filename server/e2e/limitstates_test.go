package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateStates = flag.Bool("update-states", false, "write testdata/limitstates.txt anew")

// TestWhatPeopleSee holds what each state of the limits looks like to a person and to
// a program, in both protocols: the first lines of WHOIS, status and header of RDAP.
func TestWhatPeopleSee(t *testing.T) {
	list := filepath.Join(t.TempDir(), "networks")
	if err := os.WriteFile(list, []byte("127.5.0.0/16 deny\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := contactNames(t)
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_NETWORKS="+list, "RDDSD_RATELIMIT_DAY=10", "RDDSD_RATELIMIT_FREE=0", "RDDSD_RATELIMIT_RATE=0.01", "RDDSD_RATELIMIT_BURST=12")
	var table strings.Builder
	show := func(state, source, name string) {
		fmt.Fprintf(&table, "== %s\n\nWHOIS\n", state)
		for i, line := range strings.Split(d.askFrom(source, name), "\r\n") {
			if i < 6 && !strings.HasPrefix(line, "Domain Name:") && !strings.HasPrefix(line, "Registry Domain ID:") && !strings.HasPrefix(line, "Registrar ") && !strings.HasPrefix(line, "Updated Date") && !strings.HasPrefix(line, "Creation Date") ||
				strings.HasPrefix(line, "Registrant ") {
				fmt.Fprintf(&table, "  %s\n", line)
			}
		}
		response, body := d.rdapFrom(source, "/domain/"+name)
		fmt.Fprintf(&table, "\nRDAP\n  %s\n", response.Status)
		var fields []string
		for field, values := range response.Header {
			if field != "Date" && field != "Content-Length" && field != "Etag" {
				fields = append(fields, fmt.Sprintf("  %s: %s\n", field, strings.Join(values, ", ")))
			}
		}
		slices.Sort(fields)
		table.WriteString(strings.Join(fields, ""))
		for _, part := range []string{`"title":"[^"]*","description":\["[^"]*"\]`, `"remarks":\[\{[^}]*\}\]`} {
			for _, found := range regexp.MustCompile(part).FindAllString(body, -1) {
				if response.StatusCode != http.StatusOK || strings.HasPrefix(found, `"remarks"`) {
					fmt.Fprintf(&table, "  %s\n", found)
				}
			}
		}
		table.WriteByte('\n')
	}
	show("in full", "127.1.0.1", "published.coop")
	for _, name := range names[:8] {
		d.askFrom("127.1.0.1", name)
	}
	show("degraded: a budget is spent", "127.1.0.1", names[10])
	show("refused: too many look-ups", "127.1.0.1", "published.coop")
	show("denied: the operator's list", "127.5.0.1", "published.coop")
	socket := filepath.Join(d.dir, "admin.sock")
	mustRun(t, "withhold", "published.coop", "--reason", "a test", "--socket", socket)
	show("withheld by the operator", "127.1.16.1", "published.coop")

	got := regexp.MustCompile(`wait \d+ seconds`).ReplaceAllString(table.String(), "wait N seconds")
	got = regexp.MustCompile(`(Retry-After|Ratelimit): [^\n]*`).ReplaceAllString(got, "$1: N")
	got = strings.ReplaceAll(got, names[10], "NAME.coop")
	got = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(got, "HOST")
	golden := filepath.Join("testdata", "limitstates.txt")
	if *updateStates {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("people see\n%s\nwant (-update-states writes it)\n%s", got, want)
	}
}
