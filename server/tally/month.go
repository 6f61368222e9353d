package tally

import (
	"fmt"
	"time"
)

// Month is a calendar month in UTC: twelve times the year, plus 0 to 11.
type Month int

// MonthOf returns the month in which t falls in UTC.
func MonthOf(t time.Time) Month {
	t = t.UTC()
	return Month(t.Year()*12 + int(t.Month()) - 1)
}

// Begins returns the first moment of m.
func (m Month) Begins() time.Time {
	return time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// String returns m as "2026-11".
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }

// ParseMonth is the reverse of Month.String.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return 0, fmt.Errorf("month %q is not of the form 2026-11", s)
	}
	return MonthOf(t), nil
}
