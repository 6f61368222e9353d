package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rddsd/bench/load"
	"rddsd/bench/report"
)

// shown is what a server of this test says about a name.
type shown struct {
	handle, registrar, expires, organisation string // no handle = not found
}

func (s shown) text(name string) string {
	if s.handle == "" {
		return "Domain not found.\r\nNo match for \"" + name + "\".\r\n"
	}
	return fmt.Sprintf("Domain Name: %s\r\nRegistry Domain ID: %s\r\nRegistrar: %s\r\nRegistry Expiry Date: %s\r\nRegistrant Name: WITHHELD\r\n"+
		"Registrant Organization: %s\r\nDNSSEC: unsigned\r\n", name, s.handle, s.registrar, s.expires, s.organisation)
}

// serve starts a server that says so, until the test ends, and returns its address.
func serve(t *testing.T, says func(line string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			_, _ = conn.Write([]byte(says(strings.TrimSpace(line))))
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-served
	})
	return l.Addr().String()
}

// keptAnswer asks a server that says so about name.coop and returns its answer.
func keptAnswer(t *testing.T, says shown, before load.Expectation) *load.Kept {
	t.Helper()
	names, err := load.FromList("a test", []string{"name.coop"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := load.Run(t.Context(), load.Options{
		Target: serve(t, says.text), Names: names, Connections: 1, Count: 1, CheckEvery: 1, Changes: true,
		Expect: func(load.Query) (load.Expectation, bool) { return before, true },
	})
	if err != nil || len(r.Kept) != 1 || r.Checked != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	return &r.Kept[0]
}

// TestAnswersOfAChangingRegistry: an answer must be one whole state that the
// registry was in at the time, or a little before.
func TestAnswersOfAChangingRegistry(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	before := load.Expectation{
		Class: load.Found, Handle: "D1-COOP", Registrar: "Old", Expires: year(2030), Nameservers: []string{}, Signed: load.No,
		Organisation: "Ours", Registrant: "C1-COOP",
	}
	first := shown{"D1-COOP", "Old", "2030-01-01T00:00:00Z", "Ours"}
	// What the log says: how long before the answer, and what.
	type line struct {
		ago  time.Duration
		text string
	}
	const (
		moved    = `"domains":[{"name":"name.coop","exists":true,"roid":"D1-COOP","registrar_name":"New","registrant":"C1-COOP","expires":1924992000000000}]`
		deleted  = `"domains":[{"name":"name.coop","exists":false}]`
		waiting  = `"domains":[{"name":"name.coop","exists":true,"roid":"D2-COOP","statuses":["pendingCreate"]}]`
		another  = `"domains":[{"name":"another.coop","exists":false}]`
		handed   = `"contacts":[{"roid":"C2-COOP","org":"Theirs"}],"domains":[{"name":"name.coop","exists":true,"roid":"D1-COOP","registrar_name":"Old","registrant":"C2-COOP","expires":1893456000000000}]`
		withheld = `"contacts":[{"roid":"C1-COOP"}]`
		renamed  = `"contacts":[{"roid":"C1-COOP","org":"Renamed"}]`
	)
	second := shown{"D1-COOP", "New", "2031-01-01T00:00:00Z", "Ours"}
	for _, test := range []struct {
		name string
		says shown
		log  []line
		want load.Outcome
		why  string
	}{
		{"nothing has changed", first, nil, load.Found, ""},
		{"another name has changed", first, []line{{time.Hour, another}}, load.Found, ""},
		{"the new state", second, []line{{100 * time.Millisecond, moved}}, load.Found, ""},
		{"the old state, lately", first, []line{{time.Second, moved}}, load.Found, ""},
		{"the old state, of long ago", first, []line{{time.Minute, moved}}, load.Wrong, `registrar: the registry says "New", the answer "Old"`},
		{"a state of before the last change", second, []line{{time.Minute, moved}, {time.Second, deleted}}, load.Found, ""},
		{"a state that is to come", second, []line{{-time.Minute, moved}}, load.Wrong, "registrar"},
		{"half of each", shown{"D1-COOP", "New", "2030-01-01T00:00:00Z", "Ours"}, []line{{time.Second, moved}}, load.Wrong, "expiry date"},
		{"another handle", shown{"D9-COOP", "Old", "2030-01-01T00:00:00Z", "Ours"}, nil, load.Wrong, "handle"},
		{"deleted", shown{}, []line{{time.Second, deleted}}, load.NotFound, ""},
		{"never deleted", shown{}, []line{{time.Second, moved}}, load.Wrong, "the registry says found"},
		{"deleted long ago and shown", first, []line{{time.Minute, deleted}}, load.Wrong, "the registry says notfound"},
		{"to be created and shown", shown{"D2-COOP", "Old", "2030-01-01T00:00:00Z", ""}, []line{{time.Hour, waiting}}, load.Wrong, "the registry says reserved"},
		{"another registrant", shown{"D1-COOP", "Old", "2030-01-01T00:00:00Z", "Theirs"}, []line{{time.Minute, handed}}, load.Found, ""},
		{"the registrant of before", first, []line{{time.Minute, handed}}, load.Wrong, "organisation"},
		{"the registrant has another name", shown{"D1-COOP", "Old", "2030-01-01T00:00:00Z", "Renamed"}, []line{{time.Second, renamed}}, load.Found, ""},
		{"an organisation that nobody has", shown{"D1-COOP", "Old", "2030-01-01T00:00:00Z", "Nobody"}, []line{{time.Second, renamed}}, load.Wrong, "organisation"},
		{"withheld by now", shown{"D1-COOP", "Old", "2030-01-01T00:00:00Z", "WITHHELD"}, []line{{time.Second, withheld}}, load.Found, ""},
		{"withheld for nothing", shown{"D1-COOP", "Old", "2030-01-01T00:00:00Z", "WITHHELD"}, nil, load.Degraded, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := keptAnswer(t, test.says, before)
			var log strings.Builder
			for _, l := range test.log {
				at := k.Answered.Add(-l.ago)
				fmt.Fprintf(&log, `{"change":"x","before":%d,"after":%d,"serial":1,%s}`+"\n", at.UnixMicro(), at.Add(time.Millisecond).UnixMicro(), l.text)
			}
			path := filepath.Join(t.TempDir(), "churn.log")
			if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			c := newPast(func(load.Query) (load.Expectation, bool) { return before, true }, []*load.Result{{Kept: []load.Kept{*k}}})
			if err := c.read(path); err != nil {
				t.Fatal(err)
			}
			if outcome, why := c.judge(k); outcome != test.want || !strings.Contains(why, test.why) {
				t.Errorf("the answer is %s (%s), want %s (%s)", outcome, why, test.want, test.why)
			}
		})
	}
}

// A log that was not written to its end is an error, and not less to check.
func TestAnswersNeedTheWholeLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "churn.log")
	if err := os.WriteFile(path, []byte(`{"change":"x","before":1,`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newPast(nil, nil).read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("read() = %v, want an error that names %s", err, path)
	}
}

func TestChurnNeedsItsRddsd(t *testing.T) {
	for _, args := range [][]string{
		{"whois", "--churn", "5", "--target", "127.0.0.1:43"},
		{"compare", "null", "--churn", "5"},
	} {
		if _, _, err := bench(t, t.Context(), args...); err == nil || !strings.Contains(err.Error(), "--churn") {
			t.Errorf("bench %s: %v, want an error that tells of --churn", strings.Join(args, " "), err)
		}
	}
}

// TestEachRoundAsksAnew: a server that was asked the same just before answers from
// what is still at hand.
func TestEachRoundAsksAnew(t *testing.T) {
	names := filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(names, []byte("name.coop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var (
		mu    sync.Mutex
		asked = make(map[string]int)
	)
	address := serve(t, func(line string) string {
		mu.Lock()
		defer mu.Unlock()
		asked[line]++
		return shown{}.text(line)
	})
	args := append([]string{"compare", "a=" + address, "--names", names, "--mix", "misses", "--rounds", "2"}, shortly...)
	out, written, err := bench(t, t.Context(), append(args, "--connections", "1")...)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	// Each phase begins with one question of its own.
	if got := asked["name.coop"]; got != 4 {
		t.Errorf("there were %d phases, want 2 rounds with a warm-up each", got)
	}
	delete(asked, "name.coop")
	for line, times := range asked {
		if times > 1 {
			t.Fatalf("%s was asked for %d times", line, times)
		}
	}
	if n := written.Targets[0].Requests; int64(len(asked)) < n || !strings.Contains(out, "notfound "+report.Count(n)) {
		t.Errorf("%d names were asked for, %d requests were counted", len(asked), n)
	}
}
