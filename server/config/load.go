package config

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// maxFile is the longest configuration file, in bytes.
const maxFile = 4 << 20

// Check looks at a whole configuration and reports what is wrong with a key,
// named by its path: "whois.listen", "tld[0].disclaimer". It is how a caller
// adds checks that need other packages, such as those of the WHOIS texts.
type Check func(c *Config, report func(path, problem string))

// Load returns the configuration that the file at path, and then env in the
// form of os.Environ, make of Default. path "" means no file. An error is an
// *Error that tells everything that was found wrong.
func Load(path string, env []string, checks ...Check) (*Config, error) {
	l, err := read(path, env)
	if err != nil {
		return nil, err
	}
	for i := range l.config.TLDs {
		l.config.TLDs[i].complete(l.config, func(key string) bool { return l.config.Explicit(TLDPath(i, key)) })
	}
	for _, check := range append([]Check{check}, checks...) {
		check(l.config, l.reportKey)
	}
	if len(l.problems) > 0 {
		return nil, &Error{l.problems}
	}
	return l.config, nil
}

// Locate returns a configuration of which only [data] and [admin] count: what tells
// where the rddsd that runs with it is reached. Mistakes elsewhere are none here:
// who has to give an order at once does not first repair a list or a certificate.
func Locate(path string, env []string) (*Config, error) {
	l, err := read(path, env)
	if err != nil {
		return nil, err
	}
	l.problems = slices.DeleteFunc(l.problems, func(p Problem) bool {
		return p.Key != "" && !strings.HasPrefix(p.Key, "[data]") && !strings.HasPrefix(p.Key, "[admin]")
	})
	if len(l.problems) > 0 {
		return nil, &Error{l.problems}
	}
	return l.config, nil
}

// read returns the loader that has read the file at path and then env. The error is
// that of a file that cannot be read.
func read(path string, env []string) (*loader, error) {
	l := &loader{file: path, config: Default(), reported: map[string]bool{}}
	if path != "" {
		data, err := readFile(path)
		if err != nil {
			l.report(origin{file: path}, "", err.Error())
			return nil, &Error{l.problems}
		}
		l.decode(data)
	}
	l.override(env)
	return l, nil
}

// TLDPath returns the path of a key of the i-th [[tld]] table.
func TLDPath(i int, key string) string { return fmt.Sprintf("tld[%d].%s", i, key) }

// readFile returns the content of a file whose name the error need not repeat.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(f, maxFile+1)); err == nil && len(data) <= maxFile {
			return data, nil
		}
	}
	if err == nil {
		return nil, fmt.Errorf("it is longer than %d bytes, which no configuration is", maxFile)
	}
	return nil, fmt.Errorf("the file cannot be read: %w", cause(err))
}

// loader makes one Config.
type loader struct {
	file     string
	config   *Config
	problems []Problem
	reported map[string]bool // paths of keys with a problem
}

// report notes a problem with what stands at o.
func (l *loader) report(o origin, path, problem string) {
	l.problems = append(l.problems, Problem{Where: o.String(), Key: KeyName(path), Text: problem})
	l.reported[path] = true
}

// reportKey notes a problem with the value of the key at path, unless one is
// known: a malformed value left the default there, about which another problem
// would only confuse.
func (l *loader) reportKey(path, problem string) {
	if l.reported[path] {
		return
	}
	o, set := l.config.origins[path]
	if !set { // a key that is missing: its table
		o = l.config.origins[tableOf(path)]
	}
	l.report(o, path, problem)
}
