package rdap

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestTakesGzip(t *testing.T) {
	for _, test := range []struct {
		rule   string
		fields []string
		want   bool
	}{
		{"who says nothing gets the body as it is", nil, false},
		{"and who accepts nothing", []string{""}, false},
		{"gzip is taken where it is accepted", []string{"gzip"}, true},
		{"among others", []string{"deflate, gzip, br, zstd"}, true},
		{"in any case", []string{"GZip"}, true},
		{"by its old name", []string{"x-gzip"}, true},
		{"by the star", []string{"*"}, true},
		{"which does not stand for what is named", []string{"gzip;q=0, *"}, false},
		{"in any field", []string{"br", "gzip"}, true},
		{"not where it is refused", []string{"gzip;q=0"}, false},
		{"in thousandths", []string{"gzip;q=0.000"}, false},
		{"however little it is wanted", []string{"gzip;q=0.001"}, true},
		{"unless the body as it is is wanted more", []string{"identity, gzip;q=0.5"}, false},
		{"with blanks", []string{" gzip ; q=0.8 , identity ; q=0.2 "}, true},
		{"as much is enough", []string{"gzip;q=0.5, identity;q=0.5"}, true},
		{"the star may want it less", []string{"*;q=0.1, identity;q=0.9"}, false},
		{"where neither is wanted the body comes as it is", []string{"identity;q=0, gzip;q=0"}, false},
		{"a weight above 1 is none", []string{"gzip;q=1.1"}, false},
		{"nor is one with four digits", []string{"gzip;q=0.0001"}, false},
		{"nor one that is no number", []string{"gzip;q=0x1"}, false},
		{"nor another parameter", []string{"gzip;level=1"}, false},
		{"other codings are not gzip", []string{"br, deflate, gzipped"}, false},
	} {
		fields := make([][]byte, len(test.fields))
		for i, f := range test.fields {
			fields[i] = []byte(f)
		}
		if got := takesGzip(fields); got != test.want {
			t.Errorf("%s: takesGzip(%q) = %v, want %v", test.rule, test.fields, got, test.want)
		}
	}
}

// FuzzTakesGzip holds the parser against a plain reading of RFC 9110 §12.5.3.
func FuzzTakesGzip(f *testing.F) {
	for _, field := range []string{"gzip", "gzip;q=0, *;q=1.000", "identity , gzip; Q=0.5", "*;q=0.1,,x-gzip;q=0.12", "gzip;q=", "br;q=1;x=2"} {
		f.Add(field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		if got, want := takesGzip([][]byte{[]byte(field)}), plainly(field); got != want {
			t.Errorf("takesGzip(%q) = %v, want %v", field, got, want)
		}
	})
}

func plainly(field string) bool {
	weights := map[string]float64{}
	for element := range strings.SplitSeq(field, ",") {
		coding, parameter, _ := strings.Cut(element, ";")
		weight := 1.0
		if parameter = strings.TrimSpace(parameter); parameter != "" {
			name, value, _ := strings.Cut(parameter, "=")
			value = strings.TrimSpace(value)
			parsed, err := strconv.ParseFloat(value, 64)
			if !strings.EqualFold(strings.TrimSpace(name), "q") || err != nil || !weightForm.MatchString(value) || parsed > 1 {
				continue
			}
			weight = parsed
		}
		coding = asciiLower(strings.TrimSpace(coding))
		if coding == "x-gzip" {
			coding = "gzip"
		}
		if before, seen := weights[coding]; !seen || weight > before {
			weights[coding] = weight
		}
	}
	gzip, said := weights["gzip"]
	if !said {
		gzip = weights["*"]
	}
	return gzip > 0 && gzip >= weights["identity"]
}

// weightForm is the form of a weight (RFC 9110 §12.4.2).
var weightForm = regexp.MustCompile(`^[01](\.[0-9]{0,3})?$`)

// asciiLower leaves letters alone that are not ASCII: some of them fold to ASCII.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
