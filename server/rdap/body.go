// Package rdap answers RDAP queries over HTTP (RFC 7480, 9082, 9083) under the
// gTLD profile of February 2024: routes, headers and the JSON form.
package rdap

import (
	"net/http"
	"strconv"

	"rddsd/cache/response"
	"rddsd/server/lookup"
)

// AppendBody appends the body that tells a, and returns it with its HTTP status
// (rdap.md §1.4). url is the URL that was asked for as AppendURL makes it. A server,
// which keeps what bodies have in common, renders faster.
func AppendBody(dst []byte, a *lookup.Answer, url []byte) (body []byte, status int) {
	body, status, _ = new(prebuilt).appendBody(dst, a, url)
	return body, status
}

// marks tell what is known of a body beside its bytes. Offsets count from its start.
type marks struct {
	// stamp is where the time of the last update stands, of which bodies that are the
	// same otherwise may have different ones; response.NoStamp.
	stamp int
	// What differs between bodies stands from begin to end, without what stands from
	// skip to resume; sum stands for all the rest.
	begin, skip, resume, end int
	sum                      uint64
}

// allOf are the marks of a body of which nothing is known but its stamp.
func allOf(body []byte, stamp int) marks { return marks{stamp: stamp, end: len(body)} }

// appendBody is AppendBody. It also returns the marks of the body, which begins at
// the start of dst. It does not allocate once dst has grown: a body has 1 to 8 kB.
func (b *prebuilt) appendBody(dst []byte, a *lookup.Answer, url []byte) (body []byte, status int, m marks) {
	switch a.Class {
	case lookup.Found, lookup.Degraded:
		dst, m = b.appendObject(dst, a, url)
		return dst, http.StatusOK, m
	case lookup.Help:
		dst = appendConformance(dst, true)
		dst = appendTerms(dst, a.Policy, url)
		dst = appendHelpNotice(dst, a.Policy, url)
		dst = append(dst, `]}`...)
		return dst, http.StatusOK, allOf(dst, response.NoStamp)
	}
	dst, status = appendRefusal(dst, a, url)
	return dst, status, allOf(dst, response.NoStamp)
}

// appendRefusal appends the body of an answer that shows nothing.
func appendRefusal(dst []byte, a *lookup.Answer, url []byte) (body []byte, status int) {
	switch a.Class {
	case lookup.NotFound, lookup.OtherTLD:
		status = http.StatusNotFound
	case lookup.Reserved:
		return appendError(dst, http.StatusNotFound, reservedName, "", a.Policy, url), http.StatusNotFound
	case lookup.Invalid:
		if a.Ambiguous {
			return appendError(dst, http.StatusBadRequest, ambiguous, "", a.Policy, url), http.StatusBadRequest
		}
		status = http.StatusBadRequest
	case lookup.Limited:
		status = http.StatusTooManyRequests
	case lookup.Unknown, lookup.Busy:
		status = http.StatusServiceUnavailable
	default:
		status = http.StatusInternalServerError
	}
	return appendError(dst, status, explain(status), "", a.Policy, url), status
}

// appendObject appends the body about something that was found.
func (b *prebuilt) appendObject(dst []byte, a *lookup.Answer, url []byte) ([]byte, marks) {
	site := b.site(a.Policy)
	if a.Object == lookup.Domain {
		return appendDomain(dst, a, url, site)
	}
	stamp := response.NoStamp
	dst = site.other.append(dst, url)
	switch a.Object {
	case lookup.Nameserver:
		dst = append(dst, ']')
		dst, stamp = appendNameserverLookup(dst, a, url)
	case lookup.Nameservers:
		if a.More {
			dst = append(dst, cut...)
		}
		dst = append(dst, ']')
		dst = appendNameserverResults(dst, a)
	case lookup.Registrar:
		dst = append(dst, ']')
		dst, stamp = appendRegistrarLookup(dst, a, url)
	}
	dst = append(dst, '}')
	return dst, allOf(dst, stamp)
}

// appendError appends the body of an error (RFC 9083 §6), with one more sentence
// if there is a detail. It says nothing of the query but the URL in the link of
// the notice.
func appendError(dst []byte, status int, description, detail string, p *lookup.Policy, url []byte) []byte {
	dst = appendConformance(dst, false)
	dst = append(dst, `,"errorCode":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, `,"title":`...)
	dst = appendString(dst, http.StatusText(status))
	dst = append(dst, `,"description":[`...)
	dst = appendString(dst, description)
	if detail != "" {
		dst = append(dst, `,"In detail: `...)
		dst = appendText(dst, detail)
		dst = append(dst, `."`...)
	}
	dst = append(dst, ']')
	dst = appendTerms(dst, p, url)
	return append(dst, `]}`...)
}

// reservedName tells that a name is neither registered nor free (whois.md Q-06).
const reservedName = "The name is reserved by the registry and cannot be registered."

// ambiguous tells that a registrar must be asked for in another way.
const ambiguous = "More than one registrar has this name: ask by IANA ID."

// explain returns the sentence that tells an error.
func explain(status int) string {
	switch status {
	case http.StatusMovedPermanently:
		return "This service is asked over TLS: follow Location."
	case http.StatusBadRequest:
		return "The request cannot be understood: check the name, the address or the percent-encoding."
	case http.StatusForbidden:
		return "Queries from this network are not answered."
	case http.StatusNotFound:
		return "No object in this registry matches the query."
	case http.StatusMethodNotAllowed:
		return "Only GET, HEAD and OPTIONS are answered here."
	case http.StatusRequestTimeout:
		return "The request did not arrive in time."
	case http.StatusRequestEntityTooLarge:
		return "A query has no body."
	case http.StatusRequestURITooLong:
		return "The URL is longer than any query needs."
	case http.StatusTooManyRequests:
		return "Too many queries from this network: wait as long as Retry-After says."
	case http.StatusRequestHeaderFieldsTooLarge:
		return "The header of the request is longer than any query needs."
	case http.StatusNotImplemented:
		return "This kind of query is not offered here."
	case http.StatusServiceUnavailable:
		return "The service is temporarily unable to answer: try again later."
	}
	return "The service failed to answer: try again later."
}
