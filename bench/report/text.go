package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"rddsd/bench/load"
)

// PrintHead writes what a run is and what it runs on.
func (r *Run) PrintHead(w io.Writer) {
	fmt.Fprintf(w, "%s\n", r.Command)
	fmt.Fprintf(w, "machine       %s\n", r.Machine)
	fmt.Fprintf(w, "commit        %s\n", r.Commit)
	fmt.Fprintf(w, "load average  %s\n", r.LoadBefore)
}

// PrintAfter writes who else used the machine, and how long the run took.
func (r *Run) PrintAfter(w io.Writer) {
	if r.Others != nil {
		fmt.Fprintf(w, "others        used %.2f of %d cores while this was measured\n", *r.Others, r.Machine.Cores)
	}
	fmt.Fprintf(w, "load average  %s after %.1f s\n\n", r.LoadAfter, r.Seconds)
}

// Company tells on one line who else used the machine: its load average before the
// run and, if it is known, what others used of its cores while the run measured.
// The run's own predecessor is in the first, and not in the second.
func (r *Run) Company() string {
	if r.Others == nil {
		return r.LoadBefore.String()
	}
	return fmt.Sprintf("%s, others %.2f cores", r.LoadBefore, *r.Others)
}

// Print writes what a run measured: assumptions, a line for each target, what went
// wrong.
func (r *Run) Print(w io.Writer) error {
	for _, line := range r.Assumptions {
		fmt.Fprintf(w, "              %s\n", line)
	}
	r.PrintAfter(w)
	if len(r.Targets) > 0 {
		if err := printTargets(w, r.Targets); err != nil {
			return err
		}
	}
	for i := range r.Targets {
		r.Targets[i].PrintOutcomes(w)
	}
	if r.Partial {
		fmt.Fprintln(w, "stopped before the end: these figures are of a part of the run")
	}
	return nil
}

// PrintOutcomes writes how the queries of a target ended, each kind of answer and of
// error apart, and an instance of each error.
func (t *Target) PrintOutcomes(w io.Writer) {
	fmt.Fprintf(w, "%-14s", t.Name)
	between := ""
	for o := range load.Outcomes {
		word := load.Outcome(o).String()
		if n := t.Outcomes[word]; n > 0 {
			fmt.Fprintf(w, "%s%s %s", between, word, Count(n))
			between = ", "
		}
	}
	fmt.Fprintln(w)
	for _, example := range t.Examples {
		fmt.Fprintf(w, "error         %s\n", example)
	}
}

// printTargets writes a table. Latencies have their unit, CPU is microseconds.
func printTargets(w io.Writer, targets []Target) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "target\tqueries/s\tp50\tp99\tp99.9\tmax\trequests\terrors\trefused\tdegraded\tchecked\tserver CPU us\tclient CPU us\tRSS\t")
	for i := range targets {
		t := &targets[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			t.Name, Count(int64(t.QPS)), Micros(t.P50), Micros(t.P99), Micros(t.P999), Micros(t.Max),
			Count(t.Requests), Count(t.Errors), Count(t.Refused), Count(t.Degraded), Count(t.Checked),
			Measured(t.ServerCPU), Measured(t.ClientCPU), Bytes(t.RSS))
	}
	return table.Flush()
}

// Measured returns a figure to a tenth, or a dash for what was not measured.
func Measured(x float64) string {
	if x == 0 {
		return "-"
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// Micros returns a time of so many microseconds to three digits, with its unit:
// "25.3 µs", "1.20 ms", "12 s"; a dash for 0.
func Micros(us float64) string {
	switch {
	case us == 0:
		return "-"
	case us < 999.5:
		return threeDigits(us) + " µs"
	case us < 999_500:
		return threeDigits(us/1e3) + " ms"
	}
	return threeDigits(us/1e6) + " s"
}

// microsTick is Micros for an axis: "10 ms", "0".
func microsTick(us float64) string {
	if us == 0 {
		return "0"
	}
	digits, unit, _ := strings.Cut(Micros(us), " ")
	if strings.Contains(digits, ".") {
		digits = strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	}
	return digits + " " + unit
}

// threeDigits returns x from 0 to 1000 to three digits.
func threeDigits(x float64) string {
	decimals := 0
	switch {
	case x < 9.995:
		decimals = 2
	case x < 99.95:
		decimals = 1
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// Count returns n with a comma between thousands.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	start := len(digits) % 3
	if n < 0 {
		start = 1 + (len(digits)-1)%3
	}
	var b strings.Builder
	b.WriteString(digits[:start])
	for i := start; i < len(digits); i += 3 {
		if i > 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteString(digits[i : i+3])
	}
	return b.String()
}

// Bytes returns n with its unit, a dash for 0.
func Bytes(n int64) string {
	switch {
	case n == 0:
		return "-"
	case n < 1<<20:
		return threeDigits(float64(n)/(1<<10)) + " KiB"
	case n < 1<<30:
		return threeDigits(float64(n)/(1<<20)) + " MiB"
	}
	return threeDigits(float64(n)/(1<<30)) + " GiB"
}
