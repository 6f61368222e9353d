package whois

import "rddsd/server/lookup"

// appendNameserver appends the record of one host object (§2.5) with all its
// addresses.
func appendNameserver(dst []byte, a *lookup.Answer) []byte {
	host := &a.Hosts[0]
	dst = appendKnown(dst, "Server Name: ", host.Name)
	for _, addr := range host.V4 {
		dst = appendKnown(dst, "IP Address: ", addr)
	}
	for _, addr := range host.V6 {
		dst = appendKnown(dst, "IP Address: ", addr)
	}
	return appendSponsor(dst, host)
}

// appendNameservers appends the records of the host objects that have the
// address asked for, parted by one blank line (F-04). Of their addresses they
// show that one. A list that is not whole says so.
func appendNameservers(dst []byte, a *lookup.Answer) []byte {
	start, more := len(dst), a.More
	shown := 0
	for i := range a.Hosts {
		if len(dst)-start > maxRecords {
			more = true
			break
		}
		if i > 0 {
			dst = append(dst, newline...)
		}
		dst = appendKnown(dst, "Server Name: ", a.Hosts[i].Name)
		dst = appendKnown(dst, "IP Address: ", a.Name)
		dst = appendSponsor(dst, &a.Hosts[i])
		shown++
	}
	if more {
		dst = appendCut(dst, shown)
	}
	return dst
}

func appendSponsor(dst []byte, host *lookup.Host) []byte {
	if host.Registrar == nil {
		return dst
	}
	dst = appendField(dst, "Registrar: ", host.Registrar.Name)
	dst = appendWhoisServer(dst, host.Registrar)
	return appendURL(dst, host.Registrar)
}
