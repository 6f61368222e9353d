package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rddsd/bench/report"
)

// output is where a run goes: the flags that commands share.
type output struct {
	file string
	rows bool
}

func (o *output) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "out", "", "file for the results, NAME.json; charts come beside it (default bench/results/COMMAND.json)")
	f.BoolVar(&o.rows, "rows", false, "print rows for bench/RESULTS.md too")
}

// run is a run under way.
type run struct {
	*report.Run
	*report.Progress
	news io.Writer // for people who wait
	live bool      // it is a terminal

	company company // while it measures
}

// tell says what happens now.
func (r *run) tell(format string, args ...any) {
	r.Done()
	fmt.Fprintf(r.news, format+"\n", args...)
}

// benchmark is one command that measures something. Whatever was measured before
// an error, or before Ctrl-C, is printed and written all the same.
type benchmark struct {
	name    string
	measure func(context.Context, *run) error
	print   func(io.Writer, *run) error
	panels  func() []report.Panel // of a chart of its own; nil = that of servers
	rows    func(io.Writer, *run) // of RESULTS.md
}

// run does one run, tells people of it on standard output, and writes it to files.
func (o *output) run(cmd *cobra.Command, b benchmark) error {
	r := &run{
		Run: report.Begin(b.name, "go run ./bench", os.Args[1:]), Progress: report.NewProgress(os.Stderr),
		news: cmd.ErrOrStderr(), live: isatty.IsTerminal(os.Stderr.Fd()),
	}
	r.More = map[string]any{}
	out := cmd.OutOrStdout()
	r.PrintHead(out)
	err := b.measure(cmd.Context(), r)
	r.Done()
	r.Others = r.company.cores()
	if cmd.Context().Err() != nil {
		r.Partial, err = true, errors.Join(errInterrupted, unlessInterrupted(err))
	}
	r.End(err)
	if len(r.Targets)+len(r.More) == 0 {
		return err // nothing was measured
	}
	err = errors.Join(err, b.print(out, r))
	if o.rows {
		fmt.Fprintln(out)
		b.rows(out, r)
	}
	return errors.Join(err, o.write(out, r, b.panels))
}

// The last columns of a table of RESULTS.md.
const (
	whereHead = " date | commit | machine | load average | command |"
	whereLine = " --- | --- | --- | --- | --- |"
)

// where returns the cells of those columns: what a row is of.
func (r *run) where() string {
	return fmt.Sprintf(" %s | %s | %s, %d cores | %s | `%s` |", r.Started.Format(time.DateOnly), r.Commit,
		r.Machine.CPU, r.Machine.Cores, r.Company(), strings.ReplaceAll(measuring(r.Command), "|", `\|`))
}

// measuring returns a command without the flags that do not change what it
// measures.
func measuring(command string) string {
	var kept []string
	words := strings.Split(command, " ")
	for i := 0; i < len(words); i++ {
		switch {
		case words[i] == "--out":
			i++
		case words[i] != "--rows" && !strings.HasPrefix(words[i], "--out="):
			kept = append(kept, words[i])
		}
	}
	return strings.Join(kept, " ")
}

// write writes the run to its files, and tells which.
func (o *output) write(out io.Writer, r *run, panels func() []report.Panel) error {
	file := o.file
	if file == "" {
		file = filepath.Join("bench", "results", r.Name+".json")
	}
	chart, err := r.Write(file)
	if err == nil && panels != nil {
		picture := r.Chart()
		picture.Panels = panels()
		err = os.WriteFile(chart, picture.SVG(), 0o644)
	}
	if err == nil {
		fmt.Fprintf(out, "\nwritten to    %s, %s\n", file, chart)
	}
	return err
}

var errInterrupted = errors.New("interrupted: the figures are those of the time until then")

// unlessInterrupted drops an error that only says that the run was interrupted.
func unlessInterrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// printAround writes what stands around the figures of a run.
func (r *run) printAround(out io.Writer) {
	for _, line := range r.Assumptions {
		fmt.Fprintf(out, "              %s\n", line)
	}
	r.PrintAfter(out)
}
