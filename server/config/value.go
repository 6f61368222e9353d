package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/lookup"
)

// form is the form in which a value was written.
type form uint8

const (
	text    form = iota // a TOML string
	bare                // a variable of the environment: may stand for any form
	boolean             // true or false
	number              // an integer or a decimal
	date                // a TOML date or time
	list                // [ … ]
	table               // { … }
)

// value is one value as it was written.
type value struct {
	form form
	text string  // text, bare: its content; boolean, number, date: as written
	list []value // list: its elements
	at   origin
}

// String describes v to whoever wrote it.
func (v value) String() string {
	switch v.form {
	case text, bare:
		if len(v.text) > 60 {
			return fmt.Sprintf("the text %q…", v.text[:60])
		}
		return fmt.Sprintf("the text %q", v.text)
	case number:
		return "the number " + v.text
	case date:
		return "the date " + v.text
	case list:
		return "a list"
	case table:
		return "a table"
	}
	return v.text
}

// elements returns the elements of a list. A variable of the environment parts
// them by commas; an empty one is the empty list.
func (v value) elements() ([]value, bool) {
	switch {
	case v.form == list:
		return v.list, true
	case v.form != bare:
		return nil, false
	case strings.TrimSpace(v.text) == "":
		return nil, true
	}
	var elements []value
	for part := range strings.SplitSeq(v.text, ",") {
		elements = append(elements, value{form: bare, text: strings.TrimSpace(part), at: v.at})
	}
	return elements, true
}

// words are the values that a key may have.
type words[T any] []struct {
	word  string
	value T
}

var (
	profiles  = words[lookup.Profile]{{"2024", lookup.Profile2024}, {"2017", lookup.Profile2017}}
	logLevels = words[slog.Level]{{"debug", slog.LevelDebug}, {"info", slog.LevelInfo}, {"warn", slog.LevelWarn}, {"error", slog.LevelError}}
	fields    = words[ForwardedField]{{"X-Forwarded-For", "X-Forwarded-For"}, {"Forwarded", "Forwarded"}}
	formats   = words[LogFormat]{{LogAuto.String(), LogAuto}, {LogJSON.String(), LogJSON}, {LogText.String(), LogText}}
	models    = words[registry.ContactModel]{
		{registry.ModelFull.String(), registry.ModelFull},
		{registry.ModelMinimum.String(), registry.ModelMinimum},
		{registry.ModelPerRegistrar.String(), registry.ModelPerRegistrar},
	}
	modes = words[ratelimit.Mode]{
		{ratelimit.Enforce.String(), ratelimit.Enforce},
		{ratelimit.DryRun.String(), ratelimit.DryRun},
		{ratelimit.Off.String(), ratelimit.Off},
	}
)

// set gives the key at path, which field holds, the value v, or reports why it
// cannot have it.
func (l *loader) set(path string, field reflect.Value, v value) {
	l.config.origins[path] = v.at
	var want string
	switch field := field.Addr().Interface().(type) {
	case *string:
		if v.form == text || v.form == bare {
			*field = v.text
			return
		}
		want = "a text in quotes"
	case *bool:
		if b, err := strconv.ParseBool(v.text); err == nil && (v.form == boolean || v.form == bare) {
			*field = b
			return
		}
		want = "true or false, without quotes"
	case *int:
		if n, err := strconv.ParseInt(v.text, 0, 32); err == nil && (v.form == number || v.form == bare) {
			*field = int(n)
			return
		}
		want = "a whole number, without quotes"
	case *float64:
		if n, err := strconv.ParseFloat(strings.ReplaceAll(v.text, "_", ""), 64); err == nil && (v.form == number || v.form == bare) {
			*field = n
			return
		}
		want = "a number, without quotes"
	case *time.Duration:
		if d, err := time.ParseDuration(v.text); err == nil && (v.form == text || v.form == bare) {
			*field = d
			return
		}
		want = `a duration with its unit, in quotes, such as "5s", "15m" or "1h30m"`
	case *Size:
		if s, ok := parseSize(v.text); ok && (v.form == text || v.form == bare || v.form == number && v.text == "0") {
			*field = s
			return
		}
		want = `a number of bytes with its unit (KiB, MiB, GiB, TiB), in quotes, such as "20GiB"`
	case *[]string:
		l.setList(path, v, "texts in quotes", func(v value) bool {
			*field = append(*field, v.text)
			return true
		}, func() { *field = nil })
		return
	case *[]netip.AddrPort:
		l.setList(path, v, `addresses with their ports, such as ["127.0.0.1:43", "[::1]:43"]`, func(v value) bool {
			addr, err := netip.ParseAddrPort(v.text)
			if err != nil {
				l.wrong(path, v, "an IP address and a port, such as "+likeAddress(v.text))
				return false
			}
			*field = append(*field, addr)
			return true
		}, func() { *field = nil })
		return
	case *[]netip.Prefix:
		l.setList(path, v, `networks, such as ["192.0.2.0/24", "2001:db8::/32"]`, func(v value) bool {
			network, err := parseNetwork(v.text)
			if err != nil {
				l.wrong(path, v, "an IP address, or a network such as "+likeNetwork(v.text))
				return false
			}
			*field = append(*field, network)
			return true
		}, func() { *field = nil })
		return
	case *Port43:
		switch {
		case v.form == text:
			*field = Port43{Host: v.text}
			return
		case v.form == boolean:
			*field = Port43{Off: v.text == "false"}
			return
		}
		want = `the name of the WHOIS server in quotes, such as "whois.nic.example", or false where WHOIS does not answer for the TLD`
	case *lookup.Profile:
		want = one(field, v, profiles)
	case *registry.ContactModel:
		want = one(field, v, models)
	case *ratelimit.Mode:
		want = one(field, v, modes)
	case *ForwardedField:
		want = one(field, v, fields)
	case *slog.Level:
		want = one(field, v, logLevels)
	case *LogFormat:
		want = one(field, v, formats)
	default:
		panic(fmt.Sprintf("config: no way to set a %T", field)) // a key of a new type, met by the first test that loads
	}
	if want != "" {
		l.wrong(path, v, want)
	}
}

// unquoted takes out of an advice what holds for the file alone.
var unquoted = strings.NewReplacer(", in quotes", "", " in quotes", "", ", without quotes", "", `"`, "")

// wrong reports that the key at path cannot have the value v, and what to write
// instead.
func (l *loader) wrong(path string, v value, want string) {
	if v.form == bare {
		want = unquoted.Replace(want)
	}
	l.report(v.at, path, fmt.Sprintf("is %v; write %s", v, want))
}

// setList empties the list with clear and gives each element of v to add.
func (l *loader) setList(path string, v value, want string, add func(value) bool, clear func()) {
	elements, ok := v.elements()
	if !ok {
		l.wrong(path, v, "a list of "+want)
		return
	}
	clear()
	for _, element := range elements {
		if element.form != text && element.form != bare {
			l.report(element.at, path, fmt.Sprintf("has %v in its list; write %s", element, want))
			return
		}
		if !add(element) {
			return
		}
	}
}

// one sets field to the value of the word in v, or returns what to write
// instead.
func one[T any](field *T, v value, known words[T]) (want string) {
	var quoted []string
	for _, k := range known {
		if (v.form == text || v.form == bare) && v.text == k.word {
			*field = k.value
			return ""
		}
		quoted = append(quoted, strconv.Quote(k.word))
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// parseNetwork returns the network in s; an address is a network of one.
func parseNetwork(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err == nil && (network != network.Masked() || network.Addr().Is4In6()) {
		err = errors.New("it has bits beyond its length")
	}
	return network, err
}

// likeNetwork returns an example of a network that is as near as can be to what
// was written.
func likeNetwork(s string) string {
	if network, err := netip.ParsePrefix(s); err == nil && !network.Addr().Is4In6() {
		return strconv.Quote(network.Masked().String())
	}
	return `"192.0.2.0/24" or "2001:db8::/32"`
}

// likeAddress returns an example of an address that is as near as can be to
// what was written.
func likeAddress(s string) string {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return strconv.Quote(netip.AddrPortFrom(addr, 43).String())
	}
	host, port, found := strings.Cut(s, ":")
	if _, err := strconv.ParseUint(port, 10, 16); !found || err != nil {
		port = "43"
	}
	switch {
	case host == "" && found:
		return fmt.Sprintf(`"0.0.0.0:%s" and "[::]:%s"`, port, port)
	case host == "localhost":
		return fmt.Sprintf(`"127.0.0.1:%s"`, port)
	}
	return fmt.Sprintf(`"192.0.2.1:%s" or "[2001:db8::1]:%s"`, port, port)
}
