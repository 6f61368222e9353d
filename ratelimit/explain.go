package ratelimit

import (
	"net/netip"
	"time"
)

// TierStatus tells how one account of a client stands: what share of each horizon is
// used, 0 to 1; more than 1 of Second is a wait that hammering lengthened.
type TierStatus struct {
	Tier        string       `json:"tier"`
	Network     netip.Prefix `json:"network"`
	Second      float64      `json:"second"`
	QuarterHour float64      `json:"quarter_hour"`
	Day         float64      `json:"day"`
	Month       float64      `json:"month"`
}

// Explanation tells how a client stands.
type Explanation struct {
	Address  netip.Addr   `json:"address"`
	Audience string       `json:"audience"`
	Entry    netip.Prefix `json:"entry"` // of the operator's list that holds it; the zero Prefix if none does
	Role     string       `json:"role"`  // "" without an entry
	Mode     string       `json:"mode"`
	Free     int          `json:"free"`  // free objects left
	Asked    float64      `json:"asked"` // new objects with contact values that it asked for lately, shown or not
	Known    int          `json:"known"` // days since it asked for the first of them
	Tiers    []TierStatus `json:"tiers"` // empty for who is on the list: it has no accounts
}

// Explain tells how client stands at now.
func (l *Limiter) Explain(client Client, now time.Time) Explanation {
	s := l.settings.Load()
	e := Explanation{Address: client.Addr, Audience: client.Audience.String(), Mode: s.config.Mode.String()}
	if n := client.network; n != nil {
		e.Entry, e.Role = n.prefix, n.role.String()
		return e
	}
	var a accounts
	l.accountsOf(client.Addr, s, &a)
	nanos := l.nanos(now)
	load, data := loadAt(nanos), dataAt(nanos)
	for i := range s.config.Free {
		if next, ok := l.free.next(a.site, nanos, i+1); ok && next == i {
			e.Free++
		}
	}
	asked := l.demands.ask(a.site, nanos, 0, false)
	e.Asked, e.Known = float64(asked.asked)/oneObject, int(asked.age/24)
	for i := range a.n {
		account := &a.list[i]
		l.line(account.hash).freshen(&load)
		loaded := peek(l.line(account.hash).load[:], account.hash, &load)
		learnt := peek(l.line(account.hash).data[:], account.hash, &data)
		bound := s.loadBound[account.tier]
		e.Tiers = append(e.Tiers, TierStatus{
			Tier: widths[account.tier].name, Network: networkOf(client.Addr, account.tier),
			Second: ratio(loaded.fast, bound.fast), QuarterHour: ratio(loaded.slow, bound.slow),
			Day: ratio(learnt.fast, budgetBound.fast), Month: ratio(learnt.slow, budgetBound.slow),
		})
	}
	return e
}

func ratio(held, bound uint64) float64 { return float64(held) / float64(bound) }

// Unblock empties the accounts of client: its own and those of the prefixes around
// it, and what it has been refused for. It returns how many accounts held anything.
func (l *Limiter) Unblock(client Client, now time.Time) int {
	var a accounts
	l.accountsOf(client.Addr, l.settings.Load(), &a)
	nanos := l.nanos(now)
	load, data := loadAt(nanos), dataAt(nanos)
	held := 0
	for i := range a.n {
		hash := a.list[i].hash
		cells := l.line(hash)
		if peek(cells.load[:], hash, &load) != (ticks{}) || peek(cells.data[:], hash, &data) != (ticks{}) {
			held++
		}
		forgive(cells.load[:], hash, &load)
		forgive(cells.data[:], hash, &data)
	}
	l.canaries[a.list[0].hash>>16%canaryCells].Store(0)
	l.hammers.cells[a.list[0].hash>>16%hammerCells].Store(0)
	l.demands.forget(a.site)
	l.top.forget(client.Network())
	return held
}
