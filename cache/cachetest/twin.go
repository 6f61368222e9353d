package cachetest

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// Twin is what cache.View promises, written the slow obvious way: decoded
// objects in one map, every look-up a scan. Diff compares a View with it.
type Twin struct {
	Position  cache.Position
	AsOf      registry.Time
	MissUntil time.Time

	objects    map[cache.Key]any // *registry.TLD and so on
	rows       map[cache.Key]string
	keys       []cache.Key // of objects, in order
	quarantine map[cache.Key]registry.Reject
}

// NewTwin returns the Twin of the View that a Builder makes of changes, and the
// rejected rows.
func NewTwin(pos cache.Position, asOf registry.Time, missUntil time.Time, changes []cache.Change) (*Twin, []cache.Rejected) {
	t := &Twin{
		objects:    map[cache.Key]any{},
		rows:       map[cache.Key]string{},
		quarantine: map[cache.Key]registry.Reject{},
	}
	rejected := t.Apply(cache.Delta{To: pos, AsOf: asOf, Changes: changes}, missUntil)
	return t, rejected
}

// Clone returns a copy of t that Apply may change.
func (t *Twin) Clone() *Twin {
	c := *t
	c.objects, c.rows, c.quarantine = maps.Clone(t.objects), maps.Clone(t.rows), maps.Clone(t.quarantine)
	return &c
}

// Apply does to t what View.Apply does.
func (t *Twin) Apply(delta cache.Delta, missUntil time.Time) []cache.Rejected {
	t.Position, t.AsOf, t.MissUntil = delta.To, delta.AsOf, missUntil
	var rejected []cache.Rejected
	for kind := range registry.Kind(registry.Kinds) {
		for _, c := range delta.Changes {
			if c.Kind != kind {
				continue
			}
			object, reason := t.check(c)
			if reason != "" {
				if t.quarantine[c.Key] != reason {
					rejected = append(rejected, cache.Rejected{Key: c.Key, Reason: reason})
				}
				t.quarantine[c.Key] = reason
				continue
			}
			delete(t.quarantine, c.Key)
			delete(t.objects, c.Key)
			delete(t.rows, c.Key)
			if object != nil {
				t.objects[c.Key], t.rows[c.Key] = object, c.Row
			}
		}
	}
	t.keys = slices.SortedFunc(maps.Keys(t.objects), compareKeys)
	return rejected
}

// Keep does to t what Builder.Keep does.
func (t *Twin) Keep(old *Twin) {
	for key := range t.quarantine {
		if object, ok := old.objects[key]; ok {
			t.objects[key], t.rows[key] = object, old.rows[key]
		}
	}
	t.keys = slices.SortedFunc(maps.Keys(t.objects), compareKeys)
}

// check returns the object that c publishes, nil when it is gone, or why it
// cannot be published.
func (t *Twin) check(c cache.Change) (any, registry.Reject) {
	if c.Reject != "" {
		return nil, c.Reject
	}
	if c.Row == "" {
		return nil, ""
	}
	object, key, err := decode(c.Kind, strings.Clone(c.Row))
	if err != nil {
		return nil, registry.RejectUnreadable
	}
	if key == "" || key != c.Name {
		return nil, registry.RejectKey
	}
	if d, ok := object.(*registry.Domain); ok {
		zone := t.tldOf(d.Name)
		if zone == nil {
			return nil, registry.RejectNoTLD
		}
		sponsor, ok := t.objects[cache.Key{Kind: registry.KindRegistrar, Name: d.Registrar}].(*registry.Registrar)
		if !ok {
			return nil, registry.RejectRegistrar
		}
		if zone.GTLD && sponsor.IANA == 0 {
			return nil, registry.RejectNoIANA
		}
	}
	return object, ""
}

func decode(kind registry.Kind, row string) (object any, key string, err error) {
	switch kind {
	case registry.KindTLD:
		o := new(registry.TLD)
		err = registry.DecodeTLD(row, o)
		return o, o.Name, err
	case registry.KindRegistrar:
		o := new(registry.Registrar)
		err = registry.DecodeRegistrar(row, o)
		return o, o.ClID, err
	case registry.KindContact:
		o := new(registry.Contact)
		err = registry.DecodeContact(row, o)
		return o, o.ROID, err
	case registry.KindHost:
		o := new(registry.Nameserver)
		err = registry.DecodeNameserver(row, o)
		return o, o.ROID, err
	case registry.KindDomain:
		o := new(registry.Domain)
		err = registry.DecodeDomain(row, o)
		return o, o.Name, err
	default:
		o := new(registry.Reserved)
		err = registry.DecodeReserved(row, o)
		return o, o.Name, err
	}
}

// scan returns the objects of type O that match, in order of key.
func scan[O any](t *Twin, match func(o *O) bool) (found []*O, keys []string) {
	for _, key := range t.keys {
		if o, ok := t.objects[key].(*O); ok && match(o) {
			found, keys = append(found, o), append(keys, key.Name)
		}
	}
	return found, keys
}

func compareKeys(a, b cache.Key) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

func (t *Twin) tldOf(name string) *registry.TLD {
	var longest *registry.TLD
	for _, object := range t.objects {
		if z, ok := object.(*registry.TLD); ok && strings.HasSuffix(name, "."+z.Name) && (longest == nil || len(z.Name) > len(longest.Name)) {
			longest = z
		}
	}
	return longest
}

// byKey returns the object under key as a View fills it in.
func (t *Twin) byKey(kind registry.Kind, name string) (any, cache.Presence) {
	key := cache.Key{Kind: kind, Name: name}
	object, ok := t.objects[key]
	switch {
	case ok && kind == registry.KindContact && t.quarantine[key] != "":
		withheld := *object.(*registry.Contact)
		withheld.Street = slices.Clone(withheld.Street)
		withheld.Withhold()
		return &withheld, cache.Present
	case ok:
		return object, cache.Present
	case t.quarantine[key] != "":
		return nil, cache.Unknown
	}
	return nil, cache.Absent
}

// one returns which of the objects with keys a look-up through an index finds:
// the first that is not in quarantine, else the first.
func (t *Twin) one(kind registry.Kind, keys []string) (any, cache.Presence) {
	if len(keys) == 0 {
		return nil, t.doubt(kind)
	}
	for _, name := range keys {
		if t.quarantine[cache.Key{Kind: kind, Name: name}] == "" {
			return t.byKey(kind, name)
		}
	}
	return t.byKey(kind, keys[0])
}

func (t *Twin) doubt(kind registry.Kind) cache.Presence {
	for key := range t.quarantine {
		if key.Kind == kind {
			return cache.Unknown
		}
	}
	return cache.Absent
}

// Due returns what View.Due returns.
func (t *Twin) due(clock registry.Time) (keys []cache.Key) {
	keys = slices.SortedFunc(maps.Keys(t.quarantine), compareKeys)
	domains, _ := scan(t, func(d *registry.Domain) bool {
		return d.RefreshAt > 0 && d.RefreshAt <= clock && t.quarantine[cache.Key{Kind: registry.KindDomain, Name: d.Name}] == ""
	})
	slices.SortStableFunc(domains, func(a, b *registry.Domain) int { return cmp.Compare(a.RefreshAt, b.RefreshAt) })
	for _, d := range domains {
		keys = append(keys, cache.Key{Kind: registry.KindDomain, Name: d.Name})
	}
	return keys
}

// Probes are what Diff asks for. The more of them miss, the better.
type Probes struct {
	Names     []string // of domains, hosts, TLDs and reserved names
	ROIDs     []string // of domains, hosts and contacts
	Addresses []netip.Addr
	ClIDs     []string
	IANA      []int
	Folded    []string // registrar names
	Times     []registry.Time
	Limits    []int
}

// Diff asks view and t for everything in probes and returns the first
// difference, "" when they answer alike.
func (t *Twin) Diff(view *cache.View, probes *Probes) string {
	var diffs []string
	check := func(call string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			diffs = append(diffs, fmt.Sprintf("%s = %s, the twin says %s", call, show(got), show(want)))
		}
	}
	check("Position()", view.Position(), t.Position)
	check("AsOf()", view.AsOf(), t.AsOf)
	for _, d := range [...]time.Duration{-time.Nanosecond, 0} {
		check("MissKnown(missUntil+d)", view.MissKnown(t.MissUntil.Add(d)), d < 0)
	}
	t.diffCounts(view, check)
	for _, name := range probes.Names {
		t.diffName(view, name, probes.Limits, check)
	}
	for _, roid := range probes.ROIDs {
		t.diffROID(view, roid, probes.Limits, check)
	}
	for _, addr := range probes.Addresses {
		_, want := scan(t, func(n *registry.Nameserver) bool { return has(n, addr) })
		for _, limit := range probes.Limits {
			got, more := view.NameserversAt(addr, limit, nil)
			checkList(check, fmt.Sprintf("NameserversAt(%s, %d)", addr, limit), got, more, want, limit)
		}
	}
	t.diffRegistrars(view, probes, check)
	for _, at := range probes.Times {
		check(fmt.Sprintf("Due(%d)", at), view.Due(at), t.due(at))
	}
	var next registry.Time
	for _, key := range t.due(registry.MaxTime) {
		if t.quarantine[key] == "" {
			next = t.objects[key].(*registry.Domain).RefreshAt
			break
		}
	}
	check("NextDue()", view.NextDue(), next)
	if len(diffs) == 0 {
		return ""
	}
	return diffs[0]
}

type checker = func(call string, got, want any)

func (t *Twin) diffCounts(view *cache.View, check checker) {
	var counts [registry.Kinds]int
	for key := range t.objects {
		counts[key.Kind]++
	}
	for kind, want := range counts {
		check(fmt.Sprintf("Count(%s)", registry.Kind(kind)), view.Count(registry.Kind(kind)), want)
		check(fmt.Sprintf("Doubt(%s)", registry.Kind(kind)), view.Doubt(registry.Kind(kind)), t.doubt(registry.Kind(kind)))
	}
	check("Quarantined()", view.Quarantined(), slices.SortedFunc(maps.Keys(t.quarantine), compareKeys))
	all := map[cache.Key]string{}
	var last cache.Key
	for key, row := range view.All() {
		if compareKeys(last, key) >= 0 {
			check(fmt.Sprintf("All() yields %s %q", key.Kind, key.Name), "it after "+last.Name, "all in order of kind and key")
		}
		key.Name = strings.Clone(key.Name)
		all[key], last = strings.Clone(row), key
	}
	check("All()", all, t.rows)
	zones, _ := scan(t, func(*registry.TLD) bool { return true })
	check("TLDs()", append([]*registry.TLD(nil), view.TLDs()...), zones)
}

func (t *Twin) diffName(view *cache.View, name string, limits []int, check checker) {
	var (
		d registry.Domain
		n registry.Nameserver
		r registry.Reserved
	)
	want, presence := t.byKey(registry.KindDomain, name)
	checkOne(check, fmt.Sprintf("Domain(%q)", name), view.Domain(name, &d), presence, &d, want)
	want, presence = t.byKey(registry.KindReserved, name)
	checkOne(check, fmt.Sprintf("Reserved(%q)", name), view.Reserved(name, &r), presence, &r, want)
	_, hosts := scan(t, func(n *registry.Nameserver) bool { return n.Name == name })
	want, presence = t.one(registry.KindHost, hosts)
	checkOne(check, fmt.Sprintf("NameserverByName(%q)", name), view.NameserverByName(name, &n), presence, &n, want)

	zone, _ := t.objects[cache.Key{Kind: registry.KindTLD, Name: name}].(*registry.TLD)
	check(fmt.Sprintf("TLD(%q)", name), view.TLD(name), zone)
	check(fmt.Sprintf("TLDOf(%q)", name), view.TLDOf(name), t.tldOf(name))
	for kind := range registry.Kind(registry.Kinds) {
		key := cache.Key{Kind: kind, Name: name}
		check(fmt.Sprintf("Rejection(%s %q)", kind, name), view.Rejection(key), t.quarantine[key])
	}
	for end := 0; end <= min(len(name), 3); end++ {
		_, names := scan(t, func(d *registry.Domain) bool { return strings.HasPrefix(d.Name, name[:end]) })
		for _, limit := range limits {
			got, more := view.Names(name[:end], limit, nil)
			checkList(check, fmt.Sprintf("Names(%q, %d)", name[:end], limit), got, more, names, limit)
		}
	}
}

func (t *Twin) diffROID(view *cache.View, roid string, limits []int, check checker) {
	var (
		d registry.Domain
		n registry.Nameserver
		c registry.Contact
	)
	want, presence := t.byKey(registry.KindHost, roid)
	checkOne(check, fmt.Sprintf("Nameserver(%q)", roid), view.Nameserver(roid, &n), presence, &n, want)
	want, presence = t.byKey(registry.KindContact, roid)
	checkOne(check, fmt.Sprintf("Contact(%q)", roid), view.Contact(roid, &c), presence, &c, want)
	_, names := scan(t, func(d *registry.Domain) bool { return roid != "" && d.ROID == roid })
	want, presence = t.one(registry.KindDomain, names)
	checkOne(check, fmt.Sprintf("DomainByROID(%q)", roid), view.DomainByROID(roid, &d), presence, &d, want)

	_, ofHost := scan(t, func(d *registry.Domain) bool { return slices.Contains(d.Hosts, roid) })
	_, ofContact := scan(t, func(d *registry.Domain) bool {
		return roid != "" && (d.Registrant == roid || slices.Contains(d.Tech, roid))
	})
	check(fmt.Sprintf("Linked(%q)", roid), view.Linked(roid), len(ofHost) > 0)
	for _, limit := range limits {
		got, more := view.DomainsOfHost(roid, limit, nil)
		checkList(check, fmt.Sprintf("DomainsOfHost(%q, %d)", roid, limit), got, more, ofHost, limit)
		got, more = view.DomainsOfContact(roid, limit, nil)
		checkList(check, fmt.Sprintf("DomainsOfContact(%q, %d)", roid, limit), got, more, ofContact, limit)
	}
}

func (t *Twin) diffRegistrars(view *cache.View, probes *Probes, check checker) {
	for _, clid := range probes.ClIDs {
		want, _ := t.objects[cache.Key{Kind: registry.KindRegistrar, Name: clid}].(*registry.Registrar)
		check(fmt.Sprintf("Registrar(%q)", clid), view.Registrar(clid), want)
	}
	all, _ := scan(t, func(*registry.Registrar) bool { return true })
	check("Registrars()", append([]*registry.Registrar(nil), view.Registrars()...), all)
	for _, id := range probes.IANA {
		with, _ := scan(t, func(r *registry.Registrar) bool { return id != 0 && r.IANA == id })
		check(fmt.Sprintf("RegistrarByIANA(%d)", id), view.RegistrarByIANA(id), first(with))
	}
	for _, folded := range probes.Folded {
		with, _ := scan(t, func(r *registry.Registrar) bool { return registry.FoldName(r.Name) == folded })
		check(fmt.Sprintf("RegistrarsByName(%q)", folded), view.RegistrarsByName(folded), with)
	}
}

func first[O any](list []*O) *O {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func has(n *registry.Nameserver, addr netip.Addr) bool {
	for _, text := range slices.Concat(n.V4, n.V6) {
		if a, err := netip.ParseAddr(text); err == nil && a.Unmap() == addr.Unmap() {
			return true
		}
	}
	return false
}

func checkOne(check checker, call string, got, want cache.Presence, filled, object any) {
	check(call, got, want)
	if got == cache.Present && want == cache.Present {
		check(call, tidy(filled), tidy(object))
	}
}

// tidy makes empty lists of an object nil, for a look-up reuses slices, and its
// memory, which is not part of it.
func tidy(object any) any {
	v := reflect.New(reflect.TypeOf(object).Elem())
	v.Elem().Set(reflect.ValueOf(object).Elem())
	for i := range v.Elem().NumField() {
		if f := v.Elem().Field(i); f.Kind() == reflect.Slice && (f.Len() == 0 || f.Type().Elem().Kind() == reflect.Uint8) {
			f.SetZero()
		}
	}
	return v.Interface()
}

func checkList(check checker, call string, got []string, more bool, want []string, limit int) {
	cut := len(want) > limit
	if cut {
		want = want[:limit]
	}
	check(call, strings.Join(got, " "), strings.Join(want, " "))
	check(call+" more", more, cut)
}

func show(x any) string {
	if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer && !v.IsNil() {
		return fmt.Sprintf("%+v", v.Elem())
	}
	return fmt.Sprintf("%+v", x)
}
