package load

import (
	"strings"
	"testing"
	"time"
)

// Answers about names that may have changed are kept, and settled later.
func TestRunKeepsWhatMayHaveChanged(t *testing.T) {
	for _, p := range []Protocol{WHOIS, RDAP} {
		o := short(serveText(t, whoisText), WHOIS)
		if p == RDAP {
			o = short(serveRDAP(t, rdapOptions{etags: true, gzip: true}), RDAP)
			o.HTTP.Gzip = true
		}
		o.Mix, o.Changes = mix(t, "mixed", p), true
		began := time.Now()
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		// The rest are misses, which nothing changes, registrars, hosts, help and junk.
		if n := int64(len(r.Kept)); n < r.Requests/5 || n > r.Checked || r.Checked < r.Requests/2 {
			t.Errorf("%s: of %d requests %d were checked, %d of them kept", p, r.Requests, r.Checked, n)
		}
		wrong, found := 0, r.Outcomes[Found]
		for i := range r.Kept {
			k := &r.Kept[i]
			if k.Asked.Before(began) || k.Answered.Before(k.Asked) || k.Answered.After(time.Now()) {
				t.Fatalf("%s: %s was asked for at %s and answered at %s", p, k.Name, k.Asked, k.Answered)
			}
			e, known := generated().Expect(Query{Kind: Hit, Name: k.Name})
			if outcome, why := k.Against(&e); !known || outcome == Wrong {
				t.Fatalf("%s: the answer about %s is wrong: %s", p, k.Name, why)
			}
			if e.Class == Found && e.Handle != "" && k.said.facts != nil {
				e.Handle = "another"
				outcome, why := k.Against(&e)
				if outcome != Wrong {
					t.Fatalf("%s: the answer about %s is %s against another handle", p, k.Name, outcome)
				}
				r.Settle(k, outcome, why)
				wrong++
			}
		}
		if wrong == 0 || r.Outcomes[Wrong] != int64(wrong) || r.Outcomes[Found] != found-int64(wrong) || len(r.Examples) != 1 {
			t.Errorf("%s: %d of %d found are settled as wrong: outcomes %v, examples %q", p, wrong, found, r.Outcomes, r.Examples)
		}
	}
}

// A run keeps no more than it may, and says so.
func TestRunKeepsNotTooMuch(t *testing.T) {
	run := &run{Options: short("127.0.0.1:9", WHOIS), empty: make(chan *interval, 1), until: time.Hour}
	run.Changes, run.Threads = true, 1
	run.empty <- newInterval()
	rec, w := newRecorder(run), newWire(&run.Options, newRandom(1, 0))
	rec.mayKeep = 3
	q := query{kind: Hit, isDomain: true, name: []byte("example.coop")}
	v := w.read(&q, []byte(whoisText("example.coop")), true)
	for range 5 {
		rec.answer(&q, w, &v, 1, 2)
	}
	if len(rec.now.kept) != 3 || rec.now.unkept != 2 || rec.now.checked != 3 || rec.now.outcomes[Found] != 5 {
		t.Errorf("%d kept, %d not, %d checked, outcomes %v", len(rec.now.kept), rec.now.unkept, rec.now.checked, rec.now.outcomes)
	}
	if told := run.remarks(&Result{Requests: 5, Unkept: 2, Lag: newHistogram(), Latency: newHistogram()}); !strings.Contains(strings.Join(told, "\n"), "2 answers") {
		t.Errorf("the remarks are %q", told)
	}
}
