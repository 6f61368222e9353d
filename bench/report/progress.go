package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"rddsd/bench/load"
)

// Progress shows how far a run is: one line that is rewritten on a terminal, a
// line every 5 s elsewhere. It is for one goroutine.
type Progress struct {
	out      io.Writer
	terminal bool
	shown    bool          // there is a line to rewrite
	next     time.Duration // when the next plain line falls due
}

// plainEvery is how often there is a plain line.
const plainEvery = 5 * time.Second

// NewProgress returns a Progress that writes to out.
func NewProgress(out io.Writer) *Progress {
	file, ok := out.(*os.File)
	return &Progress{out: out, terminal: ok && isatty.IsTerminal(file.Fd())}
}

// Show shows text, which holds what there is to say so long after the beginning.
func (p *Progress) Show(elapsed time.Duration, text string) {
	if p.terminal {
		// Back to the first column, and away with what stood there (ECMA-48).
		fmt.Fprintf(p.out, "\r\x1b[K%s", text)
		p.shown = true
		return
	}
	if elapsed < p.next {
		return
	}
	// A little early is better than five seconds late: calls come once a second.
	p.next = elapsed + plainEvery - plainEvery/10
	fmt.Fprintln(p.out, text)
}

// Load shows how far a run of load is.
func (p *Progress) Load(name string, l load.Progress) {
	total := l.Elapsed + l.Left
	text := fmt.Sprintf("%s  %s/s  p50 %s  p99 %s  %s queries, %s errors  %s left",
		name, Count(int64(l.Rate)), Micros(micros(l.P50)), Micros(micros(l.P99)), Count(l.Requests), Count(l.Errors), seconds(l.Left))
	if l.Warming {
		text += " (warming up)"
	}
	if p.terminal && total > 0 {
		text = bar(float64(l.Elapsed)/float64(total)) + "  " + text
	}
	p.Show(l.Elapsed, text)
}

// Done takes the line away, so that what follows begins at the first column.
func (p *Progress) Done() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
	p.next = 0
}

// bar draws the share of 1 that is done.
func bar(share float64) string {
	const width = 20
	done := int(min(max(share, 0), 1) * width)
	return "[" + strings.Repeat("#", done) + strings.Repeat(".", width-done) + "]"
}

// seconds returns d rounded up to whole seconds.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%d s", int64((d+time.Second-1)/time.Second))
}
