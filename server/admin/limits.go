package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// inspections is what the paths of questions begin with.
const inspections = "limits/"

// inspect answers a question about the limits.
func (s *Server) inspect(ctx *fasthttp.RequestCtx) {
	if !ctx.IsGet() {
		ctx.Response.Header.Set("Allow", http.MethodGet)
		answer(ctx, http.StatusMethodNotAllowed, errors.New("a question is asked with GET"))
		return
	}
	args, err := url.ParseQuery(string(ctx.QueryArgs().QueryString()))
	var reply any
	if err == nil {
		reply, err = s.Inspect(strings.TrimPrefix(string(ctx.Path()), "/"+inspections), args)
	}
	if err != nil {
		answer(ctx, http.StatusBadRequest, err)
		return
	}
	body, err := json.Marshal(reply)
	if err != nil {
		answer(ctx, http.StatusInternalServerError, err)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

// Inspect asks the server whose socket is at path a question about the limits, and
// decodes what it says into reply.
func Inspect(ctx context.Context, path, question string, args url.Values, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	code, body, err := call(ctx, transport, http.MethodGet, "http://socket/"+inspections+question+"?"+args.Encode(), nil)
	if err != nil {
		return fmt.Errorf("ask rddsd at %s about its limits: %w; start it, or name its directory with --data", path, err)
	}
	if code != http.StatusOK {
		var t taken
		if err := json.Unmarshal(body, &t); err != nil || t.Error == "" {
			return fmt.Errorf("ask rddsd at %s about its limits: what answers there is not rddsd (HTTP status %d)", path, code)
		}
		return errors.New(t.Error)
	}
	if err := json.Unmarshal(body, reply); err != nil {
		return fmt.Errorf("ask rddsd at %s about its limits: %w", path, err)
	}
	return nil
}
