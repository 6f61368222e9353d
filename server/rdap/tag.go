package rdap

import (
	"bytes"

	"github.com/cespare/xxhash/v2"

	"rddsd/cache/response"
)

// appendTag appends the entity tag of a body with marks m: a hash of all of it but its
// stamp, and so of the object, its hosts, contacts, registrar and notices, of the URL
// that was asked for, and of what this client may see. It is weak (RFC 9110 §8.8.1),
// because the time of the last update passes under it, and the same from every edge.
//
// The parts that the sum in m stands for are not read again: of a domain's body that is
// three quarters. The URL stands in the rest too.
func appendTag(dst, body []byte, m marks) []byte {
	var h xxhash.Digest
	h.ResetWithSeed(m.sum)
	before := m.begin
	if m.stamp != response.NoStamp {
		_, _ = h.Write(body[before:m.stamp]) // never fails
		before = m.stamp + response.StampSize
	}
	if m.skip != 0 {
		_, _ = h.Write(body[before:m.skip])
		before = m.resume
	}
	_, _ = h.Write(body[before:m.end])
	dst = append(dst, `W/"`...)
	sum := h.Sum64()
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[sum>>shift&15])
	}
	return append(dst, '"')
}

// hasTag reports whether one of the fields of an If-None-Match names tag, by weak
// comparison (RFC 9110 §13.1.2), or any. No quote can stand inside a tag, so one
// that is found with its quotes is one of the list.
func hasTag(fields [][]byte, tag []byte) bool {
	quoted := tag[len(`W/`):]
	for _, field := range fields {
		if bytes.Contains(field, quoted) || string(bytes.TrimSpace(field)) == "*" {
			return true
		}
	}
	return false
}
