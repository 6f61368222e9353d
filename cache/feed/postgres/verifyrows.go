package postgres

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// rows reads every row as an edge does, and checks what the contract says of
// them and of their references.
func (v *verifier) rows(dsn string) error {
	if err := v.snapshot(v.compareDomains); err != nil {
		return err
	}
	source, err := Open(dsn, time.Second)
	if err != nil {
		return err
	}
	defer source.Close()
	audit := &rowsAudit{
		verifier: v, examples: map[string]*example{}, seed: maphash.MakeSeed(),
		registrars: map[string]int{}, contacts: map[string]bool{}, hosts: map[string]bool{},
	}
	for kind := range audit.keys {
		audit.keys[kind] = map[uint64]struct{}{}
	}
	if _, _, err := source.Snapshot(v.ctx, audit.put); err != nil {
		return err
	}
	audit.finish()
	return nil
}

// compareDomains wants domain_all to be domain, and the next change by the clock
// to be in the future.
func (v *verifier) compareDomains() error {
	columns := strings.Join(contract.Columns[registry.KindDomain], ", ")
	// One pass over each tells that they are equal; only if not, all rows are
	// sorted.
	var sums [2]string
	for i, view := range [...]string{"domain", "domain_all"} {
		if err := v.conn.QueryRow(v.ctx, fmt.Sprintf("select count(*) || ' ' || coalesce(sum(hashtextextended(x::text, 0)), 0) from (select %s from rdds.%s) x",
			columns, view)).Scan(&sums[i]); err != nil {
			return err
		}
	}
	if sums[0] != sums[1] {
		if err := v.tellDomainsApart(columns); err != nil {
			return err
		}
	}
	late, err := v.texts("select key from rdds.domain_all where refresh_at <= now() order by 1 limit 3")
	if len(late) > 0 {
		v.wrong("rdds.domain", "refresh_at of %s lies in the past: an edge would read the row again in every poll", strings.Join(late, ", "))
	}
	return err
}

func (v *verifier) tellDomainsApart(columns string) error {
	for _, pair := range [][2]string{{"domain", "domain_all"}, {"domain_all", "domain"}} {
		var n int
		var first *string
		err := v.conn.QueryRow(v.ctx, fmt.Sprintf("select count(*), min(key) from (select %s from rdds.%s except all select %s from rdds.%s) x",
			columns, pair[0], columns, pair[1])).Scan(&n, &first)
		if err != nil {
			return err
		}
		if n > 0 && first != nil {
			v.wrong("rdds.domain_all", "%d rows of rdds.%s are not in rdds.%s, the first of them %s: a snapshot and a delta would tell different registries", n, pair[0], pair[1], *first)
		}
	}
	return nil
}

// rowsAudit checks rows as a snapshot brings them, in the order of their kinds.
// It keeps the keys of what can be referred to.
type rowsAudit struct {
	*verifier
	examples map[string]*example // by finding

	keys       [registry.Kinds]map[uint64]struct{} // hashes of those that came
	seed       maphash.Seed
	tlds       []registry.TLD
	registrars map[string]int  // clid -> IANA ID
	contacts   map[string]bool // ROID -> some domain refers to it
	hosts      map[string]bool

	registrar registry.Registrar
	contact   registry.Contact
	host      registry.Nameserver
	domain    registry.Domain
}

// example is a finding about rows, with the first keys that it holds for.
type example struct {
	where, what string
	keys        []string
	n           int
	remark      bool
}

func (a *rowsAudit) say(kind registry.Kind, key, what string, remark bool) {
	where := "rdds." + viewAll(kind)
	e := a.examples[where+what]
	if e == nil {
		e = &example{where: where, what: what, remark: remark}
		a.examples[where+what] = e
	}
	if e.n++; len(e.keys) < 3 {
		e.keys = append(e.keys, key)
	}
}

func (a *rowsAudit) put(c cache.Change) error {
	a.done.Rows++
	kind, key := c.Key.Kind, c.Key.Name
	hash := maphash.String(a.seed, key)
	if _, twice := a.keys[kind][hash]; twice {
		a.say(kind, key, "the key is not unique", false)
	}
	a.keys[kind][hash] = struct{}{}
	if c.Reject != "" {
		a.say(kind, key, rejects[c.Reject], false)
		return nil
	}
	bad := func(what string) { a.say(kind, key, what, false) }
	switch kind {
	case registry.KindTLD:
		var t registry.TLD
		if err := registry.DecodeTLD(c.Row, &t); err != nil {
			return err
		}
		a.tlds = append(a.tlds, t)
	case registry.KindRegistrar:
		if err := registry.DecodeRegistrar(c.Row, &a.registrar); err != nil {
			return err
		}
		a.registrars[key] = a.registrar.IANA
	case registry.KindContact:
		if err := registry.DecodeContact(c.Row, &a.contact); err != nil {
			return err
		}
		a.contacts[key] = false
		if _, known := a.registrars[a.contact.Registrar]; !known {
			bad("the registrar is not in rdds.registrar")
		}
	case registry.KindHost:
		if err := registry.DecodeNameserver(c.Row, &a.host); err != nil {
			return err
		}
		a.hosts[key] = true
		if _, known := a.registrars[a.host.Registrar]; !known {
			bad("the registrar is not in rdds.registrar")
		}
		if !slices.IsSorted(a.host.V4) || !slices.IsSorted(a.host.V6) {
			a.say(kind, key, `addresses are not in "C" order: equal states give rows that differ`, true)
		}
	case registry.KindDomain:
		if err := registry.DecodeDomain(c.Row, &a.domain); err != nil {
			return err
		}
		a.checkDomain(key, bad)
	}
	return nil
}

func (a *rowsAudit) checkDomain(key string, bad func(string)) {
	d := &a.domain
	tld := a.tldOf(key)
	iana, known := a.registrars[d.Registrar]
	switch {
	case tld == nil:
		bad("no key of rdds.tld ends the name")
	case !known:
		bad("the registrar is not in rdds.registrar")
	case tld.GTLD && iana == 0:
		bad("the TLD is a gTLD and the registrar has no iana_id (registrar_without_iana_id)")
	}
	refer := func(roid, role string) {
		if _, known := a.contacts[roid]; !known {
			bad("the " + role + " is not in rdds.contact")
			return
		}
		a.contacts[roid] = true
	}
	if d.Registrant != "" {
		refer(d.Registrant, "registrant")
	}
	for _, roid := range d.Tech {
		refer(roid, "technical contact")
	}
	for _, roid := range d.Hosts {
		if !a.hosts[roid] {
			bad("a name server is not in rdds.host")
		}
	}
	if !slices.IsSorted(d.Tech) || !slices.IsSorted(d.Hosts) {
		a.say(registry.KindDomain, key, `tech or hosts are not in "C" order: equal states give rows that differ`, true)
	}
}

// tldOf returns the longest TLD that ends name.
func (a *rowsAudit) tldOf(name string) *registry.TLD {
	var best *registry.TLD
	for i := range a.tlds {
		if t := &a.tlds[i]; strings.HasSuffix(name, "."+t.Name) && (best == nil || len(t.Name) > len(best.Name)) {
			best = t
		}
	}
	return best
}

func (a *rowsAudit) finish() {
	for key, used := range a.contacts {
		if !used {
			a.say(registry.KindContact, key, "no published domain refers to the contact as registrant or technical contact: it must not be shown", false)
		}
	}
	findings := make([]*example, 0, len(a.examples))
	for _, e := range a.examples {
		findings = append(findings, e)
	}
	slices.SortFunc(findings, func(x, y *example) int { return strings.Compare(x.where+x.what, y.where+y.what) })
	for _, e := range findings {
		slices.Sort(e.keys)
		report := a.wrong
		if e.remark {
			report = a.remark
		}
		report(e.where, "%s: %s%s", e.what, strings.Join(e.keys, ", "), more(e.n-len(e.keys)))
	}
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// rejects says for people why a row cannot be published.
var rejects = map[registry.Reject]string{
	registry.RejectName:    "the name is no lower-case LDH name without a trailing dot (bad_name)",
	registry.RejectDate:    "a date is missing or outside 1970 to 9999 (bad_date)",
	registry.RejectStatus:  "a status is none of EPP's and RGP's (unknown_status)",
	registry.RejectElement: "redacted has a word that is no element, or names one whose value the row gives (unknown_element)",
	registry.RejectAddress: "an address is no IPv4 or IPv6 address, or stands in the other's column (bad_address)",
	registry.RejectDS:      "a DS record is not KEYTAG ALG DIGESTTYPE HEX (bad_ds)",
	registry.RejectText:    "a text is too long or not UTF-8 (bad_text)",
	registry.RejectKey:     "the key is empty (bad_key)",
	registry.RejectForm:    "a value is null or has another form than its column's (bad_form)",
}
