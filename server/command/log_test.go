package command

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestDurationsAreLoggedWithTheirUnit(t *testing.T) {
	for _, text := range []bool{false, true} {
		var out strings.Builder
		newLog(&out, slog.LevelInfo, text).Info("serving", "took", 106123456*time.Nanosecond)
		if !strings.Contains(out.String(), "106ms") || strings.Contains(out.String(), "106123456") {
			t.Errorf("text %v: logged %s", text, out.String())
		}
	}
}
