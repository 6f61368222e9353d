package feed

import "time"

// SourceStatus tells how a registry is read, where there is more to tell than
// the Follower knows.
type SourceStatus struct {
	Polls   uint64 // transactions that asked for changes
	WakeUps uint64 // of them, those that the registry caused

	Replica    bool      // a hot standby is read
	Listening  bool      // the registry can wake us; without that it is polled more often
	HorizonLag uint64    // transactions begun since the oldest that is open
	OpenSince  time.Time // since when, as far as polls could tell, the oldest is open; zero = none is
	Behind     uint64    // rows of the journal that were read and are not published
}
