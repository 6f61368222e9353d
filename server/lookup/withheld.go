package lookup

import "time"

// Withheld are the domains whose contact values an operator withholds at once,
// whatever the registry discloses (design.md §4). It does not change once it is in
// force.
type Withheld map[string]time.Time // by A-label: until when; the zero time = until it is taken back

// Canaries are names that the registry owns and nobody has a reason to ask for:
// who asks for several is copying the zone (ratelimit.Ask). By A-label.
type Canaries map[string]struct{}

// SetWithheld makes w what every later Find withholds.
func (f *Finder) SetWithheld(w Withheld) { f.withheld.Store(&w) }

// SetCanaries makes c the canaries of every later Find.
func (f *Finder) SetCanaries(c Canaries) { f.canaries.Store(&c) }

// withhold takes the contact values out of a if an operator withholds them at now.
// The answer stays found: it is the registry's own, of a holder who disclosed nothing.
func (f *Finder) withhold(a *Answer, now time.Time) {
	list := f.withheld.Load()
	if list == nil || len(*list) == 0 || a.Object != Domain || a.Class != Found {
		return
	}
	if until, ok := (*list)[a.Domain.Name]; ok && (until.IsZero() || now.Before(until)) {
		a.Registrant.Withhold()
		a.Tech.Withhold()
	}
}

// canary reports whether a is about a canary.
func (f *Finder) canary(a *Answer) bool {
	list := f.canaries.Load()
	if list == nil || len(*list) == 0 || a.Object != Domain || a.Class != Found {
		return false
	}
	_, ok := (*list)[a.Domain.Name]
	return ok
}
