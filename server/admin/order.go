package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
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
)

// maxReason is the longest reason, in bytes.
const maxReason = 500

// given is the body of an order.
type given struct {
	Reason string `json:"reason"`
}

// taken is the answer to an order.
type taken struct {
	Error string `json:"error,omitempty"` // "" = it was carried out
}

// order carries out one order and logs who gave it and why.
func (s *Server) order(ctx *fasthttp.RequestCtx) {
	order := Order(strings.TrimPrefix(string(ctx.Path()), "/"))
	if order != Reload && order != Accept && order != Reject {
		answer(ctx, http.StatusNotFound, fmt.Errorf("there is no order %q; there are %s, %s and %s", order, Reload, Accept, Reject))
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

	err := s.carryOut(ctx, order, g.Reason)
	level, outcome := slog.LevelInfo, "done"
	if err != nil {
		level, outcome = slog.LevelWarn, err.Error()
	}
	s.Log.Log(ctx, level, "audit", "order", string(order), "uid", uid, "reason", g.Reason, "outcome", outcome)
	switch {
	case err == nil:
		answer(ctx, http.StatusOK, nil)
	case errors.Is(err, feed.ErrNothingHeld):
		answer(ctx, http.StatusConflict, err)
	default:
		answer(ctx, http.StatusUnprocessableEntity, err)
	}
}

func (s *Server) carryOut(ctx *fasthttp.RequestCtx, order Order, reason string) error {
	if order == Reload {
		return s.Reload(ctx)
	}
	return s.Decide(order == Accept, reason)
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
	var t taken
	if err != nil {
		t.Error = err.Error()
	}
	body, failed := json.Marshal(t)
	if failed != nil {
		ctx.Error(failed.Error(), http.StatusInternalServerError)
		return
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}
