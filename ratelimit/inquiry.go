package ratelimit

import "time"

// inquiry is one ask while it is decided.
type inquiry struct {
	*Limiter
	settings *settings
	client   Client
	ask      Ask
	nanos    uint64
	act      bool // charge; else only find out
	accounts accounts
	lines    [maxTiers]*line // of each account
	id       uint64          // of client and object, as repeats know it
}

// judge is Decide whatever the mode: it reports whether the answer may be shown in
// full, and otherwise sets d.
func (q *inquiry) judge(now time.Time, d *Decision) (full bool) {
	if q.client.network != nil {
		*d = q.client.network.decide(now, q.act)
		return d.Verdict == Full
	}
	q.accountsOf(q.client.Addr, q.settings, &q.accounts)
	var at instant
	at.loadAt(q.nanos)
	q.fetch(&at)
	return q.load(&at, d) && q.learn(d)
}

// fetch reads once from all memory that the inquiry will need. The reads do not wait
// for each other, as those between two charges would: a cold client costs the time
// of one miss of the processor's cache instead of six. Of who is going to be refused,
// only his accounts are read: the processor guesses that he is not, and reads on
// meanwhile, so that nobody else waits for this.
func (q *inquiry) fetch(now *instant) {
	for i := range q.accounts.n {
		q.lines[i] = q.line(q.accounts.list[i].hash)
		q.lines[i].touched.Load()
	}
	if q.ask.Shows == Nothing {
		return
	}
	// What is shown is part of what is remembered: an object that discloses
	// contact values since the client saw it is new.
	first, s := &q.accounts.list[0], q.settings
	q.id = fold(first.hash^q.ask.Object, q.secret[3]^uint64(q.ask.Shows)<<1|1)
	if _, _, held := find(q.lines[0].load[:], first.hash, now); held.fast+s.loadPrice[first.tier].fast > s.loadBound[first.tier].fast {
		return
	}
	q.repeats.buckets[q.id%repeatBuckets][0].Load()
	if q.ask.Shows == Contact {
		q.demands.buckets[q.accounts.site%demandBuckets][0].Load()
		q.free.words[q.accounts.site%freeWords][0].Load()
	}
}

// load charges one query to the load limits of each tier, and reports whether all
// had room; if not, d says which refuses.
func (q *inquiry) load(now *instant, d *Decision) bool {
	s := q.settings
	for i := range q.accounts.n {
		account := &q.accounts.list[i]
		price, bound := s.loadPrice[account.tier], s.loadBound[account.tier]
		q.lines[i].freshen(now)
		ok, held, crowded := charge(q.lines[i].load[:], account.hash, now, price, bound, q.act)
		if crowded && q.act {
			q.counts.crowded.Add(1)
		}
		if !ok {
			d.Verdict, d.Network = Refuse, networkOf(q.client.Addr, account.tier)
			d.hammering = q.act && q.hammered(&q.accounts, now, s)
			d.Cause, d.RetryIn = wait(held, price, bound, now)
			return false
		}
	}
	return true
}

// wait returns how long it is from now until price fits an account of load that
// holds held, and which horizon that is for. It counts from the tick that now is in.
// A slow horizon that is no more than a second behind the fast one only follows it,
// rounded to its own ticks (see lasting).
func wait(held, price, bound ticks, now *instant) (Cause, time.Duration) {
	until := func(held, price, bound uint64, tick time.Duration) time.Duration {
		if held+price <= bound {
			return 0
		}
		return time.Duration(held+price-bound)*tick - time.Duration(now.nanos%uint64(tick))
	}
	fast, slow := until(held.fast, price.fast, bound.fast, loadFast), until(held.slow, price.slow, bound.slow, loadSlow)
	if fast == 0 || slow > fast+time.Second {
		return QuarterHour, slow
	}
	return Second, max(fast, slow)
}

// learn charges what ask teaches to the budgets of each tier and to the zone guard,
// and reports whether it may be shown; if not, d says why it is degraded.
func (q *inquiry) learn(d *Decision) bool {
	var now instant
	now.dataAt(q.nanos)
	s, ask := q.settings, &q.ask
	first := &q.accounts.list[0]
	if ask.Shows == Nothing {
		q.try(0, &now, s.miss[first.tier], trifleBound)
		return true
	}
	if ask.Bodiless || q.repeats.known(q.id, q.nanos, q.act) {
		q.try(0, &now, s.repeat[first.tier], trifleBound)
		return true
	}
	if ask.Canary && q.act {
		q.canary(&q.accounts, &now, q.client.Network())
	}
	if ask.Shows == Contact {
		return q.contact(&now, d)
	}
	for i := range q.accounts.n {
		q.try(i, &now, times(s.object[q.accounts.list[i].tier], uint64(max(ask.Count, 1))), budgetBound)
	}
	if q.act {
		q.repeats.add(q.id, q.nanos)
	}
	return true
}

// contact decides about objects with contact values that the client does not know:
// what the guard and all tiers let through.
func (q *inquiry) contact(now *instant, d *Decision) bool {
	z, count := q.zone(q.ask.TLD), max(q.ask.Count, 1)
	asked := q.demands.ask(q.accounts.site, q.nanos, count, q.act)
	gift, given := 0, false // and not charged to the guard
	if count == 1 {
		gift, given = q.free.next(q.accounts.site, q.nanos, q.freeObjects())
	}
	if !given && !z.reaches(int64(q.nanos), asked) {
		d.Verdict, d.Cause = Degrade, Guard
		return false
	}
	prices := z.prices.Load()
	for i := range q.accounts.n {
		account := &q.accounts.list[i]
		price := times(prices.of[account.tier], uint64(count))
		ok, held := q.try(i, now, price, budgetBound)
		if ok {
			continue
		}
		d.Verdict, d.Cause, d.Network = Degrade, Month, networkOf(q.client.Addr, account.tier)
		if held.fast+price.fast > budgetBound.fast {
			d.Cause = Day
		}
		return false
	}
	if given && q.act {
		given = q.free.claim(q.accounts.site, q.nanos, gift)
	}
	if !given && !z.charge(int64(q.nanos), count, q.act) {
		d.Verdict, d.Cause = Degrade, Guard
		return false
	}
	if q.act {
		q.repeats.add(q.id, q.nanos)
	}
	return true
}

// freeObjects is how many objects each source has free now: none for a day after
// the memory of who has had them was lost.
func (q *inquiry) freeObjects() int {
	if q.nanos < q.cautious.Load() {
		return 0
	}
	return q.settings.config.Free
}

// try charges a budget of the i-th account, if price fits.
func (q *inquiry) try(i int, now *instant, price, bound ticks) (ok bool, held ticks) {
	ok, held, crowded := charge(q.lines[i].data[:], q.accounts.list[i].hash, now, price, bound, q.act)
	if crowded && q.act {
		q.counts.crowded.Add(1)
	}
	return ok, held
}

func times(price ticks, n uint64) ticks { return ticks{price.fast * n, price.slow * n} }
