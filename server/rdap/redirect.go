package rdap

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"rddsd/server/lookup"
)

// redirect answers a request to a port that leads to the service and does nothing else:
// the same path below the public base URL (rdap.md §1.1). No object is looked up, so it
// costs nothing and is not counted as a query.
func (s *Server) redirect(ctx *fasthttp.RequestCtx, c *conn, x *exchange) {
	head := &ctx.Request.Header
	target := originForm(head.RequestURI())
	path, rawQuery, _ := bytes.Cut(target, questionMark)
	base := s.basesOf(s.Cache.Current()).hosted(askedHost(head))
	switch {
	case c.crowded():
		s.refuseCrowded(ctx, c, x, request{client: c.client, base: base})
		return
	case head.IsOptions():
		writePreflight(ctx)
		return
	case !head.IsGet() && !head.IsHead():
		s.writeFailure(ctx, x, request{base: base}, failure{status: http.StatusMethodNotAllowed})
		return
	case len(path) > lookup.MaxPath || len(rawQuery) > lookup.MaxPath:
		s.writeFailure(ctx, x, request{base: base}, failure{status: http.StatusRequestURITooLong})
		return
	}
	x.url = appendLocation(x.url[:0], base.policy.BaseURL, path, rawQuery)
	ctx.Response.Header.SetCanonical(location, x.url)
	below, _ := bytes.CutPrefix(path, []byte(base.path))
	s.writeFailure(ctx, x, request{base: base, below: below}, failure{status: http.StatusMovedPermanently, keep: anHour})
}

// appendLocation appends the URL of path at the origin of base, with the parameters of
// searches alone: others are not copied (RFC 7480 §5.2, check -13004).
func appendLocation(dst []byte, base string, path, rawQuery []byte) []byte {
	dst = append(dst, strings.TrimSuffix(base, pathOf(base))...)
	dst = appendLegal(dst, path)
	mark := byte('?')
	for len(rawQuery) > 0 {
		var pair []byte
		pair, rawQuery, _ = bytes.Cut(rawQuery, []byte{'&'})
		switch name, _, _ := bytes.Cut(pair, []byte{'='}); string(name) {
		case "ip", "name", "nsLdhName", "nsIp", "fn", "handle":
			dst = appendLegal(append(dst, mark), pair)
			mark = '&'
		}
	}
	return dst
}
