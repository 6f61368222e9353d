package command

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/mattn/go-isatty"

	"rddsd/server/config"
)

// NewLog returns the log of the running program, on standard error: its changes
// of state, never a query.
func NewLog(c config.Log) *slog.Logger {
	text := c.Format == config.LogText || c.Format == config.LogAuto && isatty.IsTerminal(os.Stderr.Fd())
	return newLog(os.Stderr, c.Level, text)
}

func newLog(out io.Writer, level slog.Level, text bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if text {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

// readable writes a duration with its unit, as the text form does: the JSON form
// would write a bare number of nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().Round(time.Millisecond).String())
	}
	return a
}
