// Package cachetest is for tests: small Views made from objects, two fixture
// registries, and a slow obvious twin of cache.View.
package cachetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// AsOf is how current a View made by Build is, unless it is told otherwise:
// 2026-01-02T03:04:05Z.
const AsOf registry.Time = 1767323045000000

// Start is where a registry made by Build stands, unless it is told otherwise.
var Start = cache.Position{
	Registry: "11111111-1111-4111-8111-111111111111",
	Epoch:    "22222222-2222-4222-8222-222222222222",
	Contract: registry.Contract,
	Serial:   1,
}

// Forever is a missUntil under which every miss of a View may be told.
func Forever() time.Time { return registry.MaxTime.Std() }

// Build returns a View of objects, in any order: *registry.TLD, *Registrar,
// *Contact, *Nameserver, *Domain and *Reserved. Among them may stand
//   - a cache.Position, where the registry stands (default Start);
//   - a registry.Time, the View's as-of (default AsOf);
//   - a time.Time, until when its misses may be told (default Forever);
//   - a cache.Change, a row or a rejection as it is.
//
// It panics when an object cannot be published, so that a test never runs
// against less than it spelled out; only a cache.Change may be quarantined.
func Build(objects ...any) *cache.View {
	pos, asOf, missUntil := Start, AsOf, Forever()
	var changes []cache.Change
	raw := make(map[cache.Key]bool)
	for _, o := range objects {
		switch o := o.(type) {
		case cache.Position:
			pos = o
		case registry.Time:
			asOf = o
		case time.Time:
			missUntil = o
		case cache.Change:
			raw[o.Key] = true
			changes = append(changes, o)
		default:
			changes = append(changes, Change(o))
		}
	}
	slices.SortStableFunc(changes, func(a, b cache.Change) int { return cmp.Compare(a.Kind, b.Kind) })
	b := cache.NewBuilder(0)
	for _, c := range changes {
		if err := b.Put(c); err != nil {
			panic(fmt.Sprintf("cachetest.Build: %v", err))
		}
	}
	for _, r := range b.Rejected() {
		if !raw[r.Key] {
			panic(fmt.Sprintf("cachetest.Build: %s %q is quarantined: %s", r.Kind, r.Name, r.Reason))
		}
	}
	view, err := b.View(pos, asOf, missUntil)
	if err != nil {
		panic(fmt.Sprintf("cachetest.Build: %v", err))
	}
	return view
}

// Change returns the change after which object, a pointer to one of the types
// of package registry, stands as it is. It panics when the object fails its own
// Check.
func Change(object any) cache.Change {
	var (
		key    cache.Key
		row    []byte
		reject registry.Reject
	)
	switch o := object.(type) {
	case *registry.TLD:
		key, row, reject = cache.Key{Kind: registry.KindTLD, Name: o.Name}, registry.AppendTLD(nil, o), o.Check()
	case *registry.Registrar:
		key, row, reject = cache.Key{Kind: registry.KindRegistrar, Name: o.ClID}, registry.AppendRegistrar(nil, o), o.Check()
	case *registry.Contact:
		key, row, reject = cache.Key{Kind: registry.KindContact, Name: o.ROID}, registry.AppendContact(nil, o), o.Check()
	case *registry.Nameserver:
		// Check comes first: it writes the addresses in canonical text.
		reject = o.Check()
		key, row = cache.Key{Kind: registry.KindHost, Name: o.ROID}, registry.AppendNameserver(nil, o)
	case *registry.Domain:
		key, row, reject = cache.Key{Kind: registry.KindDomain, Name: o.Name}, registry.AppendDomain(nil, o), o.Check()
	case *registry.Reserved:
		key, row, reject = cache.Key{Kind: registry.KindReserved, Name: o.Name}, registry.AppendReserved(nil, o), o.Check()
	default:
		panic(fmt.Sprintf("cachetest.Change: %T is not an object of package registry", object))
	}
	if reject != "" {
		panic(fmt.Sprintf("cachetest.Change: %s %q: %s", key.Kind, key.Name, reject))
	}
	return cache.Change{Key: key, Row: string(row)}
}

// Gone returns the change after which there is no object of kind called name.
func Gone(kind registry.Kind, name string) cache.Change {
	return cache.Change{Key: cache.Key{Kind: kind, Name: name}}
}

// Rejected returns the change that says that the newest row of an object cannot
// be published, and why.
func Rejected(kind registry.Kind, name string, reason registry.Reject) cache.Change {
	return cache.Change{Key: cache.Key{Kind: kind, Name: name}, Reject: reason}
}
