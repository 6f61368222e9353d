package whois

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxText is the most bytes that a configured text may have.
const MaxText = 8 << 10

// Disclaimer returns the text that ends answers under tld unless the operator
// has another (whois.md §7.0). termsURL is where the terms of use stand;
// without one the text does not mention them. It passes CheckText when termsURL
// does.
func Disclaimer(tld, termsURL string) string {
	registry := "this registry" // without a TLD
	if tld != "" {
		registry = "the ." + tld + " registry"
	}
	// Debian's "whois -H" hides the text by its first words (T-03).
	text := "Access to WHOIS information is provided by " + registry + ` so that
records can be looked up one at a time, by people, for lawful purposes. Each
answer shows only what is public. You may not use it to send unsolicited
messages in bulk, and you may not send high-volume or automated queries,
except as reasonably needed to register or change a name. Accuracy rests
with the sponsoring registrars and is not guaranteed. No bulk copy of this
data is offered. Queries are counted per network and may be refused.`
	if termsURL != "" {
		text += "\nTerms of use and the RDAP service are at " + termsURL
	}
	return text
}

// CheckText returns why text, which an operator configured, must not stand in
// an answer (T-04, T-06): because it would break lines (W-08, W-09), or because a
// parser would read the answer for something else than it is. Its lines are
// parted by "\n" with none at the end; the empty text is fine. Every text of
// the configuration that WHOIS shows goes through it, the one-line ones too.
func CheckText(text string) error {
	if len(text) > MaxText {
		return fmt.Errorf("the text has %d bytes, at most %d are allowed: shorten it", len(text), MaxText)
	}
	if text == "" {
		return nil
	}
	if !utf8.ValidString(text) {
		return errors.New("the text is not UTF-8: save the file as UTF-8")
	}
	if strings.HasPrefix(text, "\n") || strings.HasSuffix(text, "\n") {
		return errors.New("the text begins or ends with an empty line: take it out")
	}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if err := checkLine(line); err != nil {
			return fmt.Errorf("line %d of the text %w", number, err)
		}
	}
	return checkWords(text)
}

// CheckNotice is CheckText for a text of one line.
func CheckNotice(line string) error {
	if strings.Contains(line, "\n") {
		return errors.New("the text has several lines: write one")
	}
	return CheckText(line)
}

// CheckComplaint returns why line, which an operator configured, must not name the
// complaint form in answers. It is the one text that has the form of a field, and
// its label is told from those of the record by its first words.
func CheckComplaint(line string) error {
	const begin = "URL of "
	label, url, _ := strings.Cut(line, ": ")
	switch {
	case line == "":
		return nil
	case !strings.HasPrefix(label, begin) || !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://"):
		return fmt.Errorf("the text is not of the form %q: write it so", begin+"the form: https://www.nic.example/form")
	case strings.ContainsAny(url, " \n"):
		return errors.New("the text goes on behind the URL: let it end there")
	case len(line) > maxLine-len(newline):
		return fmt.Errorf("the text has %d bytes, at most %d are allowed: shorten it", len(line), maxLine-len(newline))
	}
	if err := CheckNotice(label); err != nil {
		return err
	}
	return CheckNotice(url)
}

func checkLine(line string) error {
	if len(line) > maxLine-len(newline) {
		return fmt.Errorf("has %d bytes, at most %d are allowed: break it", len(line), maxLine-len(newline))
	}
	if strings.Trim(line, " ") != line {
		return errors.New("begins or ends with a blank: take it out")
	}
	for i, r := range line {
		switch {
		case r != ' ' && isBlank(r):
			return fmt.Errorf("holds the control character U+%04X: take it out, indent with blanks", r)
		case r == ':' && (i+1 == len(line) || line[i+1] == ' '):
			return fmt.Errorf("holds %q, which clients read as a field of the record: leave the colon out",
				line[strings.LastIndexByte(line[:i], ' ')+1:i+1])
		case r == '@' && i > 0 && line[i-1] != ' ' && i+1 < len(line) && line[i+1] != ' ':
			return errors.New("holds an e-mail address, which clients read as a contact of the record: point to a web page")
		case r == '&' && beginsEntity(line[i:]):
			return errors.New("holds an HTML entity, which some clients decode and others do not: write the character itself")
		}
	}
	return nil
}

// forbidden are words that parsers take for a sign that a name is free, that
// the client is over its limit, or that the name is reserved (§4.2 to §4.4). What is
// configured stands in answers of every class, so it may hold none of them, in
// any letter case.
var forbidden = [...]struct{ sign, words string }{
	{"that the name is free", "no match|not found|no found|no entries found|no data found|no object found|nothing found|" +
		"no matching record|object does not exist|domain name not known|domain you requested is not known|" +
		"available for re-registration|invalid query|not available|not registered|not been registered|not match|is free|" +
		"query returned 0 objects|but this server does not have|status: free|status: available|" +
		"no domain records were found|available for registration"},
	{"that the client is over its limit", "limit exceeded|exceeded your query limit|quota exceeded|exceeded the maximum allowable|" +
		"restricted due to excessive queries|due to query limit controls|you have exceeded your allotted number of|" +
		"maximum daily connection limit reached|maximum query rate reached|number of allowed queries exceeded|" +
		"server too busy|query rate of|too many requests|you have exceeded this limit|% error|the whois query quota for|" +
		"request limit exceeded for|only 1 request per second allowed|excessive querying, grace period|please go away for|" +
		"too many connections"},
	{"that the name is reserved", "reserved by registry|reserved domain name|reserved by the registry|" +
		"can not be registered online|dpml brand protection|subscribes to the uni eps|subscribes to the adultblock|" +
		"name is reserved by"},
}

func checkWords(text string) error {
	words := strings.Fields(strings.ToLower(text))
	folded := strings.Join(words, " ") // some parsers look over line ends
	for _, list := range forbidden {
		for word := range strings.SplitSeq(list.words, "|") {
			if strings.Contains(folded, word) {
				return fmt.Errorf("the text holds %q, which clients read as a sign %s: say it in other words", word, list.sign)
			}
		}
	}
	for i, word := range words {
		if !strings.HasSuffix(word, "domain") || i+1 == len(words) {
			continue
		}
		next := words[i+1]
		if next == "name" && i+2 < len(words) {
			next = words[i+2]
		}
		if dot := strings.IndexByte(next, '.'); dot >= 0 && dot+1 < len(next) {
			return fmt.Errorf("the text holds %q behind the word \"domain\", which clients read as a registered name: say it in other words", next)
		}
	}
	return nil
}
