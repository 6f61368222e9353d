package whois

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// pieces is a connection that delivers one string a read, then its error.
type pieces struct {
	rest []string
	err  error
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, p.err
	}
	n := copy(b, p.rest[0])
	if p.rest[0] = p.rest[0][n:]; p.rest[0] == "" {
		p.rest = p.rest[1:]
	}
	return n, nil
}

var errReset = errors.New("connection reset by peer")

func TestReadLine(t *testing.T) {
	for _, test := range []struct {
		rule  string
		sent  string // reads parted by "|"
		then  error
		line  string
		alone bool
		err   error
	}{
		{"CR LF ends a line", "example.coop\r\n", io.EOF, "example.coop", true, nil},
		{"LF ends a line", "example.coop\n", io.EOF, "example.coop", true, nil},
		{"CR NUL ends a line", "example.coop\r\x00", io.EOF, "example.coop", true, nil},
		{"the first end counts", "a\r\x00b\n", io.EOF, "a", false, nil},
		{"the first end counts, LF", "a\nb\r\x00", io.EOF, "a", false, nil},
		{"CR alone ends nothing", "a\rb\n", io.EOF, "a\rb", true, nil},
		{"an end in two reads", "a\r|\n", io.EOF, "a", false, nil},
		{"CR NUL in two reads", "a\r|\x00", io.EOF, "a", false, nil},
		{"a byte a read", "a|b|\n", io.EOF, "ab", false, nil},
		{"half-close ends a line", "example.coop", io.EOF, "example.coop", false, nil},
		{"half-close without a printable byte", " \r\x00"[:2], io.EOF, "", false, errSilent},
		{"nothing at all", "", io.EOF, "", false, errSilent},
		{"an empty line is a line", "\r\n", io.EOF, "", true, nil},
		{"more than a line", "a\r\nb\r\n", io.EOF, "a", false, nil},
		{"telnet negotiation stays for the parser", "\xFF\xFD\x03a\r\n", io.EOF, "\xFF\xFD\x03a", true, nil},
		{"Ctrl-C", "\xFF\xF4\xFF\xFD\x06", io.EOF, "", false, errInterrupted},
		{"Ctrl-C in two reads", "exa\xFF|\xF4\xFF\xFD\x06", io.EOF, "", false, errInterrupted},
		{"Ctrl-C behind the line", "a\r\n\xFF\xF4\xFF\xFD\x06", io.EOF, "a", false, nil},
		{"a reset", "exa", errReset, "", false, errReset},
		{"a TLS hello is not waited for", "\x16\x03\x01\x02\x00\x01", errReset, "\x16\x03\x01\x02\x00\x01", false, nil},
		{"a remote desktop is not waited for", "\x03\x00\x00\x13", errReset, "\x03\x00\x00\x13", false, nil},
		{"too long a line is read to its end", strings.Repeat("x", 1000) + "\n", io.EOF, strings.Repeat("x", 1000), true, nil},
		{"but not past the buffer", strings.Repeat("x", 5000) + "\n", io.EOF, strings.Repeat("x", maxRead), false, nil},
	} {
		t.Run(test.rule, func(t *testing.T) {
			conn := &pieces{strings.Split(test.sent, "|"), test.then}
			if test.sent == "" {
				conn.rest = nil
			}
			line, alone, err := readLine(conn, nil)
			if string(line) != test.line || alone != test.alone || !errors.Is(err, test.err) {
				t.Errorf("readLine(%.60q) = %.60q, %v, %v; want %.60q, %v, %v",
					test.sent, line, alone, err, test.line, test.alone, test.err)
			}
		})
	}
}

// How the bytes are cut into reads changes nothing but alone.
func FuzzReadLineInPieces(f *testing.F) {
	for _, s := range []string{"a\r\n", "a\r\x00b", "\xFF\xF4\xFF\xFD\x06", "a\xFF\xF4\n", "a\r\r\n", "\n", "\r\x00\n", "x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		if len(sent) > maxRead || len(sent) > 1 && lineless(sent) != noJunk {
			return
		}
		whole, _, wholeErr := readLine(&pieces{[]string{string(sent)}, io.EOF}, nil)
		var single []string
		for _, c := range sent {
			single = append(single, string([]byte{c}))
		}
		line, _, err := readLine(&pieces{single, io.EOF}, nil)
		if string(line) != string(whole) || !errors.Is(err, wholeErr) {
			t.Errorf("readLine(%q) = %q, %v in one read and %q, %v byte by byte", sent, whole, wholeErr, line, err)
		}
	})
}
