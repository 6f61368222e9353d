package whois

import (
	"strconv"

	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

const (
	// maxHosts and maxDS bound the lists of one domain, so that an answer stays
	// under maxAnswer whatever a registry holds. Real delegations have at most 13
	// name servers (EPP policies), and seldom more than four DS records.
	maxHosts = 50
	maxDS    = 25
)

// appendDomain appends the record of a registered name (§2.3), its labels in
// the order that ICANN's grammar fixes.
func (b *prebuilt) appendDomain(dst []byte, a *lookup.Answer) []byte {
	d, r := &a.Domain, b.sponsor(a.Registrar)
	dst = appendKnown(dst, "Domain Name: ", d.Name)
	dst = appendField(dst, "Internationalized Domain Name: ", d.UName)
	dst = appendField(dst, "Registry Domain ID: ", d.ROID)
	dst = append(dst, r.service...)
	dst = appendTime(dst, "Updated Date: ", d.Updated)
	dst = appendTime(dst, "Creation Date: ", d.Created)
	dst = appendTime(dst, "Registry Expiry Date: ", d.Expires)
	dst = append(dst, r.identity...)
	dst = appendField(dst, "Reseller: ", d.Reseller)
	for status, rest := d.Shown().Next(); status != 0; status, rest = rest.Next() {
		dst = appendStatus(dst, status.EPP())
	}
	dst = appendContacts(dst, a)
	for i := range a.Hosts[:min(len(a.Hosts), maxHosts)] {
		dst = appendKnown(dst, "Name Server: ", a.Hosts[i].Name)
	}
	dst = appendDNSSEC(dst, d.DS)
	dst = append(dst, b.ending(a.Policy).record...)
	if len(a.Hosts) > maxHosts {
		dst = appendCut(dst, maxHosts)
	}
	if len(d.DS) > maxDS {
		dst = appendCut(dst, maxDS)
	}
	return dst
}

// appendStatus appends a line as AWIP wants it: the code, and where it is
// explained.
func appendStatus(dst []byte, code string) []byte {
	dst = append(dst, "Domain Status: "...)
	dst = append(dst, code...)
	dst = append(dst, " https://icann.org/epp#"...)
	dst = append(dst, code...)
	return append(dst, newline...)
}

func appendDNSSEC(dst []byte, records []registry.DS) []byte {
	if len(records) == 0 {
		return append(dst, "DNSSEC: unsigned"+newline...)
	}
	dst = append(dst, "DNSSEC: signedDelegation"+newline...)
	for i := range records[:min(len(records), maxDS)] {
		ds := &records[i]
		dst = append(dst, "DNSSEC DS Data: "...)
		dst = strconv.AppendUint(dst, uint64(ds.KeyTag), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendUint(dst, uint64(ds.Algorithm), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendUint(dst, uint64(ds.DigestType), 10)
		dst = append(dst, ' ')
		dst = append(dst, ds.Digest...)
		dst = append(dst, newline...)
	}
	return dst
}

// appendTime appends a date, and nothing for one that never was: a name that
// was not updated has no Updated Date.
func appendTime(dst []byte, label string, t registry.Time) []byte {
	if t == 0 {
		return dst
	}
	dst = append(dst, label...)
	dst = t.Append(dst)
	return append(dst, newline...)
}

// appendCut says that a list was cut behind its first n entries. It
// stands above the tail, where every client shows it.
func appendCut(dst []byte, n int) []byte {
	dst = append(dst, "The list was cut at "...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, " records."+newline...)
}
