package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// elements reads a picture as XML and returns its elements, with the text of each.
func elements(t *testing.T, picture []byte) (list []xml.StartElement, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(picture)))
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list, b.String()
		}
		if err != nil {
			t.Fatalf("the picture is not well-formed: %v\n%s", err, picture)
		}
		switch token := token.(type) {
		case xml.StartElement:
			list = append(list, token.Copy())
		case xml.CharData:
			b.Write(token)
			b.WriteByte('\n')
		}
	}
}

// check fails if the picture needs something from elsewhere, or draws outside its
// paper.
func check(t *testing.T, picture []byte) string {
	t.Helper()
	list, text := elements(t, picture)
	height := 0.0
	for _, e := range list {
		for _, a := range e.Attr {
			value, err := strconv.ParseFloat(a.Value, 64)
			switch a.Name.Local {
			case "href", "src":
				t.Errorf("<%s> refers to %s", e.Name.Local, a.Value)
			case "height":
				if e.Name.Local == "svg" {
					height = value
				}
			case "x", "x1", "x2", "cx":
				if err != nil || value < 0 || value > width {
					t.Errorf("<%s> has %s=%s, the paper is %d wide", e.Name.Local, a.Name.Local, a.Value, width)
				}
			case "y", "y1", "y2", "cy":
				if err != nil || value < 0 || value > height {
					t.Errorf("<%s> has %s=%s, the paper is %g high", e.Name.Local, a.Name.Local, a.Value, height)
				}
			case "points":
				for pair := range strings.FieldsSeq(a.Value) {
					left, right, _ := strings.Cut(pair, ",")
					x, errX := strconv.ParseFloat(left, 64)
					y, errY := strconv.ParseFloat(right, 64)
					if errX != nil || errY != nil || x < 0 || x > width || y < 0 || y > height {
						t.Errorf("a line goes through %s", pair)
					}
				}
			}
		}
	}
	for _, word := range []string{"url(", "@import", "<script", "NaN", "Inf"} {
		if strings.Contains(string(picture), word) {
			t.Errorf("the picture holds %s", word)
		}
	}
	return text
}

func TestChart(t *testing.T) {
	r := run()
	picture := r.Chart().SVG()
	text := check(t, picture)
	for _, want := range []string{"rddsd bench compare", "rddsd <& co>", "null", "99.9 %", "1 ms", "25.3 µs", "Throughput", r.Command, r.Assumptions[0]} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture does not tell %q:\n%s", want, text)
		}
	}
	if !strings.Contains(string(picture), "prefers-color-scheme:dark") {
		t.Error("the picture does not fit dark surroundings")
	}
	if lines := strings.Count(string(picture), "<polyline"); lines != 2*4 { // latency, throughput, p99, errors
		t.Errorf("%d lines", lines)
	}
	if again := r.Chart().SVG(); string(again) != string(picture) {
		t.Error("the same run gives another picture")
	}
}

// A run that measured nothing, or one second only, still has a picture.
func TestChartOfLittle(t *testing.T) {
	r := Begin("whois", "go run ./bench", []string{strings.Repeat("--long ", 60)})
	check(t, r.Chart().SVG())
	r.Targets = []Target{{Name: strings.Repeat("long ", 20), Series: []Second{{At: 0, Answers: 0}}, Latency: []Percentile{{0, 0}}}}
	check(t, r.Chart().SVG())
}

// Names beside lines that end at one place do not cover one another.
func TestChartNamesApart(t *testing.T) {
	var lines []Line
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		lines = append(lines, Line{Name: name, Points: []Point{{X: 0, Y: 1}, {X: 1, Y: 1}}})
	}
	c := &Chart{Panels: []Panel{{X: Axis{}, Y: Axis{}, Lines: lines}}}
	picture := c.SVG()
	check(t, picture)
	list, _ := elements(t, picture)
	last := math.Inf(-1)
	for _, e := range list {
		var class, y string
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "class":
				class = a.Value
			case "y":
				y = a.Value
			}
		}
		if !strings.HasPrefix(class, "name t") {
			continue
		}
		at, err := strconv.ParseFloat(y, 64)
		if err != nil || at < last+12 {
			t.Errorf("a name at %s, the one above is at %g", y, last)
		}
		last = at
	}
}

// Whatever the values, they lie on the axis, and its ticks rise and are some.
func TestAxis(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		low := math.Pow(10, 12*random.Float64()-2)
		high := low * math.Pow(10, 6*random.Float64())
		for _, of := range []Axis{{Scale: Linear}, {Scale: Linear, Round: true, Whole: true}, {Scale: Log}, {Scale: Nines}} {
			from, to := low, high
			if of.Scale == Nines {
				from, to = 0, 100-100/(1+high)
			}
			a := newAxis(of, from, to)
			for _, x := range []float64{from, to} {
				if at := a.at(x); !(at >= 0 && at <= 1) {
					t.Fatalf("axis of scale %d from %g to %g: %g lies at %g", of.Scale, from, to, x, at)
				}
			}
			if of.Scale != Linear && !(a.at(to) > a.at(from)) {
				t.Fatalf("axis of scale %d from %g to %g has no length", of.Scale, from, to)
			}
			if len(a.ticks) < 2 && (of.Scale != Linear || of.Round) || len(a.ticks) > 40 {
				t.Fatalf("axis of scale %d from %g to %g has %d ticks", of.Scale, from, to, len(a.ticks))
			}
			for i, tick := range a.ticks {
				if tick.at < 0 || tick.at > 1 || i > 0 && tick.at <= a.ticks[i-1].at {
					t.Fatalf("axis of scale %d from %g to %g has ticks %v", of.Scale, from, to, a.ticks)
				}
			}
		}
	}
}
