package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"
)

// clientTimeout bounds one call of a client; a reload reads files.
const clientTimeout = 30 * time.Second

// maxReply is the longest body that a client reads, in bytes.
const maxReply = 8 << 20

// FetchStatus asks the server whose admin address is at url, such as
// http://127.0.0.1:9180 or 127.0.0.1:9180, for its status. body is what it sent.
func FetchStatus(ctx context.Context, url string) (status *Status, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	transport := new(http.Transport) // no proxy of the environment: the server is here
	defer transport.CloseIdleConnections()
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	page := strings.TrimSuffix(url, "/") + "/status"
	code, body, err := call(ctx, transport, http.MethodGet, page, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("ask rddsd at %s for its status: %w; start it, or name its admin listener with --admin", url, err)
	}
	status = new(Status)
	if err := json.Unmarshal(body, status); code != http.StatusOK || err != nil || status.Version == "" {
		return nil, nil, fmt.Errorf("ask rddsd at %s for its status: what answers there is not rddsd (HTTP status %d); name its admin listener with --admin", url, code)
	}
	return status, body, nil
}

// Send gives an order to the server whose socket is at path, and returns once
// it is carried out, or what the server has against it.
func Send(ctx context.Context, path string, order Order, reason string) error {
	_, err := SendAbout(ctx, path, order, About{}, reason)
	return err
}

// SendAbout is Send of an order that is about something. note is what the server has
// to say about an order that it carried out, "" = nothing.
func SendAbout(ctx context.Context, path string, order Order, about About, reason string) (note string, err error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	body, err := json.Marshal(given{reason, about})
	if err != nil {
		return "", err
	}
	_, reply, err := call(ctx, transport, http.MethodPost, "http://socket/"+string(order), body)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%s: orders at %s: %w; give it as root, or as the user that runs rddsd", order, path, err)
	case err != nil:
		return "", fmt.Errorf("%s: no rddsd takes orders at %s: %w; start it, or name its directory with --data", order, path, err)
	}
	var t taken
	if err := json.Unmarshal(reply, &t); err != nil {
		return "", fmt.Errorf("%s: what answers at %s is not rddsd: %w", order, path, err)
	}
	if t.Error != "" {
		return "", fmt.Errorf("%s: %s", order, t.Error)
	}
	return t.Note, nil
}

func call(ctx context.Context, transport http.RoundTripper, method, url string, body []byte) (code int, reply []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, nil, err
	}
	reply, err = io.ReadAll(io.LimitReader(response.Body, maxReply))
	return response.StatusCode, reply, errors.Join(err, response.Body.Close())
}
