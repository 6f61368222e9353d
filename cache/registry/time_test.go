package registry

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimeAppendAgreesWithPackageTime compares our own calendar with the
// standard library's over all years that the contract allows, and before.
func TestTimeAppendAgreesWithPackageTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := Time(rapid.Int64Range(-62135596800000000, int64(MaxTime)).Draw(t, "microseconds"))
		want := moment.Std().Truncate(time.Second).Format("2006-01-02T15:04:05Z")
		if moment < 0 && moment%1e6 != 0 {
			t.Skip("before 1970 only whole seconds are used")
		}
		if got := moment.String(); got != want {
			t.Fatalf("Time(%d).String() = %s, want %s", moment, got, want)
		}
	})
}

func TestTimeAppendAtTheEdges(t *testing.T) {
	tests := []struct {
		time Time
		want string
	}{
		{0, "1970-01-01T00:00:00Z"},
		{-1e6, "1969-12-31T23:59:59Z"},
		{951782399999999, "2000-02-28T23:59:59Z"},
		{951782400000000, "2000-02-29T00:00:00Z"},
		{4107542400000000, "2100-03-01T00:00:00Z"},
		{MaxTime, "9999-12-31T23:59:59Z"},
	}
	for _, tt := range tests {
		if got := tt.time.String(); got != tt.want {
			t.Errorf("Time(%d).String() = %s, want %s", tt.time, got, tt.want)
		}
	}
	buf := make([]byte, 0, 32)
	if n := testing.AllocsPerRun(1000, func() { buf = MaxTime.Append(buf[:0]) }); n != 0 {
		t.Errorf("Time.Append allocates %v times, want 0", n)
	}
}

// TestCivilKnowsEveryDay counts the days of all years that the contract allows.
func TestCivilKnowsEveryDay(t *testing.T) {
	days := uint32(civilDays)
	for year := uint32(1970); year <= 9999; year++ {
		lengths := [...]uint32{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
		if year%4 == 0 && year%100 != 0 || year%400 == 0 {
			lengths[1] = 29
		}
		for i, length := range lengths {
			for day := uint32(1); day <= length; day++ {
				y, m, d := civil(days)
				if y != year || m != uint32(i)+1 || d != day {
					t.Fatalf("day %d is %d-%d-%d, want %d-%d-%d", days, y, m, d, year, i+1, day)
				}
				days++
			}
		}
	}
}

func TestTimeOf(t *testing.T) {
	if got := TimeOf(time.Time{}); got != 0 {
		t.Errorf("TimeOf(zero time) = %d, want 0", got)
	}
	moment := time.Date(2026, 9, 1, 12, 34, 56, 789000, time.UTC)
	if got := TimeOf(moment); !got.Std().Equal(moment) {
		t.Errorf("TimeOf(%v).Std() = %v", moment, got.Std())
	}
	if got := TimeOf(moment).Minute().String(); got != "2026-09-01T12:34:00Z" {
		t.Errorf("Minute() = %s, want the whole minute before", got)
	}
}

func BenchmarkTimeAppend(b *testing.B) {
	moment := TimeOf(time.Date(2026, 9, 1, 12, 34, 56, 0, time.UTC))
	buf := make([]byte, 0, 32)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			buf = moment.Append(buf[:0])
		}
	})
	b.Run("package time", func(b *testing.B) {
		for b.Loop() {
			buf = moment.Std().AppendFormat(buf[:0], time.RFC3339)
		}
	})
}
