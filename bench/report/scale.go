package report

import (
	"math"
	"strconv"
)

// Scale is how the values of an axis are laid out.
type Scale uint8

const (
	Linear Scale = iota // from 0
	Log
	// Nines is for shares below 100 in percent: each further nine has the same
	// room, so that the slowest answers, which matter, can be seen.
	Nines
)

// tick is a mark of an axis.
type tick struct {
	at    float64 // position, 0 to 1
	label string  // "" for a line without words
}

// axis is an Axis laid out over the values that there are.
type axis struct {
	scale     Scale
	low, high float64 // of layout(value)
	ticks     []tick
}

// layout takes a value to where it lies on an endless axis.
func (s Scale) layout(x float64) float64 {
	switch s {
	case Log:
		return math.Log10(x)
	case Nines:
		return -math.Log10(1 - min(x, 100-1e-9)/100)
	}
	return x
}

// at returns the position of x on the axis, 0 to 1.
func (a *axis) at(x float64) float64 {
	return min(max((a.scale.layout(x)-a.low)/(a.high-a.low), 0), 1)
}

// newAxis lays out an axis for values from low to high.
func newAxis(of Axis, low, high float64) axis {
	switch of.Scale {
	case Log:
		return newLogAxis(of, low, high)
	case Nines:
		return newNinesAxis(of, high)
	}
	return newLinearAxis(of, high)
}

// newLinearAxis has four to eight ticks of 1, 2 or 5 times a power of ten.
func newLinearAxis(of Axis, high float64) axis {
	if high <= 0 {
		high = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(high/4)))
	switch {
	case high/step > 16:
		step *= 5
	case high/step > 8:
		step *= 2
	}
	if of.Whole {
		step = max(step, 1)
	}
	a := axis{high: high}
	if of.Round {
		a.high = step * math.Ceil(high/step-1e-9)
	}
	for i := 0; step*float64(i) <= a.high*(1+1e-9); i++ {
		a.ticks = append(a.ticks, tick{a.at(step * float64(i)), of.label(step * float64(i))})
	}
	return a
}

// newLogAxis goes from a 1, 2 or 5 times a power of ten to another. It has a label
// at each power of ten, and at the twos and fives where these are few.
func newLogAxis(of Axis, low, high float64) axis {
	values := steps(max(low, 1e-3), max(high, 1e-3))
	last := values[len(values)-1]
	a := axis{scale: Log, low: math.Log10(values[0]), high: math.Log10(last)}
	for _, value := range values {
		t := tick{at: a.at(value)}
		power := math.Log10(value)
		if len(values) <= 9 || math.Abs(power-math.Round(power)) < 1e-9 {
			t.label = of.label(value)
		}
		a.ticks = append(a.ticks, t)
	}
	return a
}

// steps returns the values 1, 2 and 5 times a power of ten from low to high, with
// the one below and the one above: at least two.
func steps(low, high float64) []float64 {
	var values []float64
	for decade := math.Floor(math.Log10(low)); ; decade++ {
		for _, times := range []float64{1, 2, 5} {
			value := times * math.Pow(10, decade)
			if value <= low*(1+1e-9) {
				values = values[:0]
			}
			values = append(values, value)
			if value >= high*(1-1e-9) && len(values) > 1 {
				return values
			}
		}
	}
}

// newNinesAxis has a tick at 0, 50, 90, 99, 99.9 and so on.
func newNinesAxis(of Axis, high float64) axis {
	a := axis{scale: Nines, high: max(Nines.layout(high), 1)}
	a.ticks = []tick{{0, of.label(0)}, {a.at(50), of.label(50)}}
	for nines := 1; float64(nines) <= a.high+1e-9; nines++ {
		value := 100 - math.Pow(10, 2-float64(nines))
		a.ticks = append(a.ticks, tick{a.at(value), of.label(roundTo(value, 1e8))})
	}
	return a
}

// Percent returns x, which is in percent, with its sign.
func Percent(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) + " %" }
