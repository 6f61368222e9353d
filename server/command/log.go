package command

import (
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"

	"rddsd/server/config"
)

// NewLog returns the log of the running program, on standard error: its changes
// of state, never a query.
func NewLog(c config.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == config.LogText || c.Format == config.LogAuto && isatty.IsTerminal(os.Stderr.Fd()) {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}
