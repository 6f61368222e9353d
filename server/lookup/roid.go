package lookup

import (
	"strings"

	"rddsd/cache"
	"rddsd/cache/registry"
)

// roid answers for the domain, the host object or, if they are offered, the
// contact with a ROID, as asked or in capitals. Where contacts are not offered
// theirs are not told from those that nothing has: whatever has a contact's form
// is invalid (whois.md §2.7).
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
		if a.Policy.Contacts {
			switch s.publicContact(roid) {
			case cache.Present:
				return roid
			case cache.Unknown:
				presence = cache.Unknown
			}
		}
		upper(a.key)
	}
	switch kindOfROID(asked) {
	case 'c':
		a.Object = Contact
		if !a.Policy.Contacts {
			return s.invalid()
		}
		if s.view.Doubt(registry.KindContact) == cache.Unknown {
			presence = cache.Unknown
		}
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
	if roid == "" {
		return 0
	}
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

// bareROID reports whether s has the form of a ROID that needs no keyword: a
// number, hexadecimal at most, with the letter of its kind before or behind it
// (D for domain, H for host, C for contact), a hyphen and the repository's
// suffix: D123-COOP, 123D-COOP. Other words with a hyphen name registrars.
func bareROID(s string) bool {
	local, suffix, ok := strings.Cut(s, "-")
	if !ok || len(local) < 2 || len(local) > 80 || len(suffix) == 0 || len(suffix) > 8 {
		return false
	}
	for i := 0; i < len(suffix); i++ {
		if c := suffix[i]; !isDigit(c) && !isLetter(c) && c != '_' {
			return false
		}
	}
	if isKind(local[0]) {
		return hexNumber(local[1:])
	}
	return isKind(local[len(local)-1]) && hexNumber(local[:len(local)-1])
}

func isKind(c byte) bool {
	c |= 0x20
	return c == 'd' || c == 'h' || c == 'c'
}

// hexNumber reports whether s is hexadecimal and begins with a digit.
func hexNumber(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return s != "" && isDigit(s[0])
}
