package rdap

import (
	"math/bits"
	"strconv"
	"strings"

	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// appendDomain appends the body about a domain (rdap.md §3.5, §6.1).
func appendDomain(dst []byte, a *lookup.Answer, url []byte, site *site) (_ []byte, m marks) {
	d, w := &a.Domain, withhold(a)
	redacted := 0
	if w.any() {
		redacted = 1
	}
	dst = site.domain[redacted].append(dst, url)
	m.begin = len(dst)
	dst = append(dst, `,"objectClassName":"domain"`...)
	dst = appendMember(dst, `,"handle":`, d.ROID)
	dst = appendNames(dst, d.Name, d.UName)

	dst = append(dst, `,"links":[`...)
	dst = site.appendSelf(dst, url, "domain/", d.Name)
	dst = appendRelated(dst, url, a.Registrar, d.Name)
	dst = append(dst, ']')

	dst = appendStatuses(dst, d.Shown())
	dst = appendMember(dst, `,"port43":`, a.Policy.Port43)
	dst, m.stamp = appendDomainEvents(dst, d, a.AsOf)
	dst = appendDelegation(dst, a.Hosts)
	dst = appendSecureDNS(dst, d, a.TLD)

	sponsor := site.sponsor(a.Registrar)
	dst = append(dst, `,"entities":[`...)
	m.skip = len(dst)
	dst = append(dst, sponsor.entity...)
	m.resume = len(dst)
	dst = appendDomainContacts(dst, a, w)
	if a.Class == lookup.Degraded {
		dst = append(dst, degraded...)
	}
	m.end = len(dst)
	m.sum = site.sum ^ bits.RotateLeft64(sponsor.sum, 32) ^ w.number()
	dst = append(dst, site.redacted(w)...)
	return append(dst, '}'), m
}

// degraded tells that a budget, not the registry, withholds the contacts
// (rdap.md §5.1).
const degraded = `,"remarks":[{"title":"Contact Data Limit","type":"object redacted due to authorization",` +
	`"description":["A limit on how much contact data may be shown has been reached; contact data is left out for now."]}]`

// appendRelated appends the link to the same domain at its registrar, which is
// the listed base URL, "domain/" and the name (rdap.md §8.1).
func appendRelated(dst, url []byte, r *registry.Registrar, name string) []byte {
	if !isWeb(r.RDAPURL) || r.IANA >= firstReservedIANA && r.IANA <= lastReservedIANA {
		return dst
	}
	dst = append(dst, `,{"value":"`...)
	dst = append(dst, url...)
	dst = append(dst, `","rel":"related","href":"`...)
	dst = appendText(dst, r.RDAPURL)
	if !strings.HasSuffix(r.RDAPURL, "/") {
		dst = append(dst, '/')
	}
	if !strings.HasSuffix(r.RDAPURL, "/domain/") && !strings.HasSuffix(r.RDAPURL, "/domain") {
		dst = append(dst, "domain/"...)
	}
	dst = append(dst, name...)
	return append(dst, `","type":"`+mediaType+`"}`...)
}

// appendStatuses appends the member status, "active" first, the rest in the
// order of the set, which is not empty.
func appendStatuses(dst []byte, s registry.Status) []byte {
	dst = append(dst, `,"status":[`...)
	if s&registry.OK != 0 {
		dst = append(dst, `"active",`...)
		s &^= registry.OK
	}
	for one, rest := s.Next(); one != 0; one, rest = rest.Next() {
		dst = append(dst, '"')
		dst = append(dst, one.RDAP()...)
		dst = append(dst, `",`...)
	}
	dst[len(dst)-1] = ']'
	return dst
}

func appendDomainEvents(dst []byte, d *registry.Domain, asOf registry.Time) (_ []byte, stamp int) {
	dst = append(dst, `,"events":[`...)
	dst = appendEvent(dst, registration, d.Created)
	dst = appendEvent(dst, expiration, d.Expires)
	dst = appendEvent(dst, lastChanged, d.Updated)
	dst = appendEvent(dst, transfer, d.Transferred)
	dst, stamp = appendLastUpdate(dst, asOf)
	return append(dst, ']'), stamp
}

// Events, up to their dates.
const (
	registration = `{"eventAction":"registration","eventDate":"`
	expiration   = `{"eventAction":"expiration","eventDate":"`
	lastChanged  = `{"eventAction":"last changed","eventDate":"`
	transfer     = `{"eventAction":"transfer","eventDate":"`
)

// appendEvent appends an event and a comma, or nothing if it did not happen.
func appendEvent(dst []byte, event string, at registry.Time) []byte {
	if at == 0 {
		return dst
	}
	dst = append(dst, event...)
	dst = at.Append(dst)
	return append(dst, `"},`...)
}

// appendLastUpdate appends the event that ends each list of a topmost object
// (check -43100), and returns where its date stands: the stamp of the body.
func appendLastUpdate(dst []byte, asOf registry.Time) (_ []byte, stamp int) {
	dst = append(dst, `{"eventAction":"last update of RDAP database","eventDate":"`...)
	stamp = len(dst)
	dst = asOf.Append(dst)
	return append(dst, `"}`...), stamp
}

func appendDelegation(dst []byte, hosts []lookup.Host) []byte {
	if len(hosts) == 0 {
		return dst
	}
	dst = append(dst, `,"nameservers":[`...)
	for i := range hosts {
		dst = append(dst, `{"objectClassName":"nameserver"`...)
		dst = appendMember(dst, `,"handle":`, hosts[i].ROID)
		dst = appendNames(dst, hosts[i].Name, hosts[i].UName)
		dst = append(dst, `},`...)
	}
	dst[len(dst)-1] = ']'
	return dst
}

// appendSecureDNS appends the delegation signer records (RFC 9083 §5.3).
func appendSecureDNS(dst []byte, d *registry.Domain, tld *registry.TLD) []byte {
	if len(d.DS) == 0 {
		return append(dst, `,"secureDNS":{"delegationSigned":false}`...)
	}
	dst = append(dst, `,"secureDNS":{`...)
	if tld != nil {
		dst = append(dst, `"zoneSigned":`...)
		dst = strconv.AppendBool(dst, tld.ZoneSigned)
		dst = append(dst, ',')
	}
	dst = append(dst, `"delegationSigned":true,"dsData":[`...)
	for i := range d.DS {
		ds := &d.DS[i]
		dst = append(dst, `{"keyTag":`...)
		dst = strconv.AppendUint(dst, uint64(ds.KeyTag), 10)
		dst = append(dst, `,"algorithm":`...)
		dst = strconv.AppendUint(dst, uint64(ds.Algorithm), 10)
		dst = append(dst, `,"digestType":`...)
		dst = strconv.AppendUint(dst, uint64(ds.DigestType), 10)
		dst = append(dst, `,"digest":`...)
		dst = appendString(dst, ds.Digest)
		dst = append(dst, `},`...)
	}
	dst[len(dst)-1] = ']'
	return append(dst, '}')
}

// appendDomainContacts appends, behind the registrar, the contacts that the contact
// model of the name has, one per role, and ends the list.
func appendDomainContacts(dst []byte, a *lookup.Answer, w withheld) []byte {
	dst = append(dst, ',')
	if a.HasRegistrant {
		dst = appendRegistrant(dst, &a.Registrant, w.registrant)
		dst = append(dst, ',')
	}
	if a.HasTech {
		dst = appendTech(dst, &a.Tech, w.tech)
		dst = append(dst, ',')
	}
	if a.Domain.Reseller != "" {
		dst = append(dst, `{"objectClassName":"entity","roles":["reseller"]`+cardBegin...)
		dst = appendValue(dst, "fn", a.Domain.Reseller)
		dst = append(dst, cardEnd+`},`...)
	}
	dst[len(dst)-1] = ']'
	return dst
}
