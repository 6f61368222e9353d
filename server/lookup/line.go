package lookup

import (
	"bytes"
	"math"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rddsd/cache/registry"
)

// LineError says why a line is not a query. Nothing of the line is in it.
type LineError string

func (e LineError) Error() string { return "parse a query line: " + string(e) }

// What a line can be instead of a query. Interrupted is Ctrl-C in telnet: the
// client wants the connection closed, not an answer (whois.md W-12).
const (
	Interrupted LineError = "it is a telnet interrupt"

	errEmpty     LineError = "it is empty"
	errUTF8      LineError = "it is not UTF-8"
	errWords     LineError = "the keyword takes one word"
	errName      LineError = "it holds no valid name"
	errAddress   LineError = "it holds no valid address"
	errRegistrar LineError = "it names no registrar"
	errContact   LineError = "contacts are not offered"
	errForm      LineError = "it has no form that is known"
)

// ParseLine reads the query of a WHOIS line without its line end (whois.md §3,
// RFC 3912). It may change the bytes of line, and the strings of the Query share
// its memory. With an error comes the zero Query, which Find answers as invalid;
// the error is a LineError. An ASCII line costs no allocation.
func ParseLine(line []byte) (Query, error) {
	rest, err := clean(line)
	if err != nil {
		return Query{}, err
	}
	rest = unwrap(rest)
	if len(rest) == 0 {
		return Query{}, errEmpty
	}
	word, argument, more := bytes.Cut(rest, blank)
	switch keyword(text(word)) {
	case "?", "help":
		return Query{Question: AskHelp}, nil
	case "domain", "dom":
		return parseDomain(argument)
	case "nameserver", "host", "ns":
		return parseNameserver(argument)
	case "registrar":
		return parseRegistrar(argument)
	case "roid":
		return parseROID(argument)
	case "contact", "entity", "handle":
		return Query{}, errContact
	}
	if more {
		return parseWords(rest, argument)
	}
	return parseBare(rest)
}

var blank = []byte{' '}

// keyword returns word in lower case when it is a keyword, else "". The list
// is whois.md §3.2.
func keyword(word string) string {
	for _, k := range [...]string{
		"?", "ns", "dom", "help", "host", "roid", "domain", "entity", "handle", "contact", "registrar", "nameserver",
	} {
		if len(word) == len(k) && strings.EqualFold(word, k) {
			return k
		}
	}
	return ""
}

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

// unwrap takes off what people and other registries' clients put round a query
// (whois.md §3.1, steps 2 to 6). Only an authorised proxy's flags would mean
// something (L-09), and there is none.
func unwrap(rest []byte) []byte {
	if bytes.HasPrefix(rest, []byte{'-'}) {
		rest = rest[bytes.LastIndexByte(rest, ' ')+1:]
		if rest[0] == '-' {
			return nil
		}
	}
	rest = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte{'='}), blank)
	if word, after, _ := bytes.Cut(rest, blank); strings.EqualFold(text(word), "full") {
		rest = after
	}
	if len(rest) >= 2 && rest[0] == '!' && rest[1]|0x20 == 'n' {
		rest = bytes.TrimPrefix(rest[2:], blank)
	}
	rest = unquote(rest)
	rest = host(rest)
	rest = bytes.TrimSuffix(rest, []byte("/e"))
	return bytes.TrimSuffix(trimDot(rest), blank)
}

// unquote takes one pair of quotes off b.
func unquote(b []byte) []byte {
	for _, pair := range [...][2]string{{`"`, `"`}, {"'", "'"}, {"\u201c", "\u201d"}} {
		if len(b) >= len(pair[0])+len(pair[1]) && strings.HasPrefix(text(b), pair[0]) && strings.HasSuffix(text(b), pair[1]) {
			return bytes.Trim(b[len(pair[0]):len(b)-len(pair[1])], " ")
		}
	}
	return b
}

// host returns the host of b when b is a web address, else b.
func host(b []byte) []byte {
	start := 0
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(b) >= len(scheme) && strings.EqualFold(text(b[:len(scheme)]), scheme) {
			start = len(scheme)
		}
	}
	if start == 0 {
		return b
	}
	b = b[start:]
	if end := bytes.IndexAny(b, "/?# "); end >= 0 {
		b = b[:end]
	}
	if bytes.HasPrefix(b, []byte{'['}) {
		return b[:bytes.IndexByte(b, ']')+1]
	}
	if port := bytes.IndexByte(b, ':'); port >= 0 {
		b = b[:port]
	}
	return b
}

func parseDomain(argument []byte) (Query, error) {
	if !oneWord(argument) {
		return Query{}, errWords
	}
	name, ok := fold(argument)
	if !ok || !registry.ValidName(name) {
		return Query{}, errName
	}
	return Query{Question: AskDomain, Name: name}, nil
}

func parseNameserver(argument []byte) (Query, error) {
	if !oneWord(argument) {
		return Query{}, errWords
	}
	if looksLikeAddress(argument) {
		return parseAddress(argument)
	}
	name, ok := fold(argument)
	if !ok || numericTop(name) {
		return Query{}, errName
	}
	return Query{Question: AskNameserver, Name: name}, nil
}

func parseAddress(word []byte) (Query, error) {
	s := text(word)
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' && strings.Contains(s, ":") {
		s = s[1 : len(s)-1]
	}
	addr, ok := address(s)
	if !ok {
		return Query{}, errAddress
	}
	return Query{Question: AskAddress, Addr: addr}, nil
}

// address reads an IPv4 or IPv6 address, not a prefix, without a zone. IPv4 in
// an IPv6 form is IPv4 (whois.md Q-09).
func address(s string) (netip.Addr, bool) {
	if strings.Contains(s, "%") {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err == nil
}

// looksLikeAddress reports whether word is an address or nothing: it has a
// colon, or only digits and dots.
func looksLikeAddress(word []byte) bool {
	if bytes.IndexByte(word, ':') >= 0 {
		return true
	}
	dots := false
	for _, c := range word {
		if c != '.' && !isDigit(c) {
			return false
		}
		dots = dots || c == '.'
	}
	return dots
}

func parseRegistrar(argument []byte) (Query, error) {
	s := text(argument)
	if digits(s) {
		return Query{Question: AskIANA, IANA: number(s)}, nil
	}
	if lettersAndDigits(s) == 0 || wildcard(s) {
		return Query{}, errRegistrar
	}
	return Query{Question: AskRegistrar, Text: s}, nil
}

func parseROID(argument []byte) (Query, error) {
	if !oneWord(argument) {
		return Query{}, errWords
	}
	if wildcard(text(argument)) {
		return Query{}, errForm
	}
	return Query{Question: AskROID, Text: text(argument)}, nil
}

// parseBare reads one word without a keyword.
func parseBare(word []byte) (Query, error) {
	s := text(word)
	switch {
	case looksLikeAddress(word):
		return parseAddress(word)
	case digits(s):
		return Query{Question: AskIANA, IANA: number(s)}, nil
	case bareROID(s):
		return Query{Question: AskROID, Text: s}, nil
	case dotted(s):
		name, ok := fold(word)
		if !ok || numericTop(name) {
			return Query{}, errName
		}
		return Query{Question: AskName, Name: name}, nil
	case lettersAndDigits(s) < minText || wildcard(s):
		return Query{}, errForm
	}
	// A registrar, unless it is one of our TLDs, which the View will tell.
	q := Query{Question: AskRegistrar, Text: s}
	if name, ok := fold(word); ok {
		q.Name = name
	}
	return q, nil
}

// minText is how many letters and digits make words without a keyword a
// registrar's name (whois.md §3.2).
const minText = 3

// parseWords reads several words without a keyword; argument is all but the
// first.
func parseWords(rest, argument []byte) (Query, error) {
	s := text(rest)
	if lettersAndDigits(s) < minText || wildcard(s) || foreign(s) {
		return Query{}, errForm
	}
	// "sum NAME": a name if it is one of ours, which the View will tell; else
	// the whole is the registrar Foo Example.com.
	if oneWord(argument) && dotted(text(argument)) {
		if name, ok := fold(argument); ok && !numericTop(name) {
			return Query{Question: AskName, Name: name, Text: s}, nil
		}
	}
	return Query{Question: AskRegistrar, Text: s}, nil
}

// foreign reports whether several words are another protocol's first line: a
// request line, which ends in a version (GET / HTTP/1.1), or a PROXY header
// (whois.md W-16, W-18).
func foreign(s string) bool {
	if strings.HasPrefix(s, "PROXY ") {
		return true
	}
	last := s[strings.LastIndexByte(s, ' ')+1:]
	protocol, version, ok := strings.Cut(last, "/")
	if !ok || protocol == "" {
		return false
	}
	major, minor, ok := strings.Cut(version, ".")
	return ok && digits(major) && digits(minor)
}

// bareROID reports whether s has the form of a ROID that needs no keyword: a
// number, hexadecimal at most, with the letter of its kind before or behind it
// (D for domain, H for host, C for contact), a hyphen and the repository's
// suffix: D123-COOP, 123D-COOP. Other words with a hyphen name registrars.
func bareROID(s string) bool {
	local, suffix, ok := strings.Cut(s, "-")
	if !ok || len(local) < 2 || len(local) > 80 || len(suffix) == 0 || len(suffix) > 8 {
		return false
	}
	for i := 0; i < len(suffix); i++ {
		if c := suffix[i]; !isDigit(c) && !isLetter(c) && c != '_' {
			return false
		}
	}
	if isKind(local[0]) {
		return hexNumber(local[1:])
	}
	return isKind(local[len(local)-1]) && hexNumber(local[:len(local)-1])
}

func isKind(c byte) bool {
	c |= 0x20
	return c == 'd' || c == 'h' || c == 'c'
}

// hexNumber reports whether s is hexadecimal and begins with a digit.
func hexNumber(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return s != "" && isDigit(s[0])
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func oneWord(b []byte) bool { return len(b) > 0 && bytes.IndexByte(b, ' ') < 0 }

// wildcard reports whether s holds what other servers take for a pattern
// (whois.md Q-04).
func wildcard(s string) bool { return strings.ContainsAny(s, "*%?") }

// number returns the value of digits, math.MaxInt if it is larger than that: no
// registrar has that IANA ID.
func number(digits string) int {
	n := 0
	for i := 0; i < len(digits); i++ {
		d := int(digits[i] - '0')
		if n > (math.MaxInt-d)/10 {
			return math.MaxInt
		}
		n = n*10 + d
	}
	return n
}

// lettersAndDigits counts those of s.
func lettersAndDigits(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
