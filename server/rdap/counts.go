package rdap

import (
	"sync/atomic"

	"rddsd/cache/response"
)

// Counts are what a Server counts beside the queries of the tally, since its
// start.
type Counts struct {
	Connections uint64 // accepted
	Refused     uint64 // closed unread: there was no room for one more connection
	Broken      uint64 // requests that could not be read: malformed, too large, too slow
	Panics      uint64 // faults of ours that were answered as such
	Cached      uint64 // bodies in gzip that were in the cache
	Compressed  uint64 // bodies in gzip that had to be made
}

// counters is Counts while the server runs.
type counters struct {
	connections, refused, broken, panics atomic.Uint64
}

// Counts returns the counters. Each is exact; they are not read at one instant.
func (s *Server) Counts() Counts {
	c := &s.counts
	var gzip response.Counts
	if s.Compressed != nil {
		gzip = s.Compressed.Counts()
	}
	return Counts{
		Connections: c.connections.Load(),
		Refused:     c.refused.Load(),
		Broken:      c.broken.Load(),
		Panics:      c.panics.Load(),
		Cached:      gzip.Hits,
		Compressed:  gzip.Misses,
	}
}
