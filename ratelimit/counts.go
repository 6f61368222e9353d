package ratelimit

// Counts are the limiter's own counters since New.
type Counts struct {
	Refused, Degraded         [Causes]uint64 // queries in mode Enforce, by cause
	WouldRefuse, WouldDegrade [Causes]uint64 // queries that mode DryRun let pass in full and Enforce would not have
	Crowded                   uint64         // accounts opened on the charge of another, because the table had no free cell for them
	Hammering                 uint64         // refusals that lengthened a wait
	Canary                    uint64         // how often somebody asked for more canaries than by chance
}

// Counts returns the counters. Each is exact; they are not read at one instant.
func (l *Limiter) Counts() Counts {
	c := Counts{Crowded: l.counts.crowded.Load(), Hammering: l.counts.hammering.Load(), Canary: l.counts.canary.Load()}
	for i := range Causes {
		c.Refused[i], c.Degraded[i] = l.counts.refused[i].Load(), l.counts.degraded[i].Load()
		c.WouldRefuse[i], c.WouldDegrade[i] = l.counts.wouldRefuse[i].Load(), l.counts.wouldDegrade[i].Load()
	}
	return c
}

// Sum adds up counts by cause.
func Sum(counts [Causes]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}
