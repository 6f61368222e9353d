package report

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Measures of a picture, in pixels.
const (
	width      = 960
	plotLeft   = 76
	plotRight  = 790 // names of lines stand to the right of it
	plotHeight = 220
	barLeft    = 200
	barHeight  = 18
	barStep    = 30
	margin     = 28
	maxLetters = 132 // of a line of small print
)

// palette has the colours of lines, on light and on dark paper, of about the same
// weight each; people who see fewer colours can tell neighbours apart.
var palette = [...]struct{ light, dark string }{
	{"#2a78d6", "#4c97ee"},
	{"#d95f26", "#ee7f45"},
	{"#17946a", "#2fb98a"},
	{"#b07a00", "#d9a21b"},
	{"#c64b86", "#e878ab"},
	{"#5a49b8", "#9a8df0"},
	{"#8a5a3c", "#c08b68"},
	{"#d03c3b", "#f06f6d"},
}

// SVG draws the chart. It needs nothing from elsewhere, and fits light and dark
// surroundings.
func (c *Chart) SVG() []byte {
	d := &drawing{colours: c.colours()}
	y := margin + 14.0
	d.text(margin, y, "title", "", c.Title)
	y += 6
	for _, line := range wrapAll(c.About) {
		y += 17
		d.text(margin, y, "about", "", line)
	}
	if len(d.colours) > 1 {
		y += 28
		d.legend(y)
	}
	for i := range c.Panels {
		p := &c.Panels[i]
		switch {
		case len(p.Bars) > 0:
			y = d.bars(p, y+44)
		case p.hasPoints():
			y = d.lines(p, y+44)
		}
	}
	y += 10
	for _, line := range wrapAll(c.Notes) {
		y += 16
		d.text(margin, y, "note", "", line)
	}
	return d.done(c.Title, y+margin)
}

// hasPoints reports whether there is anything to see.
func (p *Panel) hasPoints() bool {
	return slices.ContainsFunc(p.Lines, func(l Line) bool { return len(l.Points) > 0 })
}

// colours returns the names of lines and bars in the order in which they get
// their colours.
func (c *Chart) colours() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i := range c.Panels {
		for _, l := range c.Panels[i].Lines {
			if len(l.Points) > 0 {
				add(l.Name)
			}
		}
		for _, b := range c.Panels[i].Bars {
			add(b.Name)
		}
	}
	return names
}

// drawing is a picture under way.
type drawing struct {
	b       strings.Builder
	colours []string
}

// colour returns the number of name's colour. There are eight: a ninth line has
// the colour of the first, and its own name beside it.
func (d *drawing) colour(name string) int {
	return max(slices.Index(d.colours, name), 0) % len(palette)
}

func (d *drawing) text(x, y float64, class, more, text string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f" class="%s"%s>%s</text>`+"\n", x, y, class, more, html.EscapeString(text))
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&d.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

// legend names the colours, in a row.
func (d *drawing) legend(y float64) {
	x := float64(margin)
	for _, name := range d.colours {
		room := 40 + 7.2*float64(len([]rune(name)))
		if x+room > width-margin {
			break // the names stand beside the lines too
		}
		fmt.Fprintf(&d.b, `<rect x="%.1f" y="%.1f" width="14" height="4" rx="2" class="f%d"/>`+"\n", x, y-6, d.colour(name))
		d.text(x+20, y, "name", "", name)
		x += room
	}
}

// lines draws a panel of lines below y and returns where it ends.
func (d *drawing) lines(p *Panel, y float64) float64 {
	d.text(margin, y, "panel", "", p.Title)
	top := y + 16
	low, high := p.bounds()
	xs, ys := newAxis(p.X, low.X, high.X), newAxis(p.Y, low.Y, high.Y)
	px := func(x float64) float64 { return plotLeft + xs.at(x)*(plotRight-plotLeft) }
	py := func(v float64) float64 { return top + plotHeight*(1-ys.at(v)) }
	for _, t := range ys.ticks {
		at := top + plotHeight*(1-t.at)
		d.line(plotLeft, at, plotRight, at, gridClass(t))
		d.text(plotLeft-8, at+4, "tick", ` text-anchor="end"`, t.label)
	}
	for _, t := range xs.ticks {
		at := plotLeft + t.at*(plotRight-plotLeft)
		d.line(at, top+plotHeight, at, top+plotHeight+4, "grid")
		d.text(at, top+plotHeight+18, "tick", ` text-anchor="middle"`, t.label)
	}
	if p.X.Title != "" {
		d.text(plotRight+12, top+plotHeight+18, "tick", "", p.X.Title)
	}
	var ends []end
	for _, l := range p.Lines {
		if len(l.Points) == 0 {
			continue
		}
		n := d.colour(l.Name)
		fmt.Fprintf(&d.b, `<polyline class="l%d" points="`, n)
		for _, point := range l.Points {
			fmt.Fprintf(&d.b, "%.1f,%.1f ", px(point.X), py(point.Y))
		}
		d.b.WriteString(`"/>` + "\n")
		for _, point := range l.Points {
			if point.Label != "" || len(l.Points) == 1 {
				fmt.Fprintf(&d.b, `<circle cx="%.1f" cy="%.1f" r="2.5" class="f%d"><title>%s</title></circle>`+"\n",
					px(point.X), py(point.Y), n, html.EscapeString(l.Name+", "+point.Label))
			}
		}
		last := l.Points[len(l.Points)-1]
		ends = append(ends, end{py(last.Y), px(last.X), l.Name})
	}
	d.names(ends, top)
	return top + plotHeight + 24
}

func gridClass(t tick) string {
	if t.label == "" {
		return "faint"
	}
	return "grid"
}

// bounds returns the least and the greatest of the points' coordinates; on a
// logarithmic axis, of those above 0.
func (p *Panel) bounds() (low, high Point) {
	low, high = Point{X: math.Inf(1), Y: math.Inf(1)}, Point{X: math.Inf(-1), Y: math.Inf(-1)}
	for _, l := range p.Lines {
		for _, point := range l.Points {
			low.X, high.X = min(low.X, point.X), max(high.X, point.X)
			if p.Y.Scale == Log && point.Y <= 0 {
				continue
			}
			low.Y, high.Y = min(low.Y, point.Y), max(high.Y, point.Y)
		}
	}
	if math.IsInf(low.Y, 0) {
		low.Y, high.Y = 1, 1
	}
	return low, high
}

// end is where a line ends, and so where its name stands.
type end struct {
	y, x float64
	name string
}

// names writes each name beside the end of its line, but none over another.
func (d *drawing) names(ends []end, top float64) {
	const step = 16
	slices.SortStableFunc(ends, func(a, b end) int { return cmp.Compare(a.y, b.y) })
	free := top
	for i := range ends {
		// Room must be left for those that come below.
		most := top + plotHeight - step*float64(len(ends)-1-i)
		ends[i].y = max(free, min(ends[i].y, most))
		free = ends[i].y + step
		d.text(plotRight+12, ends[i].y+4, fmt.Sprintf("name t%d", d.colour(ends[i].name)), "", shorten(ends[i].name, 21))
	}
}

// bars draws a panel of bars below y and returns where it ends.
func (d *drawing) bars(p *Panel, y float64) float64 {
	d.text(margin, y, "panel", "", p.Title)
	top := y + 16
	high := 0.0
	for _, b := range p.Bars {
		high = max(high, b.High, b.Value)
	}
	xs := newAxis(p.X, 0, high)
	px := func(x float64) float64 { return barLeft + xs.at(x)*(plotRight-barLeft) }
	bottom := top + barStep*float64(len(p.Bars))
	for _, t := range xs.ticks {
		at := barLeft + t.at*(plotRight-barLeft)
		d.line(at, top, at, bottom, "grid")
		d.text(at, bottom+18, "tick", ` text-anchor="middle"`, t.label)
	}
	for i, b := range p.Bars {
		at := top + barStep*float64(i) + (barStep-barHeight)/2
		label := p.X.label(b.Value)
		d.text(barLeft-10, at+13, "name", ` text-anchor="end"`, shorten(b.Name, 24))
		fmt.Fprintf(&d.b, `<rect x="%d" y="%.1f" width="%.1f" height="%d" rx="3" class="f%d"><title>%s</title></rect>`+"\n",
			barLeft, at, max(px(b.Value)-barLeft, 1), barHeight, d.colour(b.Name), html.EscapeString(b.Name+": "+label))
		if b.Low < b.High {
			middle := at + barHeight/2
			d.line(px(b.Low), middle, px(b.High), middle, "range")
			d.line(px(b.Low), middle-4, px(b.Low), middle+4, "range")
			d.line(px(b.High), middle-4, px(b.High), middle+4, "range")
		}
		d.text(plotRight+12, at+13, "name", "", label)
	}
	return bottom + 24
}

// done returns the picture, which is so high.
func (d *drawing) done(title string, height float64) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(title))
	b.WriteString("<style>\n")
	b.WriteString(`text{font-family:system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif;font-size:13px;fill:#21201c}
.title{font-size:21px;font-weight:600}.panel{font-size:14px;font-weight:600}
.about,.note,.tick{font-size:12px;fill:#6a6963}.tick{font-variant-numeric:tabular-nums}
.paper{fill:#fdfdfb}line{stroke-width:1}.grid{stroke:#deddd7}.faint{stroke:#f0efea}.range{stroke:#21201c;stroke-width:1.5}
polyline{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}circle{stroke:#fdfdfb}
`)
	for i, colour := range palette {
		fmt.Fprintf(&b, ".l%d{stroke:%s}.f%d,.t%d{fill:%s}\n", i, colour.light, i, i, colour.light)
	}
	b.WriteString(`@media (prefers-color-scheme:dark){
text{fill:#edece6}.about,.note,.tick{fill:#a3a29a}.paper{fill:#1b1b19}.grid{stroke:#3a3935}.faint{stroke:#282825}.range{stroke:#edece6}circle{stroke:#1b1b19}
`)
	for i, colour := range palette {
		fmt.Fprintf(&b, ".l%d{stroke:%s}.f%d,.t%d{fill:%s}\n", i, colour.dark, i, i, colour.dark)
	}
	b.WriteString("}\n</style>\n")
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%.0f" rx="8"/>`+"\n", width, height)
	b.WriteString(d.b.String())
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// shorten returns at most so many letters of name.
func shorten(name string, most int) string {
	letters := []rune(name)
	if len(letters) <= most {
		return name
	}
	return string(letters[:most-1]) + "…"
}

// wrapAll breaks lines that are too long for the picture, between words.
func wrapAll(lines []string) []string {
	var out []string
	for _, line := range lines {
		letters := []rune(line)
		for len(letters) > maxLetters {
			at := maxLetters
			for i := maxLetters; i > maxLetters/2; i-- {
				if letters[i] == ' ' {
					at = i
					break
				}
			}
			out = append(out, string(letters[:at]))
			letters = []rune(strings.TrimLeft(string(letters[at:]), " "))
		}
		out = append(out, string(letters))
	}
	return out
}
