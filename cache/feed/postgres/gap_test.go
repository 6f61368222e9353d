package postgres_test

import (
	"errors"
	"testing"

	"rddsd/cache/feed"
)

func wantGap(t *testing.T, err error, reason string) {
	t.Helper()
	if gap, ok := errors.AsType[*feed.Gap](err); !ok || string(gap.Reason) != reason {
		t.Errorf("Next = %v; want a gap because of %q", err, reason)
	}
}
