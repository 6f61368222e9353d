package config

import (
	"fmt"
	"strings"
)

// Error is everything that is wrong with a configuration. A command that meets
// one ends with exit code 2 (design.md §9).
type Error struct{ Problems []Problem }

// Error returns one problem a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return "the configuration cannot be used:\n" + strings.Join(lines, "\n")
}

// Problem is one thing that is wrong.
type Problem struct {
	Where string // file:line:column, the file, or the variable of the environment; "" = a default
	Key   string // as the file writes it: "[whois] listen"; "" = no key
	Text  string // what is wrong and what to write instead
}

// String returns p as one line.
func (p Problem) String() string {
	var parts []string
	for _, part := range []string{p.Where, p.Key, p.Text} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// origin is where a key was set.
type origin struct {
	file         string
	line, column int    // from 1; 0 = the file as a whole
	variable     string // of the environment; "" = in file
}

func (o origin) String() string {
	switch {
	case o.variable != "":
		return "environment variable " + o.variable
	case o.line > 0:
		return fmt.Sprintf("%s:%d:%d", o.file, o.line, o.column)
	}
	return o.file
}

// Explicit reports whether the file or the environment sets the key at path,
// such as "whois.listen" or "tld[0].name".
func (c *Config) Explicit(path string) bool {
	_, ok := c.origins[path]
	return ok
}

// Origin tells a person where the key at path is set.
func (c *Config) Origin(path string) string {
	if o, ok := c.origins[path]; ok {
		return o.String()
	}
	return "the default"
}

// KeyName returns the key at path as the file writes it: "[whois] listen" for
// "whois.listen", "[[tld]] name" for "tld[0].name", "[whois]" for "whois".
func KeyName(path string) string {
	if path == "" {
		return ""
	}
	table, key, found := strings.Cut(path, ".")
	name, _, isArray := strings.Cut(table, "[")
	name = "[" + name + "]"
	if isArray {
		name = "[" + name + "]"
	}
	if !found {
		return name
	}
	return name + " " + key
}
