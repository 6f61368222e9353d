package report

import (
	"context"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"
)

// Begin returns the run of benchmark name that begins now; program and args are
// how it was called, such as "go run ./bench" and os.Args[1:].
func Begin(name, program string, args []string) *Run {
	return &Run{
		Name: name, Command: commandLine(program, args), Machine: ReadMachine(), Commit: commit(),
		Started: time.Now().UTC().Truncate(time.Second), LoadBefore: ReadLoadAverage(), Targets: []Target{},
	}
}

// End notes that the run is over, and why it failed if it did.
func (r *Run) End(failure error) {
	r.Seconds = round(time.Since(r.Started).Seconds())
	r.LoadAfter = ReadLoadAverage()
	if failure != nil {
		r.Failure = failure.Error()
	}
}

// commandLine returns a command as a shell takes it.
func commandLine(program string, args []string) string {
	var b strings.Builder
	b.WriteString(program)
	for _, arg := range args {
		b.WriteByte(' ')
		plain := strings.Trim(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:@%[]") == ""
		if plain && arg != "" {
			b.WriteString(arg)
			continue
		}
		b.WriteString("'" + strings.ReplaceAll(arg, "'", `'\''`) + "'")
	}
	return b.String()
}

// commit returns the commit of the source: of the work tree, for that is what go
// run builds, else of this binary.
func commit() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return builtCommit()
	}
	hash := strings.TrimSpace(string(head))
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no").Output()
	if err != nil || len(changed) > 0 {
		hash += "+"
	}
	return hash
}

// builtCommit returns the commit that was stamped into this binary.
func builtCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	hash, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			hash = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if hash == "" {
		return ""
	}
	return hash + changed
}
