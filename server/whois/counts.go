package whois

import "sync/atomic"

// Counts are what a Server counts beside the queries of the tally, since its
// start.
type Counts struct {
	Connections uint64 // accepted
	Refused     uint64 // closed unread: over the hard cap on connections
	Silent      uint64 // closed by the client without a query, as monitors do (W-17)
	Expired     uint64 // closed by us: no whole query before the deadline (W-04)
	Broken      uint64 // lost before the query was read
	Interrupted uint64 // Ctrl-C in telnet (W-12)
	Unsent      uint64 // lost while the answer was written, as clients that stop at the last-update line do (W-11)
	Lingered    uint64 // closed the slow way, because more than one line came (W-06)
	Panics      uint64 // faults of ours that were answered as such
	HTTP        uint64 // queries that were HTTP requests (W-18)
	TLS         uint64 // TLS hellos
	RDP         uint64 // remote desktop requests
	SMB         uint64 // Windows file sharing requests
}

// counters is Counts while the server runs.
type counters struct {
	connections, refused, silent, expired, broken, interrupted, unsent, lingered, panics atomic.Uint64
	junk                                                                                 [junks]atomic.Uint64
}

// Counts returns the counters. Each is exact; they are not read at one instant.
func (s *Server) Counts() Counts {
	c := &s.counts
	return Counts{
		Connections: c.connections.Load(),
		Refused:     c.refused.Load(),
		Silent:      c.silent.Load(),
		Expired:     c.expired.Load(),
		Broken:      c.broken.Load(),
		Interrupted: c.interrupted.Load(),
		Unsent:      c.unsent.Load(),
		Lingered:    c.lingered.Load(),
		Panics:      c.panics.Load(),
		HTTP:        c.junk[junkHTTP].Load(),
		TLS:         c.junk[junkTLS].Load(),
		RDP:         c.junk[junkRDP].Load(),
		SMB:         c.junk[junkSMB].Load(),
	}
}
