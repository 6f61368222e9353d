package report

import (
	"fmt"
	"math"
	"slices"
)

// Chart is a picture of panels, one above the other. A line or bar has the same
// colour in all of them, by its name.
type Chart struct {
	Title  string
	About  []string // what and where, below the title
	Panels []Panel  // those without data are left out
	Notes  []string // small print
}

// Panel is one diagram: lines, or bars.
type Panel struct {
	Title string
	X, Y  Axis
	Lines []Line
	Bars  []Bar // horizontal; X is their scale
}

// Axis is how values are shown.
type Axis struct {
	Scale  Scale
	Title  string
	Format func(float64) string // of a value; nil = as a whole number
	Whole  bool                 // linear: no tick between whole numbers
	Round  bool                 // linear: ends at a tick
}

// Line is a named line through points of rising X.
type Line struct {
	Name   string
	Points []Point
}

// Point is a point of a line. One that has a Label is marked, and shows it when
// it is pointed at.
type Point struct {
	X, Y  float64
	Label string
}

// Bar is a named value, with the range it was found in if Low is not High.
type Bar struct {
	Name             string
	Value, Low, High float64
}

func (a *Axis) label(x float64) string {
	if a.Format == nil {
		return Count(int64(math.Round(x)))
	}
	return a.Format(x)
}

// Chart returns the picture of a run: what answers took, how many came each
// second and how slow each second was, and what they cost the server.
func (r *Run) Chart() *Chart {
	c := &Chart{
		Title: "rddsd bench " + r.Name,
		About: []string{
			fmt.Sprintf("%s, commit %s, load average %s before and %s after", r.Started.Format("2006-01-02 15:04 UTC"), r.Commit, r.LoadBefore, r.LoadAfter),
			r.Machine.String(), r.Command,
		},
		Notes: r.Assumptions,
	}
	if r.Others != nil {
		c.About[0] += fmt.Sprintf(", others used %.2f cores meanwhile", *r.Others)
	}
	if r.Partial {
		c.About = append(c.About, "Stopped before its end.")
	}
	if r.Failure != "" {
		c.About = append(c.About, "Failed: "+r.Failure)
	}
	var latency, throughput, slowest, errors []Line
	var cost []Bar
	for i := range r.Targets {
		t := &r.Targets[i]
		latency = append(latency, t.latencyLine())
		throughput = append(throughput, t.seriesLine(func(s *Second) float64 { return float64(s.Answers) }, func(x float64) string { return Count(int64(x)) + " answers" }))
		slowest = append(slowest, t.seriesLine(func(s *Second) float64 { return s.P99 }, func(x float64) string { return "p99 " + Micros(x) }))
		if t.Errors > 0 {
			errors = append(errors, t.seriesLine(func(s *Second) float64 { return float64(s.Errors) }, func(x float64) string { return Count(int64(x)) + " errors" }))
		}
		if t.ServerCPU > 0 {
			cost = append(cost, t.costBar())
		}
	}
	time := Axis{Title: "seconds", Whole: true}
	c.Panels = []Panel{
		{Title: "Latency: what share of the answers took no longer", X: Axis{Scale: Nines, Format: Percent}, Y: Axis{Scale: Log, Format: microsTick}, Lines: latency},
		{Title: "Throughput: answers in each second", X: time, Y: Axis{Round: true, Whole: true}, Lines: throughput},
		{Title: "Latency in each second: p99", X: time, Y: Axis{Scale: Log, Format: microsTick}, Lines: slowest},
		{Title: "Errors in each second", X: time, Y: Axis{Round: true, Whole: true}, Lines: errors},
		{Title: "Server CPU per query, median and range of the rounds", X: Axis{Round: true, Format: microsTick}, Bars: cost},
	}
	return c
}

func (t *Target) latencyLine() Line {
	l := Line{Name: t.Name}
	marked := []float64{50, 90, 99, 99.9, 99.99, 99.999}
	for _, p := range t.Latency {
		point := Point{X: p.Percent, Y: p.Micros}
		if slices.ContainsFunc(marked, func(m float64) bool { return math.Abs(m-p.Percent) < 1e-6 }) {
			point.Label = fmt.Sprintf("p%g %s", p.Percent, Micros(p.Micros))
		}
		l.Points = append(l.Points, point)
	}
	return l
}

func (t *Target) seriesLine(of func(*Second) float64, label func(float64) string) Line {
	l := Line{Name: t.Name}
	for i := range t.Series {
		s := &t.Series[i]
		p := Point{X: float64(s.At + 1), Y: of(s)}
		if len(t.Series) <= 120 {
			p.Label = fmt.Sprintf("second %d: %s", s.At+1, label(p.Y))
		}
		l.Points = append(l.Points, p)
	}
	return l
}

func (t *Target) costBar() Bar {
	b := Bar{Name: t.Name, Value: t.ServerCPU, Low: t.ServerCPU, High: t.ServerCPU}
	for i := range t.Rounds {
		b.Low, b.High = min(b.Low, t.Rounds[i].ServerCPU), max(b.High, t.Rounds[i].ServerCPU)
	}
	return b
}
