package load

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/idna"

	"rddsd/cache/registry/synthetic"
)

// generated returns the names of a small registry, all of which are known.
var generated = sync.OnceValue(func() *Names {
	g, err := synthetic.New(synthetic.Params{Names: 500, Seed: 1})
	if err != nil {
		panic(err)
	}
	n, err := FromRegistry(g)
	if err != nil {
		panic(err)
	}
	return n
})

// serveLines starts a server that reads a line and sends what answer returns, and
// returns its address. What answer does beyond that is its own affair.
func serveLines(t testing.TB, answer func(conn net.Conn, line string)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		conns = make(map[net.Conn]struct{})
	)
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[conn] = struct{}{}
			mu.Unlock()
			all.Go(func() {
				defer func() {
					mu.Lock()
					delete(conns, conn)
					mu.Unlock()
					conn.Close()
				}()
				line, err := bufio.NewReaderSize(conn, 16<<10).ReadString('\n')
				if err != nil {
					return
				}
				answer(conn, strings.TrimRight(line, "\r\n"))
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return listener.Addr().String()
}

// hang keeps a connection without a word until the other end closes it, or the
// test ends.
func hang(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// serveText starts a WHOIS server that sends text(line).
func serveText(t testing.TB, text func(line string) string) string {
	return serveLines(t, func(conn net.Conn, line string) { fmt.Fprint(conn, text(line)) })
}

// whoisText returns the right answer to a line, by the generated registry.
func whoisText(line string) string {
	kind, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "?":
		return "% help\r\n>>> Last update of WHOIS database: 2026-09-01T12:00:00Z <<<\r\n"
	case kind == "nameserver":
		return "Server Name: " + rest + "\r\n"
	case kind == "registrar":
		return "Registrar: " + rest + "\r\n"
	}
	name, err := idna.Lookup.ToASCII(line)
	if err != nil || name == "" || strings.ContainsAny(name, " /") || len(name) > 253 {
		return "Malformed request.\r\n"
	}
	e, known := generated().Expect(Query{Name: name})
	switch {
	case !known || e.Class == NotFound:
		return "Domain not found.\r\nNo match for \"" + name + "\".\r\n"
	case e.Class == Reserved:
		return "Reserved by Registry\r\n"
	}
	return foundText(name, &e)
}

func foundText(name string, e *Expectation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Domain Name: %s\r\nRegistry Domain ID: %s\r\nRegistrar: %s\r\n", name, e.Handle, e.Registrar)
	fmt.Fprintf(&b, "Creation Date: %s\r\nRegistry Expiry Date: %s\r\n", moment(e.Created), moment(e.Expires))
	organisation := e.Organisation
	if organisation == "" {
		organisation = "WITHHELD"
	}
	fmt.Fprintf(&b, "Registrant Name: WITHHELD\r\nRegistrant Organization: %s\r\n", organisation)
	for _, host := range e.Nameservers {
		fmt.Fprintf(&b, "Name Server: %s\r\n", host)
	}
	if e.Signed == Yes {
		b.WriteString("DNSSEC: signedDelegation\r\n")
	} else {
		b.WriteString("DNSSEC: unsigned\r\n")
	}
	return b.String()
}

// rdapOptions are how the RDAP server of a test differs from a plain one.
type rdapOptions struct {
	tls   bool
	etags bool
	gzip  bool
	wrap  func(http.Handler) http.Handler
}

// serveRDAP starts an RDAP server and returns its address.
func serveRDAP(t testing.TB, o rdapOptions) string {
	t.Helper()
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answerRDAP(w, r, o) })
	if o.wrap != nil {
		handler = o.wrap(handler)
	}
	s := httptest.NewUnstartedServer(handler)
	if o.tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func answerRDAP(w http.ResponseWriter, r *http.Request, o rdapOptions) {
	body, status := rdapBody(r.URL.Path)
	if o.etags && status == http.StatusOK {
		tag := fmt.Sprintf(`"%d"`, len(body))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if o.gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body = deflate(body)
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Type", "application/rdap+json")
	w.WriteHeader(status)
	// Half of the bodies are chunked: what is flushed has no length yet.
	if len(body)%2 == 0 {
		_ = http.NewResponseController(w).Flush()
	}
	_, _ = w.Write(body)
}

func deflate(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // memory does not fail
	_ = z.Close()
	return b.Bytes()
}

// rdapBody returns the right answer to a path, by the generated registry.
func rdapBody(path string) ([]byte, int) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch kind {
	case "help":
		return []byte(`{"rdapConformance":["rdap_level_0"]}`), http.StatusOK
	case "nameserver", "entity":
		return []byte(`{"objectClassName":"` + kind + `"}`), http.StatusOK
	}
	name, err := idna.Lookup.ToASCII(name)
	if err != nil || kind != "domain" || len(name) > 253 {
		return []byte(`{"errorCode":400}`), http.StatusBadRequest
	}
	e, known := generated().Expect(Query{Name: name})
	switch {
	case !known || e.Class == NotFound:
		return []byte(`{"errorCode":404}`), http.StatusNotFound
	case e.Class == Reserved:
		return []byte(`{"errorCode":404,"description":["The name is reserved by the registry and cannot be registered."]}`), http.StatusNotFound
	}
	return foundBody(name, &e), http.StatusOK
}

func foundBody(name string, e *Expectation) []byte {
	card := func(property, text string) []any {
		return []any{"vcard", []any{[]any{property, map[string]any{}, "text", text}}}
	}
	var hosts []any
	for _, host := range e.Nameservers {
		hosts = append(hosts, map[string]any{"objectClassName": "nameserver", "ldhName": host})
	}
	body, err := json.Marshal(map[string]any{
		"objectClassName": "domain", "ldhName": name, "handle": e.Handle,
		"events": []any{
			map[string]any{"eventAction": "registration", "eventDate": moment(e.Created)},
			map[string]any{"eventAction": "expiration", "eventDate": moment(e.Expires)},
		},
		"nameservers": hosts,
		"secureDNS":   map[string]any{"delegationSigned": e.Signed == Yes},
		"entities": []any{
			map[string]any{"objectClassName": "entity", "roles": []string{"registrar"}, "vcardArray": card("fn", e.Registrar)},
			map[string]any{"objectClassName": "entity", "roles": []string{"registrant"}, "vcardArray": card("org", e.Organisation)},
		},
	})
	if err != nil {
		panic(err)
	}
	return body
}

// short returns the options of a run that takes 0.25 s.
func short(target string, p Protocol) Options {
	return Options{
		Target: target, Protocol: p, Names: generated(), Seed: 1, Connections: 8, For: 250 * time.Millisecond,
		Timeout: 10 * time.Second, Sources: 100, Expect: generated().Expect, CheckEvery: 1,
	}
}

// mix returns a mix by name.
func mix(t testing.TB, name string, p Protocol) Mix {
	t.Helper()
	m, err := NewMix(name, p)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
