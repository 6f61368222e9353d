package lookup

import (
	"hash/maphash"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"rddsd/cache"
	"rddsd/ratelimit"
)

// Finder answers queries from a View. It is safe for concurrent use.
type Finder struct {
	policies atomic.Pointer[Policies]
	withheld atomic.Pointer[Withheld]
	canaries atomic.Pointer[Canaries]
	seed     maphash.Seed // of ratelimit.Ask.Object
}

// NewFinder returns a Finder under policies p.
func NewFinder(p *Policies) *Finder {
	f := &Finder{seed: maphash.MakeSeed()}
	f.policies.Store(p)
	return f
}

// SetPolicies makes p the policies of every later Find.
func (f *Finder) SetPolicies(p *Policies) { f.policies.Store(p) }

// Policies returns the policies in force.
func (f *Finder) Policies() *Policies { return f.policies.Load() }

// Find sets all of a to what view says to q at now, the edge's wall clock, which
// counts only for whether a miss may be told. It reads nothing but view, and
// allocates nothing once the slices of a have grown.
//
// What the View lacks is NotFound only while its misses are known and nothing
// that could be the object is in quarantine; else it is Unknown, whatever the
// kind (whois.md Q-17).
func (f *Finder) Find(view *cache.View, q *Query, now time.Time, a *Answer) {
	// What cannot be read of a base file, because the disk is faulty, would else end
	// the process: so it is a panic, here and in rendering, which the caller answers.
	debug.SetPanicOnFault(true)
	s := finding{f, f.policies.Load(), view, q, now, a}
	a.reset(view, s.policies.Default(view))
	a.policies = s.policies
	key := s.run()
	f.withhold(a, now)
	a.setULabels()
	a.AsOf = max(view.AsOf().Minute(), a.changed())
	a.Ask = ratelimit.Ask{
		// Kinds do not share keys: a name as a domain is another object than the
		// same name as a host.
		Object: maphash.String(f.seed, key) ^ uint64(a.Object+1)*0x9e3779b97f4a7c15,
		Shows:  a.shows(),
		Count:  1,
		Canary: f.canary(a),
	}
	if a.TLD != nil {
		a.Ask.TLD = a.TLD.Name
	}
	if a.Object == Nameservers {
		a.Ask.Count = max(1, len(a.Hosts))
	}
}

// finding is one run of Find. Its methods set the class and the object of the
// answer and return the key under which the limiter knows what was asked.
type finding struct {
	finder   *Finder
	policies *Policies
	view     *cache.View
	q        *Query
	now      time.Time
	a        *Answer
}

func (s *finding) run() (key string) {
	q := s.q
	switch q.Question {
	case AskName:
		return s.name()
	case AskDomain:
		return s.domain(q.Name)
	case AskNameserver:
		return s.nameserver(q.Name)
	case AskAddress:
		return s.address()
	case AskRegistrar:
		return s.registrarByName()
	case AskIANA:
		return s.registrarByIANA()
	case AskEntity:
		return s.entity()
	case AskROID:
		return s.roid()
	case AskContact:
		return s.contact()
	case AskHelp:
		s.a.Class = Help
	default:
		s.a.Class = Invalid
	}
	return ""
}

// name answers a name without a keyword (whois.md §3.2).
func (s *finding) name() string {
	name := s.q.Name
	if s.view.TLD(name) != nil {
		return s.invalid()
	}
	tld := s.view.TLDOf(name)
	switch {
	case tld == nil && s.q.Text != "":
		return s.registrarByName()
	case tld == nil:
		return s.otherTLD(name)
	case strings.IndexByte(name, '.') == len(name)-len(tld.Name)-1:
		return s.domain(name)
	}
	return s.nameserver(name)
}

// otherTLD answers for a name that is not registered under a TLD of ours.
func (s *finding) otherTLD(name string) string {
	s.a.Class, s.a.Object, s.a.Name = OtherTLD, Domain, name
	if !genuine(name) {
		return s.invalid()
	}
	return name
}

// invalid answers that the query is none; nothing of it is echoed.
func (s *finding) invalid() string {
	s.a.Class, s.a.Name = Invalid, ""
	return ""
}

// miss answers that there is no object, as far as that can be told.
func (s *finding) miss(key string, presence cache.Presence) string {
	s.a.Class = NotFound
	if presence == cache.Unknown || !s.view.MissKnown(s.now) {
		s.a.Class = Unknown
	}
	return key
}
