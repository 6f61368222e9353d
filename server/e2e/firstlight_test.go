package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFirstLight is the README's first minute: start without any configuration,
// ask with real clients, change the registry, see the new answer.
func TestFirstLight(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rddsd-data")
	for _, first := range []bool{true, false} {
		d := newDaemon(t, dir)
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		d.start()
		d.within("the first answer", func() error {
			answer, err := d.ask("example.coop")
			if err == nil && !strings.Contains(answer, "Domain Name: example.coop\r\n") {
				err = fmt.Errorf("answer is %q", answer)
			}
			return err
		})
		t.Logf("first start %v: first answer after %v", first, time.Since(begun).Round(time.Millisecond))
		d.within("what to try is printed", func() error {
			if got := d.out.String(); !strings.Contains(got, "whois -h 127.0.0.1") || !strings.Contains(got, "curl http://") {
				return fmt.Errorf("the output is\n%s", got)
			}
			return nil
		})

		answer := d.mustAsk("example.coop")
		for _, line := range []string{
			"Registrar: Example Registrar Limited", "Registrar IANA ID: 9995", "DNSSEC: signedDelegation",
			"Name Server: ns1.example.coop", "Name Server: ns2.example.net", "Registrant Name: REDACTED FOR PRIVACY",
			">>> Last update of WHOIS database: ",
		} {
			if !strings.Contains(answer, line) {
				t.Errorf("WHOIS example.coop lacks %q:\n%s", line, answer)
			}
		}
		status, body := d.rdap("/domain/example.coop")
		if status != 200 || body["ldhName"] != "example.coop" || body["objectClassName"] != "domain" {
			t.Errorf("RDAP example.coop: %d %v", status, body)
		}
		if answer := d.mustAsk("unregistered.coop"); !strings.HasPrefix(answer, "Domain not found.\r\n") {
			t.Errorf("WHOIS unregistered.coop:\n%s", answer)
		}
		if status, _ := d.rdap("/domain/unregistered.coop"); status != 404 {
			t.Errorf("RDAP unregistered.coop: %d", status)
		}
		if answer := d.mustAsk("reserved.coop"); !strings.HasPrefix(answer, "Reserved by Registry\r\n") {
			t.Errorf("WHOIS reserved.coop:\n%s", answer)
		}
		if err := d.stop(); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
	}
}

// TestChangeIsAnsweredWithinASecond changes the embedded registry with the
// sqlite3 program. Polls are ten minutes apart: the change itself wakes the edge. The
// machine may stand still now and then, so the quickest of five answers counts.
func TestChangeIsAnsweredWithinASecond(t *testing.T) {
	needs(t, "sqlite3")
	d := startDaemon(t, t.TempDir(), "RDDSD_FEED_POLL_INTERVAL=10m", "RDDSD_RATELIMIT_MODE=off")
	registry := filepath.Join(d.dir, "registry.sqlite")

	var took []time.Duration
	for round := range 5 {
		name := fmt.Sprintf("Renamed Registrar Co-operative %d", round)
		sqlite3(t, registry, "update registrar set name = '"+name+"' where clid = 'example';")
		committed := time.Now()
		d.within("both protocols tell the registrar's new name", func() error {
			if answer := d.mustAsk("example.coop"); !strings.Contains(answer, "Registrar: "+name+"\r\n") {
				return fmt.Errorf("WHOIS: %s", answer)
			}
			if _, text, err := d.get("http://" + d.http + "/domain/example.coop"); err != nil || !strings.Contains(text, name) {
				return fmt.Errorf("RDAP: %v %s", err, text)
			}
			return nil
		})
		took = append(took, time.Since(committed).Round(time.Millisecond))
	}
	t.Logf("commit to answer in both protocols: %v", took)
	if slices.Min(took) > time.Second {
		t.Errorf("no change was answered within a second: %v", took)
	}

	sqlite3(t, registry, `insert into domain (roid, name, clid, created, expires) values ('D900000001-COOP', 'free-for-this-test.coop', 'example', 1767225600000000, 1798761600000000);`)
	d.within("a new name is found", func() error {
		if answer := d.mustAsk("free-for-this-test.coop"); !strings.Contains(answer, "Domain Name: free-for-this-test.coop") {
			return fmt.Errorf("WHOIS: %s", answer)
		}
		if status, _ := d.rdap("/domain/free-for-this-test.coop"); status != 200 {
			return fmt.Errorf("RDAP: %d", status)
		}
		return nil
	})
}

// TestRealClients asks with what people have on their machines.
func TestRealClients(t *testing.T) {
	d := startDaemon(t, t.TempDir())
	host, port, err := net.SplitHostPort(d.whois)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		stdin string
		args  []string
		want  string
	}{
		{"Debian whois", "", []string{"whois", "-h", host, "-p", port, "example.coop"}, "Domain Name: example.coop"},
		{"Debian whois, disclaimer hidden", "", []string{"whois", "-H", "-h", host, "-p", port, "published.coop"}, "Domain Name: published.coop"},
		{"Debian whois, U-label", "", []string{"whois", "-h", host, "-p", port, "café.coop"}, "Domain Name: xn--caf-dma.coop"},
		{"Debian whois, a miss", "", []string{"whois", "-h", host, "-p", port, "unregistered.coop"}, "No match for \"unregistered.coop\"."},
		{"nc, bare LF", "example.coop\n", []string{"nc", "-w", "60", host, port}, "Domain Name: example.coop"},
		{"nc, no line end, half-close", "example.coop", []string{"nc", "-N", "-w", "60", host, port}, "Domain Name: example.coop"},
		{"nc, telnet CR NUL", "example.coop\r\x00", []string{"nc", "-w", "60", host, port}, "Domain Name: example.coop"},
		{"curl, plain", "", []string{"curl", "-sS", "http://" + d.http + "/domain/example.coop"}, `"ldhName":"example.coop"`},
		{"curl, TLS", "", []string{"curl", "-sSk", "https://" + d.https + "/domain/example.coop"}, `"ldhName":"example.coop"`},
		{"curl, TLS, verified by our certificate", "", []string{"curl", "-sS", "--cacert", filepath.Join(d.dir, "tls", "cert.pem"), "https://" + d.https + "/help"}, `"rdapConformance"`},
		{"curl, HEAD", "", []string{"curl", "-sSI", "http://" + d.http + "/domain/example.coop"}, "200 OK"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), needs(t, tt.args[0]), tt.args[1:]...)
			out := new(lockedBuffer)
			cmd.Stdout, cmd.Stderr = out, out
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			must(t, cmd.Start())
			_, _ = io.WriteString(in, tt.stdin)
			if tt.stdin == "" || strings.Contains(tt.name, "half-close") {
				in.Close()
			} else { // the client's side stays open until the answer is there
				for begun := time.Now(); !strings.Contains(out.String(), tt.want) && time.Since(begun) < patience; {
					time.Sleep(time.Millisecond)
				}
				in.Close()
			}
			if err := cmd.Wait(); !strings.Contains(out.String(), tt.want) {
				t.Errorf("%s: %v\nwant %q in\n%s", strings.Join(tt.args, " "), err, tt.want, out)
			}
		})
	}
}

// TestForeignDeposit serves what another registry's software deposited.
func TestForeignDeposit(t *testing.T) {
	for _, deposit := range []string{"example_full.xml", "nomulus_deposit_full.xml", "nomulus_deposit_full_out_of_order.xml", "nomulus_rde_deposit_full.xml"} {
		t.Run(deposit, func(t *testing.T) {
			dir := t.TempDir()
			mustRun(t, "registry", "import", "--from", "rde:"+abs(t, filepath.Join("../../cache/feed/rde/testdata", deposit)), "--to", "sqlite:"+filepath.Join(dir, "registry.sqlite"))
			d := startDaemon(t, dir)
			if answer := d.mustAsk("example1.test"); !strings.Contains(answer, "Domain Name: example1.test\r\n") {
				t.Errorf("WHOIS example1.test:\n%s", answer)
			}
			if status, body := d.rdap("/domain/example1.test"); status != 200 || body["ldhName"] != "example1.test" {
				t.Errorf("RDAP example1.test: %d %v", status, body)
			}
			if answer := d.mustAsk("nosuchname.test"); !strings.HasPrefix(answer, "Domain not found.") {
				t.Errorf("WHOIS nosuchname.test:\n%s", answer)
			}
		})
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}
