package lookup

import (
	"bytes"
	"math"
	"net/netip"
	"strings"
	"unicode"

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
	errForm      LineError = "it has no form that is known"
)

// ParseLine reads the query of a WHOIS line without its line end (whois.md §3,
// RFC 3912). It may change the bytes of line, and the strings of the Query share
// its memory. With an error comes the zero Query, which Find answers as invalid;
// the error is a LineError. An ASCII line costs no allocation.
func ParseLine(line []byte) (Query, error) {
	if name := text(line); isName(name) {
		return Query{Question: AskName, Name: name}, nil
	}
	return parseLine(line)
}

// isName reports whether line is a name as it is kept, under what may be a TLD. Nearly
// every query is, and there is nothing to take off it: it has neither blanks nor capitals,
// no address ends so, and no keyword and no ROID has a dot.
func isName(line string) bool {
	dot := strings.LastIndexByte(line, '.')
	return dot > 0 && registry.ValidHost(line) && !digits(line[dot+1:])
}

// parseLine is ParseLine for whatever comes.
func parseLine(line []byte) (Query, error) {
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
		return parseID(AskROID, argument)
	case "contact", "entity", "handle":
		return parseID(AskContact, argument)
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

// parseID reads the argument of a question for an identifier.
func parseID(question Question, argument []byte) (Query, error) {
	if !oneWord(argument) {
		return Query{}, errWords
	}
	if wildcard(text(argument)) {
		return Query{}, errForm
	}
	return Query{Question: question, Text: text(argument)}, nil
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
