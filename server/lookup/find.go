package lookup

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
)

// Finder answers queries from a View. It is safe for concurrent use.
type Finder struct {
	policies atomic.Pointer[Policies]
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
	s := finding{f.policies.Load(), view, q, now, a}
	a.reset(view, s.policies.Default(view))
	key := s.run()
	a.AsOf = max(view.AsOf().Minute(), a.changed())
	a.Ask = ratelimit.Ask{
		// Kinds do not share keys: a name as a domain is another object than the
		// same name as a host.
		Object: maphash.String(f.seed, key) ^ uint64(a.Object+1)*0x9e3779b97f4a7c15,
		Shows:  a.shows(),
		Count:  max(1, len(a.Hosts)),
	}
	if a.Object == Domain {
		a.Ask.Count = 1
	}
}

// finding is one run of Find. Its methods set the class and the object of the
// answer and return the key under which the limiter knows what was asked.
type finding struct {
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
		return s.registrar(s.view.RegistrarByIANA(q.IANA))
	case AskEntity:
		return s.entity()
	case AskROID:
		return s.roid()
	case AskHelp:
		s.a.Class = Help
	default:
		s.a.Class = Invalid
	}
	return ""
}

// zone reports whether name is a zone of the registry itself.
func (s *finding) zone(name string) bool {
	for _, t := range s.view.TLDs() {
		if t.Name == name {
			return true
		}
	}
	return false
}

// name answers a name without a keyword (whois.md §3.2).
func (s *finding) name() string {
	name := s.q.Name
	if s.zone(name) {
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

// domain answers for name as a domain, reserved or not.
func (s *finding) domain(name string) string {
	a := s.a
	tld := s.view.TLDOf(name)
	if tld == nil || s.zone(name) {
		return s.otherTLD(name)
	}
	a.Object, a.Name, a.TLD, a.Policy = Domain, name, tld, s.policies.For(tld.Name)
	switch s.view.Domain(name, &a.Domain) {
	case cache.Present:
		return s.registered()
	case cache.Unknown:
		a.Class = Unknown
		return name
	}
	switch s.view.Reserved(name, &a.Reserved) {
	case cache.Present:
		a.Reserved.Of = "" // never told (whois.md Q-08)
		return s.reserved()
	case cache.Unknown:
		a.Class = Unknown
		return name
	}
	if strings.Contains(name, "_") || !genuine(name) {
		return s.invalid()
	}
	return s.miss(name, cache.Absent)
}

// registered completes the answer about a.Domain, which the View holds.
func (s *finding) registered() string {
	a, view := s.a, s.view
	d := &a.Domain
	if d.Statuses&registry.PendingCreate != 0 {
		// Its record would tell that the co-operative check is under way
		// (whois.md Q-07): the name is not free, and no more is said.
		a.resetDomain()
		a.Reserved = registry.Reserved{Name: a.Name}
		return s.reserved()
	}
	a.Registrar = view.Registrar(d.Registrar)
	if a.Registrar == nil || a.TLD.GTLD && a.Registrar.IANA == 0 {
		// Cannot be published without its sponsor (feed.md §7).
		a.Registrar, a.Class = nil, Unknown
		a.resetDomain()
		return a.Name
	}
	a.Class = Found
	if s.contacts() {
		if d.Registrant != "" {
			a.HasRegistrant = view.Contact(d.Registrant, &a.Registrant) == cache.Present
		}
		for _, roid := range d.Tech {
			a.addTech(view, roid)
		}
	}
	for _, roid := range d.Hosts {
		s.host(roid)
	}
	a.sortHosts()
	return d.Name
}

// contacts reports whether the registry holds contacts for a.Domain: the
// registrar's model, else the TLD's, unless the operator has set one (feed.md
// §2). A registrar without a model counts as minimum where each has its own.
func (s *finding) contacts() bool {
	a := s.a
	model := a.Policy.ContactModel
	if model == registry.ModelUnset {
		model = cmp.Or(a.Registrar.ContactModel, a.TLD.ContactModel)
	}
	if model == registry.ModelPerRegistrar {
		model = cmp.Or(a.Registrar.ContactModel, registry.ModelMinimum)
	}
	return model != registry.ModelMinimum
}

// reserved answers a name that is not registered and not free.
func (s *finding) reserved() string {
	if s.a.Policy.HideReserved {
		s.a.Reserved = registry.Reserved{}
		return s.miss(s.a.Name, cache.Absent)
	}
	s.a.Class = Reserved
	return s.a.Name
}

// miss answers that there is no object, as far as that can be told.
func (s *finding) miss(key string, presence cache.Presence) string {
	s.a.Class = NotFound
	if presence == cache.Unknown || !s.view.MissKnown(s.now) {
		s.a.Class = Unknown
	}
	return key
}

// nameserver answers for the host object called name.
func (s *finding) nameserver(name string) string {
	a := s.a
	a.Object, a.Name = Nameserver, name
	if tld := s.view.TLDOf(name); tld != nil {
		a.TLD, a.Policy = tld, s.policies.For(tld.Name)
	}
	h := a.addHost()
	presence := s.view.NameserverByName(name, &h.Nameserver)
	if presence == cache.Present {
		return s.foundHost(h)
	}
	a.Hosts = a.Hosts[:0]
	if !genuine(name) {
		return s.invalid()
	}
	return s.miss(name, presence)
}

// foundHost completes an answer about one host object.
func (s *finding) foundHost(h *Host) string {
	s.complete(h)
	s.a.Class = Found
	return h.ROID
}

// host adds the host object roid to the answer, if it is known.
func (s *finding) host(roid string) bool {
	h := s.a.addHost()
	if s.view.Nameserver(roid, &h.Nameserver) != cache.Present {
		s.a.Hosts = s.a.Hosts[:len(s.a.Hosts)-1]
		return false
	}
	s.complete(h)
	return true
}

func (s *finding) complete(h *Host) {
	h.Registrar = s.view.Registrar(h.Nameserver.Registrar)
	h.Linked = s.view.Linked(h.ROID)
}

// address answers for the host objects that have the address.
func (s *finding) address() string {
	a := s.a
	a.Object = Nameservers
	a.address = s.q.Addr.AppendTo(a.address[:0])
	a.Name = text(a.address)
	a.roids, a.More = s.view.NameserversAt(s.q.Addr, MaxNameservers, a.roids[:0])
	presence := s.view.Doubt(registry.KindHost)
	for _, roid := range a.roids {
		if !s.host(roid) {
			presence = cache.Unknown
		}
	}
	if len(a.Hosts) == 0 {
		return s.miss(a.Name, presence)
	}
	a.sortHosts()
	a.Class = Found
	return a.Name
}

// registrar answers with r, nil if there is none.
func (s *finding) registrar(r *registry.Registrar) string {
	a := s.a
	a.Object = Registrar
	if r == nil {
		return s.miss("", s.view.Doubt(registry.KindRegistrar))
	}
	a.Class, a.Registrar = Found, r
	return r.ClID
}

// roid answers for the domain or the host object with a ROID, as asked or in
// capitals. A contact's is not told from one that nothing has: those that have
// a contact's form are invalid, as contacts are not offered (whois.md §2.7).
func (s *finding) roid() string {
	a, asked := s.a, s.q.Text
	presence := cache.Absent
	a.key = append(a.key[:0], asked...)
	for range 2 {
		roid := text(a.key)
		found := s.view.DomainByROID(roid, &a.Domain)
		// A name in pendingCreate is not shown, so its ROID leads nowhere.
		if found == cache.Present && a.Domain.Statuses&registry.PendingCreate == 0 {
			a.Object, a.Name, a.TLD = Domain, a.Domain.Name, s.view.TLDOf(a.Domain.Name)
			a.Policy = s.policies.For(a.TLD.Name)
			return s.registered()
		}
		if found == cache.Unknown {
			presence = found
		}
		a.resetDomain()
		h := a.addHost()
		found = s.view.Nameserver(roid, &h.Nameserver)
		if found == cache.Present {
			a.Object, a.Name = Nameserver, h.Name
			if tld := s.view.TLDOf(h.Name); tld != nil {
				a.TLD, a.Policy = tld, s.policies.For(tld.Name)
			}
			return s.foundHost(h)
		}
		a.Hosts = a.Hosts[:0]
		if found == cache.Unknown {
			presence = found
		}
		upper(a.key)
	}
	switch kindOfROID(asked) {
	case 'c':
		return s.invalid()
	case 'h':
		a.Object = Nameserver
	default:
		a.Object = Domain
	}
	return s.miss(asked, presence)
}

// kindOfROID returns the letter, in lower case, that registries by custom begin
// or end the number in a ROID with: d for a domain, h for a host, c for a
// contact; 0 for none of these.
func kindOfROID(roid string) byte {
	local := roid
	if i := strings.LastIndexByte(roid, '-'); i > 0 {
		local = roid[:i]
	}
	for _, c := range [...]byte{local[0], local[len(local)-1]} {
		if isKind(c) {
			return c | 0x20
		}
	}
	return 0
}

func upper(b []byte) {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}

// sortHosts orders the hosts by name.
func (a *Answer) sortHosts() {
	slices.SortFunc(a.Hosts, func(x, y Host) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.ROID, y.ROID))
	})
}
