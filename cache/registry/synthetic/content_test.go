package synthetic

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"rddsd/cache/registry"
)

func TestFixedObjects(t *testing.T) {
	for _, p := range []Params{{Names: 1, Seed: 1}, {Names: 100, Seed: 2, TLD: "test", ROIDSuffix: "TST"}, {Names: 5000, Seed: 3, TLD: "co.example"}} {
		g := mustNew(t, p)
		a := collect(t, g)
		tld := "." + g.TLD
		domain := func(label string) Domain {
			d, ok := a.domains[label+tld]
			if !ok {
				t.Fatalf("%+v: %s%s is not registered", p, label, tld)
			}
			return d
		}
		hosts := []string{"ns1.example" + tld, "ns2.example.net"}
		shown := map[string]registry.Status{
			"example":     registry.ClientTransferProhibited | registry.ServerDeleteProhibited,
			"published":   registry.OK,
			"xn--caf-dma": registry.ClientTransferProhibited,
			"nohosts":     registry.Inactive,
			"hold":        registry.ClientHold | registry.ClientTransferProhibited,
			"leaving":     registry.PendingDelete | registry.RedemptionPeriod,
		}
		for label, want := range shown {
			d := domain(label)
			if got := d.Shown(); got != want {
				t.Errorf("%s%s shows %q, want %q", label, tld, got.Names(), want.Names())
			}
			if d.Registrar != Protected {
				t.Errorf("%s%s is sponsored by %s, want %s", label, tld, d.Registrar, Protected)
			}
			if label != "nohosts" && !slices.Equal(d.HostNames, hosts) {
				t.Errorf("%s%s has hosts %q, want %q", label, tld, d.HostNames, hosts)
			}
		}
		if d := domain("xn--caf-dma"); d.UName != "caf\u00e9"+tld {
			t.Errorf("xn--caf-dma has U-label name %q", d.UName)
		}
		if d := domain("example"); len(d.DS) == 0 {
			t.Error("example is not signed")
		}

		registrant := a.contacts[domain("example").Registrant]
		if registrant.Org == "" || registrant.SP == "" || registrant.CC == "" || registrant.Discloses() != registry.ElementOrg || registrant.Redacted != heldElements {
			t.Errorf("registrant of example: %+v, want organisation, state and country alone", registrant)
		}
		tech := a.contacts[domain("example").Tech[0]]
		if tech.Discloses() != 0 || tech.Redacted == 0 {
			t.Errorf("technical contact of example: %+v, want everything withheld", tech)
		}
		for _, roid := range append(domain("published").Tech, domain("published").Registrant) {
			c := a.contacts[roid]
			if got, want := c.Discloses(), registry.Element(1<<11-1); got != want || c.Handle == "" || c.Redacted != 0 {
				t.Errorf("contact %s of published: %+v, discloses %q, want every element", roid, c, got.Names())
			}
		}
		if r := a.registrars[Protected]; r.IANA != 9995 || r.Name != "Example Registrar Limited" {
			t.Errorf("fixed registrar: %+v", r)
		}
		host := a.hosts[domain("example").Hosts[0]]
		if !slices.Equal(host.V4, []string{"198.41.0.4"}) || !slices.Equal(host.V6, []string{"2001:503:ba3e::2:30"}) {
			t.Errorf("ns1.example%s has %q, %q", tld, host.V4, host.V6)
		}
		if r, ok := a.reserved["reserved"+tld]; !ok || r.Reason != registry.ReasonReserved {
			t.Errorf("reserved%s: %+v, %v", tld, r, ok)
		}
		protected := 0
		for _, d := range a.domains {
			if d.Registrar == Protected {
				protected++
			}
		}
		if protected != fixedNames {
			t.Errorf("registrar %s sponsors %d names, want the fixed %d", Protected, protected, fixedNames)
		}
	}
}

// TestEveryObjectMayBePublished checks 10^5 names and all that they refer to
// against the rules of the contract and of EPP.
func TestEveryObjectMayBePublished(t *testing.T) {
	g := mustNew(t, Params{Names: 100_000, Seed: 5})
	a := collect(t, g)
	for _, d := range a.domains {
		checkDomain(t, g, &d)
	}
	for _, c := range a.contacts {
		if reject := c.Check(); reject != "" {
			t.Errorf("contact %s: %s", c.ROID, reject)
		}
		if len(c.CC) != 2 {
			t.Errorf("contact %s has country %q", c.ROID, c.CC)
		}
		if both := c.Discloses() & c.Redacted; both != 0 {
			t.Errorf("contact %s discloses and withholds %q", c.ROID, both.Names())
		}
		if c.Email != "" && !strings.HasSuffix(c.Email, ".example") {
			t.Errorf("contact %s has the mailbox %q, want one under .example", c.ROID, c.Email)
		}
		if c.Name != "" && !strings.HasSuffix(c.Name, "Operations") && !strings.HasSuffix(c.Name, "Desk") && !slices.Contains(offices[:], c.Name) {
			t.Errorf("contact %s has the name %q, want a role", c.ROID, c.Name)
		}
	}
	for _, n := range a.hosts {
		if reject := n.Check(); reject != "" {
			t.Errorf("host %s: %s", n.ROID, reject)
		}
		inside := strings.HasSuffix(n.Name, "."+g.TLD)
		if inside != (len(n.V4)+len(n.V6) > 0) {
			t.Errorf("host %s has %d addresses", n.Name, len(n.V4)+len(n.V6))
		}
		for _, addr := range slices.Concat(n.V4, n.V6) {
			checkPublic(t, n.Name, netip.MustParseAddr(addr))
		}
	}
	names := map[string]string{}
	for _, r := range a.registrars {
		if reject := r.Check(); reject != "" {
			t.Errorf("registrar %s: %s", r.ClID, reject)
		}
		if r.URL == "" || r.RDAPURL == "" || r.AbuseEmail == "" || r.AbusePhone == "" || r.CC == "" || r.Email == "" || r.City == "" || len(r.Street) == 0 {
			t.Errorf("registrar %s lacks something: %+v", r.ClID, r)
		}
		if r.IANA != 9995 && r.IANA < firstIANA {
			t.Errorf("registrar %s has a real IANA ID: %d", r.ClID, r.IANA)
		}
		folded := registry.FoldName(r.Name)
		if other, twice := names[folded]; twice {
			t.Errorf("registrars %s and %s are found by the same name %q", r.ClID, other, folded)
		}
		names[folded] = r.ClID
	}
	for _, r := range a.reserved {
		if reject := r.Check(); reject != "" {
			t.Errorf("reserved %s: %s", r.Name, reject)
		}
		if _, ok := a.domains[r.Of]; r.Of != "" && !ok {
			t.Errorf("reserved %s is a variant of %s, which is not registered", r.Name, r.Of)
		}
	}
}

func checkDomain(t *testing.T, g *Registry, d *Domain) {
	t.Helper()
	if reject := d.Check(); reject != "" {
		t.Errorf("domain %s: %s", d.Name, reject)
	}
	label, _, _ := strings.Cut(d.Name, ".")
	if label == unregistered || label == "reserved" || strings.HasPrefix(label, "free-") {
		t.Errorf("%s is registered", d.Name)
	}
	if strings.HasPrefix(label, "xn--") != (d.UName != "") || (d.UName != "") != (d.IDNTable != "") {
		t.Errorf("%s has U-label name %q, table %q", d.Name, d.UName, d.IDNTable)
	}
	if d.UName != "" {
		if a, err := idna.Lookup.ToASCII(d.UName); err != nil || a != d.Name {
			t.Errorf("a look-up of %q leads to %q (%v), not to %s", d.UName, a, err, d.Name)
		}
	}
	p := d.Published(g.now)
	if fault := illegal(p.Shown()); fault != "" {
		t.Errorf("%s: %q: %s", d.Name, p.Shown().Names(), fault)
	}
	dates := []registry.Time{d.Created, d.Updated, d.Transferred}
	for _, at := range dates {
		if at > g.now || at != 0 && at < tldCreated || at%second != 0 {
			t.Errorf("%s: dates %v, now %s", d.Name, dates, g.now)
		}
	}
	if d.Updated != 0 && d.Updated < max(d.Created, d.Transferred) {
		t.Errorf("%s was updated at %s, before %s or %s", d.Name, d.Updated, d.Created, d.Transferred)
	}
	if d.Expires <= g.now && d.Statuses&registry.PendingDelete == 0 {
		t.Errorf("%s has expired at %s and is not leaving", d.Name, d.Expires)
	}
	for _, until := range []registry.Time{d.AddUntil, d.RenewUntil, d.AutoRenewUntil, d.TransferUntil} {
		if until != 0 && (until <= g.now || p.RefreshAt == 0 || p.RefreshAt > until) {
			t.Errorf("%s: a period ends at %s, refresh at %s, now %s", d.Name, until, p.RefreshAt, g.now)
		}
	}
	if len(d.DS) > 0 && len(d.Hosts) == 0 {
		t.Errorf("%s is signed and has no hosts", d.Name)
	}
}

// illegal says what RFC 5731 §2.3 and RFC 3915 forbid in a set of statuses that
// an answer shows.
func illegal(s registry.Status) string {
	const (
		pending = registry.PendingCreate | registry.PendingDelete | registry.PendingRenew | registry.PendingTransfer | registry.PendingUpdate
		grace   = registry.AddPeriod | registry.AutoRenewPeriod | registry.RenewPeriod | registry.TransferPeriod | registry.PendingRestore | registry.RedemptionPeriod
	)
	if s == 0 {
		return "no status"
	}
	if s&registry.OK != 0 && s&^(registry.OK|grace) != 0 {
		return "ok beside another EPP status"
	}
	if p := s & pending; p&(p-1) != 0 {
		return "two operations are pending"
	}
	for _, pair := range [][2]registry.Status{
		{registry.PendingDelete, registry.ClientDeleteProhibited | registry.ServerDeleteProhibited},
		{registry.PendingRenew, registry.ClientRenewProhibited | registry.ServerRenewProhibited},
		{registry.PendingTransfer, registry.ClientTransferProhibited | registry.ServerTransferProhibited},
		{registry.PendingUpdate, registry.ClientUpdateProhibited | registry.ServerUpdateProhibited},
	} {
		if s&pair[0] != 0 && s&pair[1] != 0 {
			return "pending and prohibited"
		}
	}
	restoring := s & (registry.RedemptionPeriod | registry.PendingRestore)
	switch {
	case restoring&(restoring-1) != 0:
		return "redemption and restore together"
	case restoring != 0 && s&registry.PendingDelete == 0:
		return "redemption or restore without pendingDelete"
	}
	return ""
}

func TestIllegalFindsEachFault(t *testing.T) {
	for _, s := range []registry.Status{
		0,
		registry.OK | registry.ClientHold,
		registry.OK | registry.Inactive,
		registry.PendingDelete | registry.PendingTransfer,
		registry.PendingDelete | registry.ServerDeleteProhibited,
		registry.PendingUpdate | registry.ClientUpdateProhibited,
		registry.PendingDelete | registry.RedemptionPeriod | registry.PendingRestore,
		registry.RedemptionPeriod,
	} {
		if illegal(s) == "" {
			t.Errorf("%q is found legal", s.Names())
		}
	}
}

// checkPublic wants an address that checks of RDAP accept: unicast, and in none
// of the special-purpose blocks.
func checkPublic(t *testing.T, host string, addr netip.Addr) {
	t.Helper()
	special := []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
	}
	for _, block := range special {
		if prefix := netip.MustParsePrefix(block); prefix.Contains(addr) && prefix.Bits() != 23 {
			t.Errorf("host %s has %s, in the special-purpose block %s", host, addr, block)
		}
	}
	if addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr) {
		t.Errorf("host %s has %s, outside the allocated unicast space", host, addr)
	}
}

func TestEdgeCases(t *testing.T) {
	g := mustNew(t, Params{Names: 100, Seed: 9})
	a := collect(t, g)
	for name, want := range map[string]string{
		"one character": "x", "two": "qz", "63 characters": strings.Repeat("abcdefghi", 7), "digits": "0123456789",
		"a leading digit": "1st-choice", "two hyphens": "double--hyphen", "sharp s": "xn--strae-oqa",
	} {
		if _, ok := a.domains[want+".coop"]; !ok {
			t.Errorf("%s: %s.coop is not registered", name, want)
		}
	}
	tables := map[string]bool{}
	joiners := map[rune]bool{}
	for _, d := range a.domains {
		tables[d.IDNTable] = true
		for _, r := range d.UName {
			joiners[r] = true
		}
	}
	for _, language := range foreignLanguages {
		if !tables[language.code] {
			t.Errorf("no name in the script of %s", language.file)
		}
	}
	if !joiners['\u200d'] || !joiners['\u200c'] {
		t.Error("no name with a zero width joiner, or none with a non-joiner")
	}
	for _, l := range g.given {
		if len(l.ascii) == 0 {
			t.Errorf("the edge case %q gives no A-label", l.unicode)
		}
	}
	if r := a.reserved["strasse.coop"]; r.Reason != registry.ReasonVariant || r.Of != "xn--strae-oqa.coop" {
		t.Errorf("strasse.coop: %+v, want a variant", r)
	}
	reasons := map[registry.Reason]bool{}
	for _, r := range a.reserved {
		reasons[r.Reason] = true
	}
	if len(reasons) != 4 {
		t.Errorf("reserved names of %d reasons, want 4", len(reasons))
	}
}

// TestShape holds the shares that testdata and benchmarks rely on within bands.
func TestShape(t *testing.T) {
	g := mustNew(t, Params{Names: 50_000, Seed: 11})
	a := collect(t, g)
	registrars, registrants, hosts := map[string]int{}, map[string]int{}, map[string]int{}
	share := map[string]int{}
	count := func(what string, yes bool) {
		if yes {
			share[what]++
		}
	}
	letters := 0
	for _, d := range a.domains {
		label, _, _ := strings.Cut(d.Name, ".")
		registrars[d.Registrar]++
		registrants[d.Registrant]++
		letters += len(label)
		count("IDN", d.UName != "")
		count("digits", d.UName == "" && strings.ContainsAny(label, "0123456789"))
		count("hyphen", d.UName == "" && strings.Contains(label, "-"))
		count("signed", len(d.DS) > 0)
		count("without hosts", len(d.Hosts) == 0)
		count("last year", d.Created > g.now-365*day)
		count("transfer prohibited", d.Statuses&registry.ClientTransferProhibited != 0)
		count("ok", d.Shown()&registry.OK != 0)
		count("pendingDelete", d.Statuses&registry.PendingDelete != 0)
		count("autoRenewPeriod", d.AutoRenewUntil != 0)
		count("tech", len(d.Tech) > 0)
		count("organisation", a.contacts[d.Registrant].Org != "" && d.Registrant != g.roid('C', firstPrivacy) && d.Registrant != g.roid('C', secondPrivacy))
		if len(d.HostNames) > 0 {
			_, provider, _ := strings.Cut(d.HostNames[0], ".")
			hosts[provider]++
		}
	}
	share["first registrar"] = registrars["reg-900001"]
	share["first provider"] = slices.Max(values(hosts))
	share["first privacy service"] = registrants[g.roid('C', firstPrivacy)]
	bands := map[string][2]float64{
		"IDN": {1.7, 2.4}, "digits": {10, 14}, "hyphen": {4, 9}, "signed": {4, 6}, "without hosts": {1.6, 2.5}, "last year": {23, 27},
		"transfer prohibited": {87, 92}, "ok": {5, 8}, "pendingDelete": {1, 1.5}, "autoRenewPeriod": {4, 6}, "tech": {28, 32},
		"organisation": {26, 40}, "first registrar": {17, 26}, "first provider": {17, 21}, "first privacy service": {4.5, 5.5},
	}
	for what, band := range bands {
		if percent := 100 * float64(share[what]) / float64(g.Names); percent < band[0] || percent > band[1] {
			t.Errorf("%s: %.2f %% of names, want %v to %v", what, percent, band[0], band[1])
		}
	}
	if mean := float64(letters) / float64(g.Names); mean < 9 || mean > 11.5 {
		t.Errorf("labels have %.1f characters on average, want about 10.1", mean)
	}
	single := 0
	for _, n := range registrants {
		if n == 1 {
			single++
		}
	}
	if percent := 100 * single / len(registrants); percent < 66 || percent > 74 {
		t.Errorf("%d %% of registrants have one name, want about 70", percent)
	}
}

func values(m map[string]int) []int {
	list := make([]int, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// TestZipfSharesAreExact shows that no share comes so near half a unit that the
// last bit of math.Pow, which may differ between machines, could move it.
func TestZipfSharesAreExact(t *testing.T) {
	for _, z := range []struct {
		n        int
		exponent float64
	}{{350, registrarExponent}, {4000, providerExponent}} {
		low, high := zipf(z.n, z.exponent*(1-1e-12)), zipf(z.n, z.exponent*(1+1e-12))
		if !slices.Equal(low, high) {
			t.Errorf("zipf(%d, %v) depends on the last bits of its exponent", z.n, z.exponent)
		}
	}
}

func TestNoLabelBeginsFree(t *testing.T) {
	for label, want := range map[string]string{"free-range": "frerange", "free": "fre", "freezer": "freezer", "free2": "free2", "carefree-x": "carefree-x"} {
		if got := string(withoutFree([]byte(label))); got != want {
			t.Errorf("withoutFree(%q) = %q, want %q", label, got, want)
		}
	}
	if got, want := string(appendSuffix([]byte(strings.Repeat("a", 59)+"-bcd"), 12345)), strings.Repeat("a", 57)+"-12345"; got != want {
		t.Errorf("a long label with a suffix: %q, want %q", got, want)
	}
}

func TestFictionFollowsItsSeed(t *testing.T) {
	draw := func(seed uint64) []string {
		f, err := NewFiction(seed)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for range 50 {
			ascii, unicode, table := f.Label()
			sp, cc := f.Region()
			v4, v6 := f.Glue()
			checkPublic(t, "fiction", netip.MustParseAddr(v4))
			checkPublic(t, "fiction", netip.MustParseAddr(v6))
			if !registry.ValidName(ascii) || len(cc) != 2 || !strings.HasSuffix(f.Mailbox(), ".example") {
				t.Errorf("label %q, country %q", ascii, cc)
			}
			list = append(list, ascii, unicode, table, sp, cc, v4, v6, f.Organisation(), f.RegistrarName(1), f.DS().Digest)
		}
		return list
	}
	if a, b := draw(1), draw(1); !slices.Equal(a, b) {
		t.Error("the same seed gives other values")
	}
	if a, b := draw(1), draw(2); slices.Equal(a, b) {
		t.Error("another seed gives the same values")
	}
}

func TestPublishedFollowsTheClock(t *testing.T) {
	d := Domain{Domain: registry.Domain{Statuses: registry.ClientHold}, AddUntil: 100, TransferUntil: 200}
	tests := []struct {
		now     registry.Time
		want    registry.Status
		refresh registry.Time
	}{
		{99, registry.ClientHold | registry.AddPeriod | registry.TransferPeriod, 100},
		{100, registry.ClientHold | registry.TransferPeriod, 200},
		{200, registry.ClientHold, 0},
	}
	for _, tt := range tests {
		if p := d.Published(tt.now); p.Statuses != tt.want || p.RefreshAt != tt.refresh {
			t.Errorf("Published(%d): %q, refresh at %d, want %q, %d", tt.now, p.Statuses.Names(), p.RefreshAt, tt.want.Names(), tt.refresh)
		}
	}
}
