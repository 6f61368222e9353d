package synthetic

import (
	"slices"

	"rddsd/cache/registry"
)

// Domain is a domain as the registry holds it. Statuses lack the periods that
// the clock ends; Published adds them.
type Domain struct {
	registry.Domain
	HostNames []string // of Hosts, in their order
	Admin     []string // ROIDs of administrative contacts, never published

	// The moments at which the clock ends a period (RFC 3915 §3.1); 0 = none.
	AddUntil       registry.Time
	RenewUntil     registry.Time
	AutoRenewUntil registry.Time
	TransferUntil  registry.Time
}

// Published returns what the contract's view gives of d at moment now. It
// shares d's lists.
func (d *Domain) Published(now registry.Time) registry.Domain {
	p := d.Domain
	for _, period := range [...]struct {
		until  registry.Time
		status registry.Status
	}{
		{d.AddUntil, registry.AddPeriod},
		{d.AutoRenewUntil, registry.AutoRenewPeriod},
		{d.RenewUntil, registry.RenewPeriod},
		{d.TransferUntil, registry.TransferPeriod},
	} {
		if period.until <= now {
			continue
		}
		p.Statuses |= period.status
		if p.RefreshAt == 0 || period.until < p.RefreshAt {
			p.RefreshAt = period.until
		}
	}
	return p
}

// domains makes names again, in rising order of their index.
type domains struct {
	g      *Registry
	names  labels
	owners registrants
	refs   []int
}

func (g *Registry) domains() *domains {
	return &domains{g: g, names: labels{g: g}, owners: registrants{g: g}}
}

func (g *Registry) eachDomain(put func(*Domain) error) error {
	var d Domain
	all := g.domains()
	for i := range g.Names {
		all.at(&d, i)
		if err := put(&d); err != nil {
			return err
		}
	}
	return nil
}

// at fills in name i.
func (all *domains) at(d *Domain, i int) {
	g := all.g
	plan := all.owners.next(i)
	l := all.names.at(i)
	*d = Domain{
		Domain: registry.Domain{
			Name: string(l.ascii) + "." + g.TLD, ROID: g.roid('D', i+1), IDNTable: l.table,
			Registrar: g.registrars[plan.registrar].ClID, Registrant: g.roid('C', plan.registrant),
			Tech: d.Tech[:0], Hosts: d.Hosts, DS: d.DS[:0],
		},
		HostNames: d.HostNames, Admin: d.Admin[:0],
	}
	if l.unicode != "" || g.tldUName != "" {
		d.UName = unicodeName(l, g.TLD, g.tldUName)
	}
	if plan.tech != 0 {
		d.Tech = append(d.Tech, g.roid('C', plan.tech))
	}
	if plan.admin != 0 {
		d.Admin = append(d.Admin, g.roid('C', plan.admin))
	}
	all.refs = g.hostList(d, i, all.refs)
	if i < fixedNames {
		g.fixedDomain(d, i)
		return
	}
	s := g.stream(forDomain, i)
	g.dates(&s, d)
	g.statuses(&s, d, g.life(i))
	if len(d.Hosts) > 0 {
		g.sign(&s, d)
	}
	if s.chance(resellerShare) {
		d.Reseller = g.words.english(&s) + " " + g.words.english(&s) + " Web Services"
	}
}

func unicodeName(l label, tld, tldUName string) string {
	left, right := l.unicode, tldUName
	if left == "" {
		left = string(l.ascii)
	}
	if right == "" {
		right = tld
	}
	return left + "." + right
}

// life draws what has happened to name i, apart from its dates.
func (g *Registry) life(i int) int {
	s := g.stream(forLife, i)
	return s.pick(g.lives)
}

// dates draws when the name was created, renewed, transferred and updated.
func (g *Registry) dates(s *stream, d *Domain) {
	d.Created = g.now - g.age(s)
	d.Expires = nextAnniversary(d.Created, g.now, g.term(s))
	age := g.now - d.Created
	if age < addPeriod {
		d.AddUntil = d.Created + addPeriod
		return
	}
	renewed := addYears(d.Expires, -1)
	switch {
	case renewed > d.Created && renewed <= g.now && g.now-renewed < autoRenewPeriod && s.chance(autoRenewShare):
		d.AutoRenewUntil, d.Updated = renewed+autoRenewPeriod, renewed
	case s.chance(renewShare):
		at := g.now - s.moment(renewPeriod)
		if at > d.Created {
			d.RenewUntil, d.Updated, d.Expires = at+renewPeriod, at, addYears(d.Expires, 1)
		}
	}
	const locked = 60 * day // after its creation a name is not transferred (ICANN transfer policy)
	if age < locked+transferPeriod {
		return
	}
	switch {
	case s.chance(movedShare):
		d.Transferred = g.now - s.moment(transferPeriod)
		d.TransferUntil = d.Transferred + transferPeriod
	case s.chance(transferredShare):
		d.Transferred = d.Created + locked + s.moment(age-locked)
	}
	d.Updated = max(d.Updated, d.Transferred)
	if s.chance(updatedShare) {
		d.Updated = max(d.Updated, d.Created+s.moment(age))
	}
}

// moment draws a number of whole seconds from one to span.
func (s *stream) moment(span registry.Time) registry.Time {
	return registry.Time(1+s.below(int(span/second))) * second
}

func (g *Registry) age(s *stream) registry.Time {
	if s.chance(newNamesShare) {
		return s.moment(365 * day)
	}
	span := g.now - tldCreated
	age := s.moment(ageHalfLife)
	for s.pcg.Uint64()&1 == 0 {
		age += ageHalfLife
	}
	if age >= span {
		return s.moment(span)
	}
	return age
}

func (g *Registry) term(s *stream) int {
	years, likelihood := terms()
	return years[s.pick(likelihood)]
}

// nextAnniversary returns the first anniversary of created after now, but none
// before the term of so many years.
func nextAnniversary(created, now registry.Time, years int) registry.Time {
	end := max(years, now.Std().Year()-created.Std().Year())
	if at := addYears(created, end); at > now {
		return at
	}
	return addYears(created, end+1)
}

func addYears(t registry.Time, years int) registry.Time {
	return registry.TimeOf(t.Std().AddDate(years, 0, 0))
}

// locks draws the prohibitions of a name without anything pending. The client's
// come together, as registrars set them.
func locks(s *stream) registry.Status {
	if s.chance(600) {
		return 0 // ok, alone
	}
	set := registry.ClientTransferProhibited
	if !s.chance(9575) {
		set = registry.ClientUpdateProhibited
	}
	if s.chance(3000) {
		set |= registry.ClientDeleteProhibited | registry.ClientUpdateProhibited
	}
	if s.chance(1915) {
		set |= registry.ClientRenewProhibited
	}
	if s.chance(160) {
		set |= registry.ClientHold
	}
	if s.chance(106) {
		set |= registry.ServerTransferProhibited
		if s.chance(6000) {
			set |= registry.ServerDeleteProhibited | registry.ServerUpdateProhibited
		}
	}
	if s.chance(5) {
		set |= registry.ServerRenewProhibited
	}
	if s.chance(42) {
		set |= registry.ServerHold
	}
	return set
}

// statuses draws a combination that EPP and RGP allow (RFC 5731 §2.3, RFC 3915
// §3.1): nothing pending beside a prohibition of the same operation.
func (g *Registry) statuses(s *stream, d *Domain, life int) {
	const (
		deletes   = registry.ClientDeleteProhibited | registry.ServerDeleteProhibited
		renewals  = registry.ClientRenewProhibited | registry.ServerRenewProhibited
		transfers = registry.ClientTransferProhibited | registry.ServerTransferProhibited
		updates   = registry.ClientUpdateProhibited | registry.ServerUpdateProhibited
	)
	set := locks(s)
	switch life {
	case lifeRedemption:
		d.Statuses = set&^deletes | registry.PendingDelete | registry.RedemptionPeriod
		g.leave(d, g.now-s.moment(redemption))
	case lifePendingDelete:
		d.Statuses = set&^deletes | registry.PendingDelete
		g.leave(d, g.now-s.moment(5*day))
	case lifePendingRestore:
		d.Statuses = set&^deletes | registry.PendingDelete | registry.PendingRestore
		g.leave(d, g.now-s.moment(7*day))
	case lifePendingCreate:
		d.Statuses = registry.PendingCreate
	case lifePendingTransfer:
		d.Statuses = set&^transfers | registry.PendingTransfer
	case lifePendingRenew:
		d.Statuses = set&^renewals | registry.PendingRenew
	case lifePendingUpdate:
		d.Statuses = set&^updates | registry.PendingUpdate
	default:
		d.Statuses = set
	}
}

// leave makes d a name whose deletion began, or went on, at moment at: its
// periods are over, and the year that an automatic renewal had added is taken
// back.
func (g *Registry) leave(d *Domain, at registry.Time) {
	if d.AutoRenewUntil != 0 {
		d.Expires = addYears(d.Expires, -1)
	}
	d.AddUntil, d.RenewUntil, d.AutoRenewUntil, d.TransferUntil = 0, 0, 0, 0
	d.Updated = max(d.Updated, d.Created, at)
}

// sign draws whether the delegation is signed, and its DS records.
func (g *Registry) sign(s *stream, d *Domain) {
	share := signedGTLDShare
	if g.country() {
		share = signedCCTLDShare
	}
	if !s.chance(share) {
		return
	}
	n := 1
	if s.chance(secondDSShare) {
		n = 2
	}
	for range n {
		d.DS = append(d.DS, s.ds())
	}
	slices.SortFunc(d.DS, func(a, b registry.DS) int { return int(a.KeyTag) - int(b.KeyTag) })
}

// ds draws a DS record.
func (s *stream) ds() registry.DS {
	algorithms, algorithmWeights := algorithms()
	types, typeWeights := digestTypes()
	ds := registry.DS{
		KeyTag: uint16(1 + s.below(65535)), Algorithm: algorithms[s.pick(algorithmWeights)], DigestType: types[s.pick(typeWeights)],
	}
	digits := 64 // SHA-256
	switch ds.DigestType {
	case 1:
		digits = 40 // SHA-1
	case 4:
		digits = 96 // SHA-384
	}
	digest := make([]byte, digits)
	for i := range digest {
		digest[i] = "0123456789ABCDEF"[s.below(16)]
	}
	ds.Digest = string(digest)
	return ds
}
