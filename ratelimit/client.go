// Package ratelimit decides whether a client may learn this now: by address, by
// the prefixes around it, and by what the answer would teach it.
package ratelimit

import (
	"fmt"
	"net/netip"
	"time"
)

// Audience is who asks, as far as that changes what may be shown or charged.
// The listener finds it once; it travels in Client, in the query and in
// every key of a stored response.
type Audience uint8

const (
	Anonymous Audience = iota // everybody
	Listed                    // an address on a list of the operator
	Account                   // a login
	Probe                     // a measuring system: never limited, degraded or charged

	Audiences = 4 // how many there are
)

var audienceNames = [Audiences]string{"anonymous", "listed", "account", "probe"}

// String returns the label of the audience in metrics.
func (a Audience) String() string { return audienceNames[a&3] }

// Client is whoever sent a query. Limiter.Client makes it.
type Client struct {
	Addr     netip.Addr // unmapped: ::ffff:192.0.2.1 and 192.0.2.1 are one client
	Audience Audience

	network *network // the operator's entry for it; nil = none
}

// ClientAt returns the anonymous client at addr.
func ClientAt(addr netip.Addr) Client {
	return Client{Addr: addr.Unmap().WithZone("")}
}

// Network returns the prefix that client is counted by under the load limits: its
// IPv4 address or its IPv6 /64. It is the zero Prefix if the client has no address.
func (c Client) Network() netip.Prefix {
	addr := c.Addr.Unmap()
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network, _ := addr.Prefix(bits) // no error: bits fits the family
	return network
}

// Shows is how much of an object an answer shows.
type Shows uint8

const (
	Nothing Shows = iota // a miss, junk, help
	Object               // an object without contact values
	Contact              // an object with at least one disclosed contact value
)

// Ask is what an answer would teach the client: which object, how much of it, how many.
type Ask struct {
	Object   uint64 // keyed hash of the object, so that a repeat costs almost nothing
	Shows    Shows
	Bodiless bool   // only that it is there, or that it has not changed: HEAD, 304
	Canary   bool   // it is a name that nobody has a reason to ask for
	Count    int    // objects shown: 1 for a lookup, the hits of a search
	TLD      string // whose zone guard counts it, for Contact
}

// Verdict is what to do with an answer, from mild to strict.
type Verdict uint8

const (
	Full    Verdict = iota // show it
	Degrade                // show it without contact values
	Refuse                 // do not show it

	verdicts = 3
)

var verdictNames = [verdicts]string{"full", "degrade", "refuse"}

// String returns the verdict as it stands in what operators read.
func (v Verdict) String() string { return verdictNames[v%verdicts] }

// Cause is which limit decided.
type Cause uint8

const (
	NoCause     Cause = iota
	Second            // Rate and Burst
	QuarterHour       // look-ups in 15 minutes
	Day               // contact data in a day
	Month             // contact data in 30 days
	Guard             // the zone guard
	Denied            // the operator's list denies the network
	NetworkRate       // the rate of a network on the operator's list

	Causes = 8 // how many there are
)

var causeNames = [Causes]string{"none", "second", "quarter_hour", "day", "month", "guard", "denied", "network_rate"}

// String returns the label of the cause in metrics.
func (c Cause) String() string {
	if c >= Causes {
		return fmt.Sprintf("cause %d", uint8(c))
	}
	return causeNames[c]
}

// Decision is the limiter's verdict on one ask. Network is the prefix that
// decided, the zero Prefix for the zone guard; RetryIn is the true wait, set when
// Verdict is Refuse, and 0 even then if no waiting helps: the network is denied.
type Decision struct {
	Verdict Verdict
	Cause   Cause
	Network netip.Prefix
	RetryIn time.Duration

	hammering bool // the wait was lengthened
}
