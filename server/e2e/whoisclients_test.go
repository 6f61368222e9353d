package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// nodeModules is a directory with the clients of npm: .ci/run clients makes it.
var nodeModules = flag.String("node-modules", "", "directory in which npm has installed whois, whoiser and whois-json")

// told is what a client makes of an answer.
type told struct {
	Read        string   `json:"read"` // registered, free, nothing, error
	Why         string   `json:"why"`
	Text        string   `json:"text"` // what the client hands on as it is
	Registrar   string   `json:"registrar"`
	Created     string   `json:"created"`
	Nameservers []string `json:"nameservers"`
}

// whoisClient is a program or library that people ask port 43 with.
type whoisClient struct {
	name string
	raw  bool // it sends what it is given, and hands on what it gets
	ask  func(t *testing.T, d *daemon, names []string) []told
}

// TestWHOISClients is A-06: what each client in the field makes of each class of
// answer. None may take a name that is not registered for one that is, nor the
// reverse.
func TestWHOISClients(t *testing.T) {
	clients := []whoisClient{
		{"Debian whois", true, eachByProgram("", "whois", "-h", "{host}", "-p", "{port}", "--", "{name}")},
		{"Debian whois -H", true, eachByProgram("", "whois", "-H", "-h", "{host}", "-p", "{port}", "--", "{name}")},
		{"nc", true, eachByProgram("{name}\n", "nc", "-N", "{host}", "{port}")},
		{"telnet", true, eachByProgram("{name}\r\n", "telnet", "{host}", "{port}")},
		{"python3-whois", false, byPython},
	}
	if *nodeModules != "" {
		clients = append(clients,
			whoisClient{"npm whois", true, byNode("whois")},
			whoisClient{"npm whoiser", false, byNode("whoiser")},
			whoisClient{"npm whois-json", false, byNode("whois-json")})
	}

	open := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_MODE=off")
	full := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_RATE=0.001", "RDDSD_RATELIMIT_BURST=1")
	full.mustAsk("example.coop")
	stale := startDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_MODE=off")
	stale.kill()
	if err := os.Rename(filepath.Join(stale.dir, "registry.sqlite"), filepath.Join(t.TempDir(), "away")); err != nil {
		t.Fatal(err)
	}
	stale = startDaemon(t, stale.dir, "RDDSD_RATELIMIT_MODE=off", "RDDSD_REGISTRY_SQLITE="+filepath.Join(stale.dir, "registry.sqlite"))
	off := newDaemon(t, t.TempDir(), "RDDSD_RATELIMIT_MODE=off")
	file := filepath.Join(off.dir, "rddsd.toml")
	must(t, os.WriteFile(file, []byte("[[tld]]\nname = \"coop\"\nport43 = false\n"), 0o600))
	off.start("--config", file)
	off.waitReady()

	classes := []struct {
		class, name string
		d           *daemon
		registered  bool
		says        string // what the answer begins with
	}{
		{"found, withheld", "example.coop", open, true, "Domain Name: example.coop\r\n"},
		{"found, published", "published.coop", open, true, "Domain Name: published.coop\r\n"},
		{"found, IDN", "xn--caf-dma.coop", open, true, "Domain Name: xn--caf-dma.coop\r\n"},
		{"found, no hosts", "nohosts.coop", open, true, "Domain Name: nohosts.coop\r\n"},
		{"found, pendingDelete", "leaving.coop", open, true, "Domain Name: leaving.coop\r\n"},
		{"found, old data", "example.coop", stale, true, "Domain Name: example.coop\r\n"},
		{"not found", "unregistered.coop", open, false, "Domain not found.\r\n"},
		{"unknown", "unregistered.coop", stale, false, "Service temporarily unavailable"},
		{"reserved", "reserved.coop", open, false, "Reserved by Registry\r\n"},
		{"invalid", "bad-.coop", open, false, "Malformed request.\r\n"},
		{"other TLD", "example.com", open, false, "Malformed request.\r\n"},
		{"WHOIS is off", "example.coop", off, false, "Malformed request.\r\n"},
		{"limited", "example.coop", full, false, "WHOIS LIMIT EXCEEDED"},
	}

	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "client")
	for _, c := range classes {
		fmt.Fprint(w, "\t", c.class)
		if got := c.d.mustAsk(c.name); !strings.HasPrefix(got, c.says) {
			t.Fatalf("%s: %s is answered\n%s", c.class, c.name, got)
		}
	}
	for _, client := range clients {
		fmt.Fprint(w, "\n", client.name)
		answers := map[*daemon][]told{}
		for _, d := range []*daemon{open, full, stale, off} {
			var names []string
			for _, c := range classes {
				if c.d == d {
					names = append(names, c.name)
				}
			}
			if answers[d] = client.ask(t, d, names); len(answers[d]) != len(names) {
				t.Fatalf("%s: %d answers to %d names", client.name, len(answers[d]), len(names))
			}
		}
		for _, c := range classes {
			got := answers[c.d][0]
			answers[c.d] = answers[c.d][1:]
			if client.raw {
				got.read()
			}
			fmt.Fprint(w, "\t", got.Read)
			if c.registered != (got.Read == "registered") {
				t.Errorf("%s reads %q, %s, as %s: %s", client.name, c.name, c.class, got.Read, got.Why)
			}
			if client.raw && got.Read == "free" && c.class != "not found" {
				t.Errorf("%s: a reader would take %q, %s, for free:\n%s", client.name, c.name, c.class, got.Text)
			}
			if !c.registered || t.Failed() {
				continue
			}
			want := fieldsOf(c.d.mustAsk(c.name))
			if got.Registrar != want.Registrar || got.Created != want.Created || !slices.Equal(got.Nameservers, want.Nameservers) {
				t.Errorf("%s reads of %s %+v, the answer says %+v", client.name, c.name, got, want)
			}
		}
	}
	fmt.Fprintln(w)
	w.Flush()
	t.Logf("what clients read:\n%s", &table)
}

// read judges the text that a client hands on by what people and scripts look
// for (whois.md §4).
func (a *told) read() {
	lower := strings.ToLower(a.Text)
	switch {
	case a.Read == "error":
	case strings.Contains(lower, "domain name: "):
		fields := fieldsOf(a.Text)
		a.Read, a.Registrar, a.Created, a.Nameservers = "registered", fields.Registrar, fields.Created, fields.Nameservers
	case strings.Contains(lower, "no match"), strings.Contains(lower, "not found"), strings.Contains(lower, "is free"):
		a.Read = "free"
	case strings.TrimSpace(lower) == "":
		a.Read, a.Why = "error", "it shows nothing"
	default:
		a.Read = "nothing"
	}
}

// fieldsOf returns what a test compares of the text of an answer.
func fieldsOf(text string) told {
	var f told
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if v, ok := strings.CutPrefix(line, "Registrar: "); ok {
			f.Registrar = v
		}
		if v, ok := strings.CutPrefix(line, "Creation Date: "); ok {
			f.Created = v
		}
		if v, ok := strings.CutPrefix(line, "Name Server: "); ok {
			f.Nameservers = append(f.Nameservers, v)
		}
	}
	slices.Sort(f.Nameservers)
	return f
}

// eachByProgram asks for one name a run. What it writes to stdin, if anything,
// and args hold {host}, {port} and {name}.
func eachByProgram(stdin string, args ...string) func(*testing.T, *daemon, []string) []told {
	return func(t *testing.T, d *daemon, names []string) []told {
		host, port, err := net.SplitHostPort(d.whois)
		if err != nil {
			t.Fatal(err)
		}
		program := needs(t, args[0])
		var answers []told
		for _, name := range names {
			fill := strings.NewReplacer("{host}", host, "{port}", port, "{name}", name)
			var filled []string
			for _, arg := range args[1:] {
				filled = append(filled, fill.Replace(arg))
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			cmd := exec.CommandContext(ctx, program, filled...)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(in, fill.Replace(stdin))
			if args[0] != "telnet" { // which hangs up at the end of its input, and ends with the connection
				_ = in.Close()
			}
			out, _ := cmd.CombinedOutput() // how it exits differs from client to client
			cancel()
			answers = append(answers, told{Text: string(out)})
		}
		return answers
	}
}

// byPython asks with Debian's python3-whois, through the program whois.
func byPython(t *testing.T, d *daemon, names []string) []told {
	host, port, err := net.SplitHostPort(d.whois)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %s -h %s -p %s \"$@\"\n", needs(t, "whois"), host, port)
	if err := os.WriteFile(filepath.Join(dir, "whois"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	// Debian's own Python has Debian's packages, whatever else is in the PATH.
	cmd := exec.CommandContext(t.Context(), needs(t, "/usr/bin/python3"), append([]string{"testdata/clients/ask.py"}, names...)...)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1", "PYTHONIOENCODING=utf-8")
	return readTold(t, cmd)
}

// byNode asks with a package of npm.
func byNode(client string) func(*testing.T, *daemon, []string) []told {
	return func(t *testing.T, d *daemon, names []string) []told {
		_, port, err := net.SplitHostPort(d.whois)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), needs(t, "node"), append([]string{"testdata/clients/ask.js", client, port}, names...)...)
		cmd.Env = append(os.Environ(), "NODE_PATH="+*nodeModules)
		return readTold(t, cmd)
	}
}

func readTold(t *testing.T, cmd *exec.Cmd) []told {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	var answers []told
	for line := range bytes.Lines(out) {
		var a told
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%s printed %q: %v", cmd, line, err)
		}
		answers = append(answers, a)
	}
	return answers
}
