package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"rddsd/cache/feed"
)

// Order is what an operator can have the running program do.
type Order string

// The orders. Each is a path of the socket.
const (
	Reload Order = "reload" // read the configuration again
	Accept Order = "accept" // publish what the feed holds
	Reject Order = "reject" // drop what the feed holds

	Unblock  Order = "unblock"  // forget what a client was charged
	Withhold Order = "withhold" // show no contact value of a domain
	Release  Order = "release"  // show them again
)

// orders are all of them.
var orders = []Order{Reload, Accept, Reject, Unblock, Withhold, Release}

// maxReason is the longest reason, in bytes.
const maxReason = 500

// About is what an order is about, if it is about something.
type About struct {
	Target string    `json:"target,omitempty"` // an address, a name
	Until  time.Time `json:"until,omitzero"`
}

// given is the body of an order.
type given struct {
	Reason string `json:"reason"`
	About
}

// taken is the answer to an order.
type taken struct {
	Error string `json:"error,omitempty"` // "" = it was carried out
	Note  string `json:"note,omitempty"`  // what whoever gave it should know besides
}

// order carries out one order and logs who gave it and why.
func (s *Server) order(ctx *fasthttp.RequestCtx) {
	order := Order(strings.TrimPrefix(string(ctx.Path()), "/"))
	if strings.HasPrefix(string(order), inspections) {
		s.inspect(ctx)
		return
	}
	if !slices.Contains(orders, order) {
		answer(ctx, http.StatusNotFound, fmt.Errorf("there is no order %q; there are %s", order, orders))
		return
	}
	if !ctx.IsPost() {
		ctx.Response.Header.Set("Allow", http.MethodPost)
		answer(ctx, http.StatusMethodNotAllowed, errors.New("an order is sent with POST"))
		return
	}
	var g given
	if err := json.Unmarshal(ctx.PostBody(), &g); err != nil {
		answer(ctx, http.StatusBadRequest, fmt.Errorf(`the body is not {"reason": "..."}: %w`, err))
		return
	}
	if err := CheckReason(order, g.Reason); err != nil {
		answer(ctx, http.StatusBadRequest, err)
		return
	}
	uid := -1
	if conn, ok := ctx.Conn().(*peer); ok {
		uid = conn.uid
	}

	note, err := s.carryOut(ctx, order, g)
	level, outcome := slog.LevelInfo, "done"
	if err != nil {
		level, outcome = slog.LevelWarn, err.Error()
	}
	line := []any{"order", string(order), "uid", uid, "reason", g.Reason, "outcome", outcome}
	if target := audited(order, g.Target); target != "" {
		line = append(line, "target", target)
	}
	s.Log.Log(ctx, level, "audit", line...)
	switch {
	case err == nil:
		reply(ctx, http.StatusOK, taken{Note: note})
	case errors.Is(err, feed.ErrNothingHeld):
		answer(ctx, http.StatusConflict, err)
	default:
		answer(ctx, http.StatusUnprocessableEntity, err)
	}
}

func (s *Server) carryOut(ctx *fasthttp.RequestCtx, order Order, g given) (note string, err error) {
	switch order {
	case Reload:
		return "", s.Reload(ctx)
	case Accept, Reject:
		return "", s.Decide(order == Accept, g.Reason)
	}
	return s.Order(order, g.About, g.Reason)
}

// audited returns what of the target of an order stands in the log: of an address
// the network alone (whois.md L-12).
func audited(order Order, target string) string {
	if order != Unblock {
		return target
	}
	addr, err := netip.ParseAddr(target)
	if err != nil {
		return ""
	}
	bits := 48
	if addr = addr.Unmap(); addr.Is4() {
		bits = 24
	}
	network, _ := addr.WithZone("").Prefix(bits) // no error: bits fits the family
	return network.String()
}

// CheckReason refuses what would make a bad line in the log. What is decided
// about the registry's data needs a reason; reading a file again does not.
func CheckReason(order Order, reason string) error {
	switch {
	case order != Reload && strings.TrimSpace(reason) == "":
		return errors.New("a reason is needed, which the log keeps; give it with --reason")
	case len(reason) > maxReason:
		return fmt.Errorf("the reason has %d bytes; write %d at most", len(reason), maxReason)
	case !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl):
		return errors.New("the reason holds a control character; write one line of text")
	}
	return nil
}

func answer(ctx *fasthttp.RequestCtx, status int, err error) {
	reply(ctx, status, taken{Error: err.Error()})
}

func reply(ctx *fasthttp.RequestCtx, status int, t taken) {
	body, failed := json.Marshal(t)
	if failed != nil {
		ctx.Error(failed.Error(), http.StatusInternalServerError)
		return
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}
