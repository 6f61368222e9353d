package load

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Every way to ask gets answers that are all right, counts each once and leaves
// no second without figures.
func TestRun(t *testing.T) {
	const slow = 100 // queries a second: a busy machine under the race detector keeps up
	whois := serveText(t, whoisText)
	rdap := serveRDAP(t, rdapOptions{etags: true, gzip: true})
	secure := serveRDAP(t, rdapOptions{tls: true})
	for _, test := range []struct {
		name, target string
		protocol     Protocol
		mix          string
		change       func(*Options)
	}{
		{"whois", whois, WHOIS, "mixed", nil},
		{"whois by goroutines", whois, WHOIS, "mixed", func(o *Options) { o.Goroutines = true }},
		{"whois at a rate", whois, WHOIS, "ordinary", func(o *Options) { o.Rate = slow }},
		{"whois at a rate by goroutines", whois, WHOIS, "ordinary", func(o *Options) { o.Rate, o.Goroutines = slow, true }},
		{"whois by two threads", whois, WHOIS, "hits", func(o *Options) { o.Threads = 2 }},
		{"whois at a rate by two threads", whois, WHOIS, "idn", func(o *Options) { o.Threads, o.Rate = 2, slow }},
		{"whois after a warm-up", whois, WHOIS, "misses", func(o *Options) { o.Warmup = 200 * time.Millisecond }},
		{"whois from one address", whois, WHOIS, "harvest", func(o *Options) { o.Sources = 1 }},
		{"rdap", rdap, RDAP, "mixed", nil},
		{"rdap by goroutines", rdap, RDAP, "mixed", func(o *Options) { o.Goroutines = true }},
		{"rdap at a rate", rdap, RDAP, "ordinary", func(o *Options) { o.Rate = slow }},
		{"rdap, a connection a query", rdap, RDAP, "dropcatch", func(o *Options) { o.HTTP.PerQuery = true }},
		{"rdap, a connection a query by goroutines", rdap, RDAP, "hits", func(o *Options) { o.HTTP.PerQuery, o.Goroutines = true, true }},
		{"rdap compressed", rdap, RDAP, "ordinary", func(o *Options) { o.HTTP.Gzip = true }},
		{"rdap conditional", rdap, RDAP, "hits", func(o *Options) { o.Mix.Conditional = 0.5 }},
		{"rdap junk", rdap, RDAP, "junk", nil},
		{"rdap over TLS", secure, RDAP, "ordinary", func(o *Options) { o.HTTP.TLS = true }},
		{"rdap over TLS, resumed", secure, RDAP, "hits", func(o *Options) { o.HTTP.TLS, o.HTTP.PerQuery = true, true }},
		{"rdap over TLS, full handshakes", secure, RDAP, "hits", func(o *Options) { o.HTTP.TLS, o.HTTP.PerQuery, o.HTTP.FullHandshakes = true, true, true }},
		{"rdap over TLS at a rate", secure, RDAP, "hits", func(o *Options) { o.HTTP.TLS, o.Rate = true, slow }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			undisturbed(t, func(t testing.TB) {
				o := short(test.target, test.protocol)
				o.For = 750 * time.Millisecond // a slow machine under the race detector answers something too
				o.Mix = mix(t, test.mix, test.protocol)
				var progressed atomic.Int64
				o.Progress = func(Progress) { progressed.Add(1) }
				if test.change != nil {
					test.change(&o)
				}
				r, err := Run(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				var outcomes, kinds int64
				for i, n := range r.Outcomes {
					outcomes += n
					if Outcome(i).IsError() && n > 0 {
						t.Errorf("%d %s", n, Outcome(i))
					}
				}
				for _, n := range r.Kinds {
					kinds += n
				}
				if r.Requests == 0 || outcomes != r.Requests || kinds != r.Requests || r.Latency.TotalCount() != r.Requests {
					t.Errorf("%d requests, but %d outcomes, %d kinds, %d latencies", r.Requests, outcomes, kinds, r.Latency.TotalCount())
				}
				if r.InTime == 0 || r.InTime > r.Requests || r.QPS() <= 0 || r.Took != o.For || r.Partial {
					t.Errorf("%d of %d in time, %.0f a second for %s, partial %t", r.InTime, r.Requests, r.QPS(), r.Took, r.Partial)
				}
				if r.Checked < r.Requests/3 && test.mix != "junk" {
					t.Errorf("only %d of %d were checked", r.Checked, r.Requests)
				}
				if r.BytesIn < 10*r.Requests || r.BytesOut < 5*r.Requests || r.ClientCPU <= 0 || len(r.Series) == 0 || progressed.Load() == 0 {
					t.Errorf("%d bytes in, %d out, CPU %s, %d seconds, %d times progress", r.BytesIn, r.BytesOut, r.ClientCPU, len(r.Series), progressed.Load())
				}
				if wantLag := o.Rate > 0; (r.Lag.TotalCount() > 0) != wantLag {
					t.Errorf("lag of %d queries at the rate %g", r.Lag.TotalCount(), o.Rate)
				}
				if sent := float64(r.Requests); o.Rate > 0 && (sent < 0.97*o.Rate*o.For.Seconds() || sent > 1.03*o.Rate*o.For.Seconds()) {
					t.Errorf("%d requests at %g a second in %s", r.Requests, o.Rate, o.For)
				}
				switch connections := r.Connections; {
				case test.protocol == WHOIS || o.HTTP.PerQuery:
					// One that was opened just before measuring began may carry a query of just after.
					if connections < r.Requests-int64(o.Connections) {
						t.Errorf("%d connections for %d queries", connections, r.Requests)
					}
				case connections > int64(o.Connections):
					t.Errorf("%d connections, of which %d are kept", connections, o.Connections)
				}
				if test.name == "rdap conditional" && r.Outcomes[NotModified] == 0 {
					t.Error("no conditional request was answered by 304")
				}
				if resumes := r.Resumed > 0; resumes != (test.name == "rdap over TLS, resumed") {
					t.Errorf("%d of %d handshakes resumed", r.Resumed, r.Connections)
				}
				if r.Outcomes[Found] == 0 && strings.Contains("hits idn harvest ordinary mixed", test.mix) {
					t.Error("nothing was found")
				}
			})
		})
	}
}

// An answer that is well-formed and fast but not what the registry says fails the
// run, whatever is wrong with it.
func TestRunFindsWrongAnswers(t *testing.T) {
	change := func(old, new string) func(string) string {
		return func(line string) string { return strings.Replace(whoisText(line), old, new, 1) }
	}
	for _, test := range []struct {
		name, mix string
		answer    func(string) string
		want      string
	}{
		{"another name", "hits", change("Domain Name: ", "Domain Name: x"), "about"},
		{"another name is not there", "misses", change(`No match for "`, `No match for "x`), "about"},
		{"found is told as not found", "hits", func(string) string { return "Domain not found.\r\n" }, "the registry says found"},
		{"not found is told as found", "misses", func(line string) string { return foundText(line, &Expectation{}) }, "the registry says notfound"},
		{"not found is told as reserved", "misses", func(string) string { return "Reserved by Registry\r\n" }, "the registry says notfound"},
		{"handle", "hits", change("Domain ID: ", "Domain ID: 9"), "handle"},
		{"registrar", "hits", change("Registrar: ", "Registrar: Not "), "registrar"},
		{"creation", "hits", change("Creation Date: 2", "Creation Date: 1"), "creation date"},
		{"expiry", "hits", change("Expiry Date: 20", "Expiry Date: 21"), "expiry date"},
		{"a host is missing", "hits", change("Name Server: ", "Another: "), "name servers"},
		{"signed", "hits", change("DNSSEC: unsigned", "DNSSEC: signedDelegation"), "signed"},
		{"organisation", "hits", change("Organization: ", "Organization: Not "), "organisation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := short(serveText(t, test.answer), WHOIS)
			o.Mix, o.For = mix(t, test.mix, WHOIS), 200*time.Millisecond
			r, err := Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), o.Target) {
				t.Errorf("Run: %v; the error must name %s and tell of %q", err, o.Target, test.want)
			}
			if r == nil || r.Outcomes[Wrong] == 0 {
				t.Errorf("Run: result %+v must count wrong answers", r)
			}
		})
	}
}

// The same of RDAP. What is about another name is found out without a registry.
func TestRunFindsWrongBodies(t *testing.T) {
	for old, new := range map[string]string{
		`"ldhName":"`: `"ldhName":"x`, `"handle":"`: `"handle":"9`, `"eventDate":"2`: `"eventDate":"3`, `"ns1.example.coop"`: `"ns3.example.coop"`,
		`"delegationSigned":`: `"delegated":`, `,"text","Example Registrar`: `,"text","Registrar`, `"org",{},"text","`: `"org",{},"text","Not `,
		`{"`: `{"description":["it is reserved by the registry"],"objectClassName":"error"}{"`,
	} {
		for _, gzip := range []bool{false, true} {
			wrap := func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, status := rdapBody(r.URL.Path)
					body = []byte(strings.Replace(string(body), old, new, 1))
					if gzip {
						w.Header().Set("Content-Encoding", "gzip")
						body = deflate(body)
					}
					w.WriteHeader(status)
					_, _ = w.Write(body)
				})
			}
			list, err := FromList("a test", []string{"example.coop"})
			if err != nil {
				t.Fatal(err)
			}
			o := short(serveRDAP(t, rdapOptions{wrap: wrap}), RDAP)
			o.Names, o.For, o.HTTP.Gzip = list, 100*time.Millisecond, gzip
			if !gzip && strings.HasPrefix(new, `"ldhName`) {
				o.Expect = nil
			}
			r, err := Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), "are wrong") || r.Outcomes[Wrong] != r.Requests {
				t.Errorf("%s instead of %s, compressed %t: Run: %v, %v", new, old, gzip, r, err)
			}
		}
	}
}

// One wrong answer among thousands fails a run, whatever else is allowed.
func TestRunFailsByOneWrongAnswer(t *testing.T) {
	var asked atomic.Int64
	o := short(serveText(t, func(line string) string {
		if asked.Add(1) == 50 {
			return foundText("other.coop", &Expectation{})
		}
		return whoisText(line)
	}), WHOIS)
	o.AllowErrors = true
	r, err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "1 of") || r.Outcomes[Wrong] != 1 {
		t.Errorf("Run: %v, %v", r, err)
	}
}

// A sample is checked, not all.
func TestRunChecksASample(t *testing.T) {
	undisturbed(t, func(t testing.TB) {
		o := short(serveText(t, whoisText), WHOIS)
		o.CheckEvery = 10
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Checked < r.Requests/20 || r.Checked > r.Requests/8 {
			t.Errorf("%d of %d were checked, one in 10 should be", r.Checked, r.Requests)
		}
	})
}

// What a service says instead of an answer is counted apart.
func TestRunTellsOutcomesApart(t *testing.T) {
	withheld := func(line string) string {
		name, e := line, Expectation{}
		if known, ok := generated().Expect(Query{Name: line}); ok {
			e = known
		}
		e.Organisation = ""
		return foundText(name, &e)
	}
	status := func(code int) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		}
	}
	degraded := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, code := rdapBody(r.URL.Path)
			text := strings.Replace(string(body), "{", `{"remarks":[{"type":"object redacted due to authorization"}],`, 1)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(text))
		})
	}
	for _, test := range []struct {
		name   string
		target string
		p      Protocol
		want   Outcome
		fails  bool
	}{
		{"a limit", serveText(t, func(string) string { return "WHOIS LIMIT EXCEEDED - wait 38 seconds before the next query\r\n" }), WHOIS, Refused, false},
		{"contacts withheld", serveText(t, withheld), WHOIS, Degraded, false},
		{"busy", serveText(t, func(string) string { return "Server too busy, try again later.\r\n" }), WHOIS, Busy, true},
		{"unknown", serveText(t, func(string) string { return "Service temporarily unavailable, try again later.\r\n" }), WHOIS, Unknown, true},
		{"another TLD", serveText(t, func(string) string {
			return "Malformed request.\r\nThis server answers only for names that end in .test\r\n"
		}), WHOIS, OtherTLD, false},
		{"429", serveRDAP(t, rdapOptions{wrap: status(429)}), RDAP, Refused, false},
		{"503", serveRDAP(t, rdapOptions{wrap: status(503)}), RDAP, Unknown, true},
		{"500", serveRDAP(t, rdapOptions{wrap: status(500)}), RDAP, Failed, true},
		{"a remark", serveRDAP(t, rdapOptions{wrap: degraded}), RDAP, Degraded, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := short(test.target, test.p)
			o.For = 200 * time.Millisecond
			if test.want != Degraded {
				o.Expect = nil
			}
			r, err := Run(t.Context(), o)
			if (err != nil) != test.fails || r == nil {
				t.Fatalf("Run: result %v, error %v, want an error: %t", r, err, test.fails)
			}
			if share := float64(r.Outcomes[test.want]) / float64(r.Requests); share < 0.2 || test.want != Degraded && share < 1 {
				t.Errorf("%.0f %% of the answers are %s: %v", 100*share, test.want, r.Outcomes)
			}
			if test.want == Refused && !strings.Contains(strings.Join(r.Remarks, "\n"), "refusals") {
				t.Errorf("the remarks %q do not tell that refusals were measured", r.Remarks)
			}
		})
	}
}

// Whoever stops a run gets what was measured so far, at once.
func TestRunStopped(t *testing.T) {
	// hanging answers a hundred queries and then no more.
	hanging := func() string {
		var asked atomic.Int64
		return serveLines(t, func(conn net.Conn, line string) {
			if asked.Add(1) > 100 {
				hang(conn)
				return
			}
			_, _ = conn.Write([]byte(whoisText(line)))
		})
	}
	answering := func() string { return serveText(t, whoisText) }
	for _, test := range []struct {
		name       string
		target     func() string
		goroutines bool
		rate       float64
	}{
		{"closed loop", answering, false, 0},
		{"open loop", answering, false, 500},
		{"goroutines", answering, true, 0},
		{"goroutines at a rate", answering, true, 500},
		{"while it hangs", hanging, true, 0},
		{"while it hangs, at a rate", hanging, true, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			undisturbed(t, func(t testing.TB) {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				o := short(test.target(), WHOIS)
				o.For, o.Goroutines, o.Rate, o.Timeout = 30*time.Second, test.goroutines, test.rate, 20*time.Second
				began := time.Now()
				r, err := Run(ctx, o)
				if err != nil {
					t.Fatal(err)
				}
				if !r.Partial || r.Requests == 0 || r.Took > 5*time.Second || time.Since(began) > 5*time.Second {
					t.Errorf("partial %t, %d requests, took %s, returned after %s", r.Partial, r.Requests, r.Took, time.Since(began))
				}
				if r.Errors() > 0 {
					t.Errorf("outcomes %v: what was interrupted is no error of the target", r.Outcomes)
				}
			})
		})
	}
}

// What the warm-up asks is not counted, and neither is what began in it.
func TestRunWarmup(t *testing.T) {
	for _, goroutines := range []bool{false, true} {
		undisturbed(t, func(t testing.TB) {
			began := time.Now()
			var asked, early atomic.Int64
			target := serveText(t, func(line string) string {
				if time.Since(began) > 200*time.Millisecond || asked.Add(1) == 1 {
					return whoisText(line)
				}
				early.Add(1)
				time.Sleep(600*time.Millisecond - time.Since(began)) // into the time that is measured
				return "Server too busy, try again later.\r\n"
			})
			o := short(target, WHOIS)
			o.Warmup, o.For, o.Goroutines = 400*time.Millisecond, 500*time.Millisecond, goroutines
			r, err := Run(t.Context(), o)
			if err != nil {
				t.Fatalf("by goroutines %t: %v", goroutines, err)
			}
			if early.Load() == 0 || r.Outcomes[Busy] > 0 {
				t.Errorf("by goroutines %t: outcomes %v; of the warm-up's %d busy answers none counts", goroutines, r.Outcomes, early.Load())
			}
		})
	}
}

// Clients come from many addresses, and a rate does not run out of ports.
func TestRunSources(t *testing.T) {
	for _, goroutines := range []bool{false, true} {
		undisturbed(t, func(t testing.TB) {
			var (
				mu   sync.Mutex
				from = make(map[string]bool)
			)
			target := serveLines(t, func(conn net.Conn, line string) {
				host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
				mu.Lock()
				from[host] = true
				mu.Unlock()
				_, _ = conn.Write([]byte(whoisText(line)))
			})
			o := short(target, WHOIS)
			o.Goroutines = goroutines
			r, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			if len(from) < 50 || len(from) > 100 || from["127.0.0.1"] {
				t.Errorf("by goroutines %t: %d queries came from %d addresses, want most of 100", goroutines, r.Requests, len(from))
			}
			mu.Unlock()
		})
	}
}

// A run ends after Count queries.
func TestRunCount(t *testing.T) {
	target := serveText(t, whoisText)
	for _, goroutines := range []bool{false, true} {
		o := short(target, WHOIS)
		o.For, o.Count, o.Goroutines = 30*time.Second, 300, goroutines
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 300 || r.Took > 20*time.Second {
			t.Errorf("by goroutines %t: %d requests in %s, want 300", goroutines, r.Requests, r.Took)
		}
	}
}

// IPv6 has one address of loopback only.
func TestRunIPv6(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		// This host has none, and a run must say so.
		o := short("[::1]:43", WHOIS)
		if r, err := Run(t.Context(), o); err == nil || r != nil || !strings.Contains(err.Error(), "[::1]:43") {
			t.Errorf("Run on a host without IPv6: %v, %v; the error must name the target", r, err)
		}
		return
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answerRDAP(w, r, rdapOptions{}) })}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	for _, goroutines := range []bool{false, true} {
		o := short(listener.Addr().String(), RDAP)
		o.Goroutines, o.HTTP.PerQuery = goroutines, true
		if r, err := Run(t.Context(), o); err != nil || r.Requests == 0 {
			t.Errorf("by goroutines %t: %v, %v", goroutines, r, err)
		}
	}
}
