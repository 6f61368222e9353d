package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// figure is one number of a benchmark that does not measure a server.
type figure struct {
	key   string // in JSON; ends with the unit
	label string
	value float64
	unit  string // as it is printed
}

// figures are what such a benchmark has measured so far, in order.
type figures []figure

func (f *figures) add(key, label string, value float64, unit string) {
	*f = append(*f, figure{key, label, value, unit})
}

// more returns the figures by key, for JSON.
func (f figures) more() map[string]any {
	m := make(map[string]any, len(f))
	for _, one := range f {
		m[one.key] = one.value
	}
	return m
}

// print writes the figures, one a line.
func (f figures) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, one := range f {
		fmt.Fprintf(w, "%s\t%s\t %s\t\n", one.label, digits(one.value), one.unit)
	}
	return w.Flush()
}

// row writes some of the figures as a row of RESULTS.md, with the head of its
// table.
func (f *figures) row(out io.Writer, r *run, keys ...string) {
	head, line, values := "|", "|", "|"
	for _, one := range *f {
		if slices.Contains(keys, one.key) {
			head += " " + one.label + " |"
			line += " ---: |"
			values += " " + strings.TrimSpace(digits(one.value)+" "+one.unit) + " |"
		}
	}
	fmt.Fprintf(out, "%s%s\n%s%s\n%s%s\n", head, whereHead, line, whereLine, values, r.where())
}

// digits writes v with three digits or more.
func digits(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
