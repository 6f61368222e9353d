package postgres

import (
	"errors"
	"fmt"
	"time"

	"rddsd/cache/feed"
)

// judge decides about a database that stands before what it has told already:
// for a while it is waited for, then it has been rewound.
func (s *Source) judge(now time.Time, err error) error {
	late, ok := errors.AsType[*behind](err)
	if !ok {
		if err == nil {
			s.behindSince = time.Time{}
		}
		return err
	}
	if s.behindSince.IsZero() {
		s.behindSince = now
	}
	if now.Sub(s.behindSince) > maxBehind {
		return late.gap
	}
	return err
}

// maxClockBack is how far the registry's clock may be set back without harm.
const maxClockBack = time.Minute

// clockWent returns an error when the registry's clock was set back since the
// last poll: rows whose state ends by the clock may have been read as if it had
// ended, and nothing will tell us to read them again.
func (s *Source) clockWent(now *head) error {
	if back := time.Duration(s.wasAt-now.clock) * time.Microsecond; s.wasAt != 0 && back > maxClockBack {
		s.wasAt = now.clock
		return &feed.Gap{Reason: feed.ReasonClock, Detail: fmt.Sprintf("its clock was set back by %v", back.Round(time.Second))}
	}
	return nil
}

// look keeps what now tells beside the data.
func (s *Source) look(now *head, polled time.Time) {
	s.wasAt = now.clock
	switch {
	case now.nextXID == now.horizon:
		s.openSince, s.openTold = time.Time{}, false
	case s.openSince.IsZero() || s.openAt != now.horizon:
		s.openSince, s.openAt, s.openTold = polled, now.horizon, false
	}
	s.tell(func(status *feed.SourceStatus) {
		status.Replica, status.HorizonLag, status.OpenSince = now.replica, now.nextXID-now.horizon, s.openSince
	})
	if !s.openSince.IsZero() && !s.openTold && polled.Sub(s.openSince) > alarmOpen {
		s.openTold = true
		s.log().Warn("a transaction of the registry has been open for long: nothing is lost, but every poll has to name what was committed since; "+
			"end it, or a prepared one with commit prepared or rollback prepared",
			"since", s.openSince.UTC().Format(time.RFC3339), "transaction", s.openAt, "transactions_since", now.nextXID-now.horizon)
	}
}
