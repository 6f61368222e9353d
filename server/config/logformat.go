package config

import "fmt"

// LogFormat is the form of log lines.
type LogFormat uint8

const (
	LogAuto LogFormat = iota // text on a terminal, JSON elsewhere
	LogJSON                  // one JSON object a line
	LogText                  // key=value
)

var logFormatNames = [...]string{"auto", "json", "text"}

// String returns the form as the configuration writes it.
func (f LogFormat) String() string {
	if int(f) >= len(logFormatNames) {
		return fmt.Sprintf("log format %d", uint8(f))
	}
	return logFormatNames[f]
}
