package load

import "time"

// MaxKept is how many answers a run keeps at most: some 30 MB.
const MaxKept = 50_000

// Kept is an answer about a name of a registry that changes meanwhile. What it
// should have said is known only once the changes are.
type Kept struct {
	Name            string
	Asked, Answered time.Time // when it was due to be asked, and when it was whole

	said    statement
	counted Outcome
	sent    string // how it was asked, for people
}

// Against holds the answer against one thing that the registry said. It returns
// the class of the answer, or Wrong if it says something else, and then what.
func (k *Kept) Against(e *Expectation) (Outcome, string) { return k.said.against(e) }

// Settle counts k, an answer of this result, for what it was found to be: Wrong, for
// a reason, or Degraded, which only a checked answer can tell.
func (r *Result) Settle(k *Kept, outcome Outcome, why string) {
	if outcome != Wrong && outcome != Degraded || outcome == k.counted {
		return
	}
	r.Outcomes[k.counted]--
	r.Outcomes[outcome]++
	if outcome == Wrong && r.Outcomes[Wrong] == 1 {
		r.Examples = append(r.Examples, outcome.String()+": asked "+k.sent+": "+why)
	}
}
