package ratelimit

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// A tier is one width of network around a client. A client has an account in each
// tier of its family, narrowest first, and in that of its AS if a table tells it.
type tier uint8

const (
	tier32   tier = iota // IPv4 address
	tier24               // IPv4 /24
	tier20               // IPv4 /20
	tier64               // IPv6 /64: one customer, as an IPv4 address is
	tier56               // IPv6 /56
	tier48               // IPv6 /48: a site, or a rented server's network
	tier32v6             // IPv6 /32: a provider
	tierAS               // autonomous system
	tierNone             // whoever has no address, all together
	tiers
)

// width is what a tier may have, as a multiple of what one address may, and how
// much of a zone at most. The multiples leave room for carriers that put a few
// hundred customers behind each address; the shares keep one network from taking
// so much of the zone guard that others feel it. Tuned by bench harvest.
type width struct {
	name string
	bits int     // prefix length; 0 = none
	load float64 // times rate, burst and quarter_hour
	data float64 // times day and month
	// Of the objects with contact values of a zone, what an account of this tier
	// can hold at most: in the account of a day, and of 30 days.
	shareDay, shareMonth float64
}

var widths = [tiers]width{
	tier32:   {"ipv4/32", 32, 1, 1, 0.0060, 0.0075},
	tier24:   {"ipv4/24", 24, 4, 8, 0.0070, 0.0200},
	tier20:   {"ipv4/20", 20, 8, 16, 0.0075, 0.0300},
	tier64:   {"ipv6/64", 64, 1, 1, 0.0060, 0.0075},
	tier56:   {"ipv6/56", 56, 2, 2, 0.0065, 0.0100},
	tier48:   {"ipv6/48", 48, 4, 8, 0.0070, 0.0200},
	tier32v6: {"ipv6/32", 32, 40, 64, 0.0080, 0.0400},
	tierAS:   {"as", 0, 40, 64, 0.0080, 0.0400},
	tierNone: {"no address", 0, 1, 1, 0.0060, 0.0075},
}

// maxTiers is how many accounts one client has at most: four prefixes and an AS.
const maxTiers = 5

// account names the account of a client in one tier.
type account struct {
	hash uint64
	tier tier
}

// accounts are those of one client, narrowest first.
type accounts struct {
	list [maxTiers]account
	n    int
	site uint64 // who has the free objects: an IPv4 address, or an IPv6 /56
}

func (a *accounts) add(key *secret, t tier, network uint64) {
	a.list[a.n] = account{key.hash(network, uint64(t)), t}
	a.n++
}

// accountsOf fills a with the accounts of addr under s.
func (l *Limiter) accountsOf(addr netip.Addr, s *settings, a *accounts) {
	a.n = 0
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		octets := addr.As4()
		v := uint64(binary.BigEndian.Uint32(octets[:]))
		a.add(&l.secret, tier32, v)
		a.add(&l.secret, tier24, v>>8)
		a.add(&l.secret, tier20, v>>12)
		a.site = a.list[0].hash
	case addr.Is6():
		octets := addr.As16()
		v := binary.BigEndian.Uint64(octets[:8])
		a.add(&l.secret, tier64, v)
		a.add(&l.secret, tier56, v>>8)
		a.add(&l.secret, tier48, v>>16)
		a.add(&l.secret, tier32v6, v>>32)
		a.site = a.list[1].hash
	default:
		a.add(&l.secret, tierNone, 0)
		a.site = a.list[0].hash
		return
	}
	if s.systems != nil {
		if number, ok := s.systems.table.Lookup(addr); ok {
			a.add(&l.secret, tierAS, uint64(number))
		}
	}
}

// networkOf returns the prefix by which t counts addr; the zero Prefix where it is none.
func networkOf(addr netip.Addr, t tier) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	if t == tierAS {
		t = tier64
		if addr.Is4() {
			t = tier32
		}
	}
	network, _ := addr.Prefix(widths[t].bits) // an address without family has no prefix
	return network
}

// secret is the key of all hashes of addresses, so that nobody can aim at a
// bucket, and who finds the file of charges cannot read addresses in it.
type secret [4]uint64

// hash returns a keyed hash of value among those of kind.
func (k *secret) hash(value, kind uint64) uint64 {
	return fold(fold(value^k[0], kind^k[1])^k[2], kind^k[3]|1)
}

// fold multiplies to 128 bits and folds them into 64, as wyhash does.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
