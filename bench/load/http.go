package load

import (
	"bytes"
	"errors"
	"fmt"
)

// response is an HTTP/1.1 response (RFC 9112 §2) as far as the load generator
// needs it. Its parts lie in the bytes it was read from.
type response struct {
	status int
	body   []byte
	length int // of the whole response
	etag   []byte
	gzip   bool
	closes bool // the server closes the connection after it
}

// parseResponse reads the first response in data. whole is false while more must
// come; ended says that nothing more will. bodiless: it is the answer to HEAD.
func parseResponse(data []byte, bodiless, ended bool) (r response, whole bool, err error) {
	head, rest, ok := cutHead(data)
	if !ok {
		return r, false, checkBeginning(data)
	}
	line, fields, _ := bytes.Cut(head, crlf)
	if r.status, err = parseStatus(line); err != nil {
		return r, false, err
	}
	old := line[len("HTTP/1.")] == '0'
	r.closes = old
	length, chunked := -1, false
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, crlf)
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			return r, false, fmt.Errorf("the header line %s", quote(line))
		}
		name, value := line[:colon], bytes.TrimSpace(line[colon+1:])
		// By length first: a comparison of names costs ten times as much.
		switch len(name) {
		case len("ETag"):
			if equalFold(name, "ETag") {
				r.etag = value
			}
		case len("Connection"):
			if equalFold(name, "Connection") {
				r.closes = !equalFold(value, "keep-alive")
			}
		case len("Content-Length"):
			if equalFold(name, "Content-Length") {
				if length, err = parseLength(value); err != nil {
					return r, false, err
				}
			}
		case len("Content-Encoding"):
			if equalFold(name, "Content-Encoding") {
				r.gzip = equalFold(value, "gzip")
			}
		case len("Transfer-Encoding"):
			if equalFold(name, "Transfer-Encoding") {
				chunked = equalFold(value, "chunked")
				if old {
					return r, false, errors.New("a transfer coding in an HTTP/1.0 response (RFC 9112 §6.1)")
				}
			}
		}
	}
	headLength := len(data) - len(rest)
	switch {
	case bodiless, r.status == 304, r.status == 204, r.status < 200:
		r.length = headLength
		return r, true, nil
	case chunked:
		body, n, whole, err := parseChunks(rest)
		r.body, r.length = body, headLength+n
		return r, whole, err
	case length >= 0:
		if len(rest) < length {
			return r, false, nil
		}
		r.body, r.length = rest[:length], headLength+length
		return r, true, nil
	}
	r.body, r.length, r.closes = rest, len(data), true
	return r, ended, nil
}

var (
	crlf    = []byte("\r\n")
	headEnd = []byte("\r\n\r\n")
)

// maxHead is the longest header that is read, in bytes.
const maxHead = 32 << 10

// cutHead returns the status line and the header lines, and what follows them.
func cutHead(data []byte) (head, rest []byte, ok bool) {
	end := bytes.Index(data, headEnd)
	if end < 0 {
		return nil, nil, false
	}
	return data[:end], data[end+len(headEnd):], true
}

// checkBeginning returns why data can no longer become a header.
func checkBeginning(data []byte) error {
	const begin = "HTTP/1."
	n := min(len(data), len(begin))
	switch {
	case string(data[:n]) != begin[:n]:
		return fmt.Errorf("no HTTP/1.1 response, it begins %s", quote(data))
	case len(data) > maxHead:
		return fmt.Errorf("a header of more than 32 KiB")
	}
	return nil
}

// parseStatus reads "HTTP/1.1 200 OK".
func parseStatus(line []byte) (int, error) {
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[8] != ' ' {
		return 0, fmt.Errorf("no HTTP/1.1 response, it begins %s", quote(line))
	}
	status := 0
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("the status line %s", quote(line))
		}
		status = 10*status + int(c-'0')
	}
	return status, nil
}

func parseLength(value []byte) (int, error) {
	n := 0
	for _, c := range value {
		if c < '0' || c > '9' || n > maxAnswer {
			return 0, fmt.Errorf("the content length %s", quote(value))
		}
		n = 10*n + int(c-'0')
	}
	if len(value) == 0 || n > maxAnswer {
		return 0, fmt.Errorf("the content length %s", quote(value))
	}
	return n, nil
}

// parseChunks reads a chunked body (RFC 9112 §7.1), n bytes of data.
func parseChunks(data []byte) (body []byte, n int, whole bool, err error) {
	rest := data
	for {
		line, after, ok := bytes.Cut(rest, crlf)
		if !ok {
			if len(rest) > 20 {
				return nil, 0, false, fmt.Errorf("the chunk size %s", quote(rest))
			}
			return nil, 0, false, nil
		}
		size, err := parseChunkSize(line)
		if err != nil {
			return nil, 0, false, err
		}
		if size == 0 {
			// Trailers end with an empty line; nobody sends any.
			if !bytes.HasPrefix(after, crlf) {
				if len(after) >= len(crlf) {
					return nil, 0, false, fmt.Errorf("a trailer after the chunks: %s", quote(after))
				}
				return nil, 0, false, nil
			}
			return body, len(data) - len(after) + len(crlf), true, nil
		}
		if len(after) < size+len(crlf) {
			return nil, 0, false, nil
		}
		body = append(body, after[:size]...)
		if !bytes.HasPrefix(after[size:], crlf) {
			return nil, 0, false, fmt.Errorf("a chunk that does not end after its %d bytes", size)
		}
		rest = after[size+len(crlf):]
	}
}

func parseChunkSize(line []byte) (int, error) {
	digits, _, _ := bytes.Cut(line, []byte{';'})
	size := 0
	for _, c := range digits {
		digit := 0
		switch {
		case c >= '0' && c <= '9':
			digit = int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			digit = int(c|0x20-'a') + 10
		default:
			return 0, fmt.Errorf("the chunk size %s", quote(line))
		}
		if size = 16*size + digit; size > maxAnswer {
			return 0, fmt.Errorf("a chunk of more than 4 MiB")
		}
	}
	if len(digits) == 0 {
		return 0, fmt.Errorf("the chunk size %s", quote(line))
	}
	return size, nil
}

// equalFold compares with ASCII text without regard to letter case.
func equalFold(b []byte, text string) bool {
	if len(b) != len(text) {
		return false
	}
	for i := range b {
		if b[i] != text[i] && (b[i]|0x20 != text[i]|0x20 || b[i]|0x20 < 'a' || b[i]|0x20 > 'z') {
			return false
		}
	}
	return true
}
