package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// contactNames returns names of the registry that a daemon makes on first start whose
// registrants disclose their organisation.
func contactNames(t *testing.T) []string {
	t.Helper()
	g, err := synthetic.New(synthetic.Params{Names: 10_000, Seed: 1})
	must(t, err)
	var (
		names     []string
		discloses = map[string]bool{}
		domains   []*synthetic.Domain
	)
	must(t, g.Each(synthetic.Sink{
		Contact: func(o *synthetic.Contact) error {
			discloses[o.ROID] = o.Org != "" && o.Redacted&registry.ElementOrg == 0
			return nil
		},
		Domain: func(o *synthetic.Domain) error {
			domains = append(domains, &synthetic.Domain{Domain: registry.Domain{Name: strings.Clone(o.Name), Registrant: strings.Clone(o.Registrant), Statuses: o.Statuses}})
			return nil
		},
	}))
	for _, o := range domains {
		if discloses[o.Registrant] && o.Statuses&registry.PendingCreate == 0 && !strings.HasPrefix(o.Name, "xn--") {
			names = append(names, o.Name)
		}
	}
	if len(names) < 500 {
		t.Fatalf("%d names show contact values, the test needs 500", len(names))
	}
	return names
}

// dialFrom returns a dialer that connects from a loopback address of the client's.
func dialFrom(source string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: patience}
}

// askFrom asks port 43 from source.
func (d *daemon) askFrom(source, line string) string {
	d.t.Helper()
	conn, err := dialFrom(source).Dial("tcp", d.whois)
	if err != nil {
		d.t.Fatalf("connect from %s: %v", source, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
		d.t.Fatalf("ask %q from %s: %v", line, source, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		d.t.Fatalf("ask %q from %s: %v", line, source, err)
	}
	return string(answer)
}

// rdapFrom gets an RDAP path from source.
func (d *daemon) rdapFrom(source, path string) (*http.Response, string) {
	d.t.Helper()
	transport := &http.Transport{DialContext: dialFrom(source).DialContext}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.http+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		d.t.Fatalf("get %s from %s: %v", path, source, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatalf("get %s from %s: %v", path, source, err)
	}
	return response, string(body)
}

// showsContacts reports whether an answer from source shows contact values of name.
func (d *daemon) showsContacts(source, name string, viaRDAP bool) bool {
	d.t.Helper()
	if viaRDAP {
		response, body := d.rdapFrom(source, "/domain/"+name)
		if response.StatusCode != http.StatusOK {
			d.t.Fatalf("RDAP %s from %s: %s", name, source, response.Status)
		}
		return !strings.Contains(body, `"type":"object redacted due to authorization"`)
	}
	answer := d.askFrom(source, name)
	if !strings.HasPrefix(answer, "Domain Name: ") {
		d.t.Fatalf("WHOIS %s from %s:\n%s", name, source, answer)
	}
	return strings.Contains(answer, "Registrant Organization: ") && !strings.Contains(answer, "Registrant Organization: REDACTED")
}

// A client has one account for both protocols; what it has seen it sees again; others
// are not touched; the prefix around many of them has a budget too.
func TestBudgetsOverSockets(t *testing.T) {
	names := contactNames(t)
	// 5 objects at once for an address, 40 for a /24.
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_DAY=10", "RDDSD_RATELIMIT_FREE=1")
	full := 0
	for i := range 12 {
		if d.showsContacts("127.1.0.1", names[i], i%2 == 0) {
			full++
			continue
		}
		if i < 5 {
			t.Errorf("object %d of 12 is degraded, want 5 shown", i)
		}
	}
	if full != 5 {
		t.Errorf("%d of 12 objects were shown to 127.1.0.1, want 5", full)
	}
	for i := range 5 {
		if !d.showsContacts("127.1.0.1", names[i], i%2 == 1) {
			t.Errorf("%s is degraded the second time, want it shown: it teaches nothing", names[i])
		}
	}
	if !d.showsContacts("127.2.0.1", names[20], false) {
		t.Error("another client is degraded")
	}
	full = 0
	for i := range 100 {
		if d.showsContacts(fmt.Sprintf("127.3.0.%d", 1+i%20), names[100+i], i%2 == 0) {
			full++
		}
	}
	if full < 38 || full > 42 {
		t.Errorf("%d of 100 objects were shown to twenty addresses of a /24, want 40", full)
	}
	// Nothing of that is given back by a restart.
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.waitReady()
	if d.showsContacts("127.1.0.1", names[50], false) || d.showsContacts("127.3.0.1", names[300], true) {
		t.Error("after a restart a spent budget is full again")
	}
}

// A list of networks is in force without a restart, and a bad one keeps the old.
func TestNetworksOverSockets(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "networks")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("127.5.0.0/16 deny\n127.5.7.0/24 probe\n127.6.0.0/16 gateway\n")
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_NETWORKS="+list, "RDDSD_RATELIMIT_RATE=0.01", "RDDSD_RATELIMIT_BURST=2")
	if got := d.askFrom("127.5.0.1", "example.coop"); !strings.HasPrefix(got, "WHOIS LIMIT EXCEEDED - access denied for 127.5.0.0/16\r\n") {
		t.Errorf("a denied client gets\n%s", got)
	}
	if response, _ := d.rdapFrom("127.5.0.1", "/domain/example.coop"); response.StatusCode != http.StatusForbidden {
		t.Errorf("a denied client gets RDAP %s, want 403", response.Status)
	}
	for range 10 {
		if got := d.askFrom("127.5.7.1", "example.coop"); !strings.HasPrefix(got, "Domain Name: ") {
			t.Fatalf("a probe gets\n%s", got)
		}
	}
	for i := range 10 { // each for another client
		if got := d.askFrom("127.6.0.1", fmt.Sprintf("-V web,10.%d.0.1 example.coop", i)); !strings.HasPrefix(got, "Domain Name: ") {
			t.Fatalf("a gateway gets\n%s", got)
		}
	}
	d.askFrom("127.6.0.1", "-V web,10.1.0.1 example.coop")
	if got := d.askFrom("127.6.0.1", "-V web,10.1.0.1 example.coop"); !strings.HasPrefix(got, "WHOIS LIMIT EXCEEDED - wait ") || !strings.Contains(got, "for 10.1.0.1/32.") {
		t.Errorf("the third query of a gateway's client gets\n%s", got)
	}
	write("127.5.0.0/16 friend\n")
	socket := filepath.Join(d.dir, "admin.sock")
	if _, stderr, code := run(t, "reload", "--socket", socket); code == 0 || !strings.Contains(stderr, `networks:1: there is no role "friend"`) {
		t.Errorf("reload of a bad list: exit %d\n%s", code, stderr)
	}
	if got := d.askFrom("127.5.0.2", "example.coop"); !strings.Contains(got, "access denied") {
		t.Errorf("after a bad list a denied client gets\n%s", got)
	}
	write("127.9.0.0/16 deny\n")
	d.within("the list is read again", func() error {
		if got := d.askFrom("127.5.0.3", "help"); strings.Contains(got, "access denied") {
			return fmt.Errorf("still denied")
		}
		return nil
	})
}

func TestLimitCommands(t *testing.T) {
	names := contactNames(t)
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_DAY=10", "RDDSD_RATELIMIT_FREE=0")
	for i := range 8 {
		d.showsContacts("127.1.0.1", names[i], false)
	}
	socket := filepath.Join(d.dir, "admin.sock")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"limits", "top"}, "127.1.0.1/32  0        3         0         day"},
		{[]string{"limits", "explain", "127.1.0.1"}, "127.1.0.1/32"},
		{[]string{"limits", "explain", "127.1.0.1"}, "it asked for 8.0 new objects with contact values lately"},
		{[]string{"limits", "try", "127.1.0.1", names[20]}, "without contact values: limit day 127.1.0.1/32"},
		{[]string{"limits", "try", "127.1.0.1", names[0]}, "would get it in full"},
		{[]string{"limits", "unblock", "127.1.0.1", "--reason", "an office"}, "unblocked"},
		{[]string{"limits", "try", "127.1.0.1", names[20]}, "would get it in full"},
	} {
		if got := mustRun(t, append(test.args, "--socket", socket)...); !strings.Contains(got, test.want) {
			t.Errorf("rddsd %s prints\n%swant %q", strings.Join(test.args, " "), got, test.want)
		}
	}
	if out := d.out.String(); !strings.Contains(out, "127.1.0.0/24") || strings.Contains(out, "127.1.0.1") {
		t.Errorf("the log tells whole addresses, or no network:\n%s", out)
	}
	for _, args := range [][]string{{"limits", "explain", "nobody"}, {"limits", "unblock", "127.77.0.1", "--reason", "x"}} {
		if _, _, code := run(t, append(args, "--socket", socket)...); code != 1 {
			t.Errorf("rddsd %s ends with %d, want 1", strings.Join(args, " "), code)
		}
	}
}

func TestWithhold(t *testing.T) {
	d := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_MODE=off")
	shown := func() bool {
		return d.showsContacts("127.0.0.1", "published.coop", false) && strings.Contains(func() string { _, body := d.rdapFrom("127.0.0.1", "/domain/published.coop"); return body }(), `"email"`)
	}
	if !shown() {
		t.Fatal("published.coop shows no contact value")
	}
	socket := filepath.Join(d.dir, "admin.sock")
	mustRun(t, "withhold", "published.coop", "--reason", "a threat, ticket 4711", "--until", "72h", "--socket", socket)
	if shown() {
		t.Error("withheld values are shown")
	}
	d.kill()
	d.start()
	d.waitReady()
	if shown() {
		t.Error("after kill -9 withheld values are shown")
	}
	mustRun(t, "release", "published.coop", "--reason", "over", "--socket", socket)
	if !shown() {
		t.Error("after the release published.coop shows no contact value")
	}
	if _, stderr, code := run(t, "withhold", "published.coop", "--socket", socket); code != 2 || !strings.Contains(stderr, "a reason is needed") {
		t.Errorf("withhold without a reason: exit %d\n%s", code, stderr)
	}
}

// A damaged state is set aside, and then nothing is shown that the guard should know.
func TestDamagedLimits(t *testing.T) {
	dir := t.TempDir()
	names := contactNames(t)
	d := startDaemon(t, dir)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "limits.state")
	data, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(state, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.waitReady()
	if d.showsContacts("127.0.0.1", names[0], false) {
		t.Error("after a damaged state contact values are shown at once")
	}
	if _, err := os.Stat(state + ".damaged"); err != nil {
		t.Errorf("the damaged state was not set aside: %v", err)
	}
}
