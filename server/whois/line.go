package whois

import (
	"bytes"
	"errors"
	"io"
)

// MaxLine is the longest query line we read, in bytes, its end excluded. RFC
// 3912 sets none; the longest name is 253 bytes (RFC 1035 §2.3.4), the rest is room
// for a keyword and for U-labels. Other registries allow 512 to 8192.
const MaxLine = 512

// maxRead is how much of a query is read before it is answered, whatever comes
// (W-03): a line that is too long is read on to its end, or to here.
const maxRead = 4 << 10

// What a connection can carry instead of a line.
var (
	errSilent      = errors.New("the client closed without a query")
	errInterrupted = errors.New("the client sent a telnet interrupt")
)

// interrupt is what Ctrl-C in telnet begins with (RFC 854: IAC IP).
var interrupt = []byte{0xFF, 0xF4}

// usualRead is room for nearly every query, in bytes. Most of those who have no
// query ready send none, and are many: what they hold is this much.
const usualRead = 128

// readLine reads one query line, which begins with head, and returns it without
// its end. The line ends at the first LF, CR LF or CR NUL, or where the client stops
// writing after at least one printable byte (W-02). alone says that one read
// brought the line, its end, and nothing else.
//
// What cannot become a line, because its first bytes are those of a protocol
// without lines or because maxRead bytes have come, is returned as far as it was
// read. The error is errSilent, errInterrupted, or the connection's. The line may
// share the memory of head.
func readLine(conn io.Reader, head []byte) (line []byte, alone bool, err error) {
	buf, reads, seen := head, min(len(head), 1), 0
	for full := false; ; {
		end, next := lineEnd(buf, seen)
		if i := bytes.Index(buf[seen:], interrupt); i >= 0 && (end < 0 || seen+i < end) {
			return nil, false, errInterrupted
		}
		switch {
		case end >= 0:
			return buf[:end], reads == 1 && next == len(buf), nil
		case len(buf) >= maxRead, lineless(buf) != noJunk:
			return buf, false, nil
		case err == io.EOF && hasPrintable(buf):
			return buf, false, nil
		case err == io.EOF:
			return nil, false, errSilent
		case err != nil:
			return nil, false, err
		}
		seen = max(len(buf)-1, 0) // an end of two bytes may come in two reads
		if len(buf) == cap(buf) {
			room := usualRead
			if len(buf) >= room {
				room = maxRead
			}
			buf = append(make([]byte, 0, room), buf...)
		}
		var n int
		n, err = conn.Read(buf[len(buf):min(cap(buf), maxRead)])
		buf = buf[:len(buf)+n]
		if !full { // one that fills its room goes on in the next
			reads++
		}
		full = len(buf) == cap(buf)
	}
}

// lineEnd returns where the first line of b ends and the next begins, -1 and -1
// when it has no end. Before from there is none.
func lineEnd(b []byte, from int) (end, next int) {
	end, next = -1, -1
	if i := bytes.IndexByte(b[from:], '\n'); i >= 0 {
		end, next = from+i, from+i+1
		if end > 0 && b[end-1] == '\r' {
			end--
		}
		b = b[:next]
	}
	if i := bytes.Index(b[from:], []byte("\r\x00")); i >= 0 {
		end, next = from+i, from+i+2
	}
	return end, next
}

func hasPrintable(b []byte) bool {
	for _, c := range b {
		if c > ' ' && c != 0x7F && c != 0xFF {
			return true
		}
	}
	return false
}

// junk is a protocol that strangers try on port 43 (W-18). Its bytes get the
// answer to an invalid query, once, and are counted apart.
type junk uint8

const (
	noJunk junk = iota
	junkHTTP
	junkTLS
	junkRDP
	junkSMB

	junks = 5 // how many there are
)

// lineless recognises the protocols that send no line end and wait for an
// answer, so that they do not hold a connection until its deadline.
func lineless(b []byte) junk {
	switch {
	case bytes.HasPrefix(b, []byte{0x16, 0x03}): // TLS handshake record (RFC 8446 §5.1)
		return junkTLS
	case bytes.HasPrefix(b, []byte{0x03, 0x00}): // TPKT (RFC 1006 §6) of a remote desktop
		return junkRDP
	case bytes.HasPrefix(b, []byte{0x00, 0x00}): // NetBIOS session message (RFC 1002 §4.3.1)
		return junkSMB
	}
	return noJunk
}

// kindOfJunk recognises the first line, or the first bytes, of another protocol.
func kindOfJunk(line []byte) junk {
	if bytes.Contains(line, []byte(" HTTP/")) {
		return junkHTTP
	}
	return lineless(line)
}
