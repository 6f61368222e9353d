package lookup

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Telnet commands (RFC 854).
const (
	iac       = 0xff
	subEnd    = 0xf0 // SE
	interrupt = 0xf4 // IP
	subBegin  = 0xfa // SB
	will      = 0xfb // WILL, WONT, DO, DONT: fb to fe, each with an option
	dont      = 0xfe
)

// clean takes out of line what is no text, in place (whois.md W-12): telnet
// negotiation and control bytes. A TAB is a blank; blanks are collapsed, and
// trimmed at both ends. What is left must be UTF-8 (W-13) and is brought to NFC.
func clean(line []byte) ([]byte, error) {
	out, ascii := line[:0], true
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == iac:
			skip, interrupted := telnet(line[i:])
			if interrupted {
				return nil, Interrupted
			}
			i += skip - 1
		case c == ' ' || c == '\t':
			if len(out) > 0 && out[len(out)-1] != ' ' {
				out = append(out, ' ')
			}
		case c < ' ' || c == 0x7f:
		default:
			ascii = ascii && c < utf8.RuneSelf
			out = append(out, c)
		}
	}
	out = bytes.TrimSuffix(out, blank)
	if ascii {
		return out, nil
	}
	if !utf8.Valid(out) {
		return nil, errUTF8
	}
	if !norm.NFC.IsNormal(out) {
		out = norm.NFC.Bytes(out)
	}
	return out, nil
}

// telnet returns how many bytes the telnet command at the start of b has.
func telnet(b []byte) (n int, interrupted bool) {
	if len(b) < 2 {
		return len(b), false
	}
	switch c := b[1]; {
	case c == interrupt:
		return 2, true
	case c == subBegin:
		end := bytes.Index(b, []byte{iac, subEnd})
		if end < 0 {
			return len(b), false
		}
		return end + 2, false
	case will <= c && c <= dont:
		return min(3, len(b)), false
	}
	return 2, false
}
