package rdap

import (
	"rddsd/server/lookup"
)

// appendNameserverLookup appends the members of the answer about one host object
// (rdap.md §3.6, §6.3), and returns where its stamp is.
func appendNameserverLookup(dst []byte, a *lookup.Answer, url []byte) (_ []byte, stamp int) {
	h := &a.Hosts[0]
	dst = append(dst, ',')
	dst = appendHost(dst, h, url, a.Policy.BaseURL)
	dst = append(dst, `,"events":[`...)
	dst = appendHostEvents(dst, h)
	dst, stamp = appendLastUpdate(dst, a.AsOf)
	dst = append(dst, ']')
	return appendHostEntities(dst, h, a.Policy.BaseURL), stamp
}

// appendNameserverResults appends the host objects that have an address
// (rdap.md §6.7).
func appendNameserverResults(dst []byte, a *lookup.Answer) []byte {
	dst = append(dst, `,"nameserverSearchResults":[`...)
	for i := range a.Hosts {
		h := &a.Hosts[i]
		dst = append(dst, '{')
		dst = appendHost(dst, h, nil, a.Policy.BaseURL)
		before := len(dst)
		dst = append(dst, `,"events":[`...)
		empty := len(dst)
		dst = appendHostEvents(dst, h)
		if len(dst) == empty {
			dst = dst[:before]
		} else {
			dst[len(dst)-1] = ']'
		}
		dst = appendHostEntities(dst, h, a.Policy.BaseURL)
		dst = append(dst, `},`...)
	}
	dst[len(dst)-1] = ']'
	return dst
}

// appendHost appends the members up to the links. url is the URL that was asked
// for, nil in a result of a search.
func appendHost(dst []byte, h *lookup.Host, url []byte, base string) []byte {
	dst = append(dst, `"objectClassName":"nameserver"`...)
	dst = appendMember(dst, `,"handle":`, h.ROID)
	dst = appendNames(dst, h.Name, h.UName)
	dst = appendAddresses(dst, h)
	dst = appendStatuses(dst, h.Shown(h.Linked))
	dst = append(dst, `,"links":[`...)
	dst = appendSelf(dst, url, base, "nameserver/", h.Name)
	return append(dst, ']')
}

// appendAddresses appends the addresses of h; without any the member is left
// out (check -11403).
func appendAddresses(dst []byte, h *lookup.Host) []byte {
	if len(h.V4) == 0 && len(h.V6) == 0 {
		return dst
	}
	dst = append(dst, `,"ipAddresses":{`...)
	dst = appendList(dst, `"v4":[`, h.V4)
	dst = appendList(dst, `"v6":[`, h.V6)
	dst[len(dst)-1] = '}'
	return dst
}

// appendList appends a member that is an array of strings and a comma, or
// nothing.
func appendList(dst []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(dst, name...)
	for _, s := range list {
		dst = appendString(dst, s)
		dst = append(dst, ',')
	}
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}

func appendHostEvents(dst []byte, h *lookup.Host) []byte {
	dst = appendEvent(dst, registration, h.Created)
	return appendEvent(dst, lastChanged, h.Updated)
}

func appendHostEntities(dst []byte, h *lookup.Host, base string) []byte {
	if h.Registrar == nil {
		return dst
	}
	dst = append(dst, `,"entities":[`...)
	dst = appendHostSponsor(dst, base, h.Registrar)
	return append(dst, ']')
}
