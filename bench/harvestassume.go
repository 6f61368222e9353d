package main

import (
	"fmt"
	"time"
)

// What bench harvest assumes about people and harvesters. No registry publishes such
// numbers about itself; these err towards more load from people, and harvesters that
// know more, than we would expect. Every figure of bench harvest depends on them, and
// they are printed with it.
const (
	// A day without harvesters, then 30 with them.
	before    = 24 * time.Hour
	simulated = before + 30*24*time.Hour

	// People. One for each name with contact values has an address of its own and
	// asks this registry on one day in peopleEvery.
	peopleEvery = 20
	// Who asks makes lookupsADay look-ups on average, geometrically distributed and never more
	// than mostLookups, lookupPause apart.
	lookupsADay = 3.0
	mostLookups = 60
	lookupPause = 8 * time.Second
	// Of them hitShare find a name (testdata.md), of which contactShare shows contact
	// values: a third of registrants disclose something.
	hitShare     = 0.35
	contactShare = 0.40
	// Names are asked for by Zipf's law with this exponent (testdata.md).
	zipfExponent = 0.9
	// sixShare of the people have IPv6, a /56 each, at one of sixProviders.
	sixShare     = 0.4
	sixProviders = 50

	// Carrier NAT and offices: leastBehind to mostBehind people share an address, eight such
	// addresses share a /24. Each asks on one day in behindEvery where a zone has a
	// million names with contact values, and on one in four times that where it has 10,000.
	leastBehind, mostBehind = 20, 400
	behindEvery             = 20
	// There is one such address for each natEvery names, and eight at least.
	natEvery = 5000

	// Monitors look after a portfolio each day, at once. There is one for each monitorEvery
	// names with contact values, and 20 at most.
	monitorEvery, mostMonitors, portfolio = 10_000, 20, 43
	// A conformance tool asks testRequests times at once, testRuns times a day, about 5 names.
	testRequests, testRuns = 20, 10
	// A registrar on the list asks each registrarPause, always for another name.
	registrarPause = 2 * time.Second
	// A drop-catcher asks for each of 5 names that fall once each catchPause.
	catchNames, catchPause = 5, 5 * time.Second
	// Probes on the list: as many, each asking this often, ten times what ICANN's do.
	probes, probePause = 40, 30 * time.Second

	// Harvesters know beforehand which names show contact values, ask for each once,
	// in any order, waste nothing, share what they have among all their sources, and go on for all
	// 30 days. After an answer without contact values a source tries again later.
	tryAgain = time.Hour
	// Each source of a harvester with few of them asks this often while it is answered;
	// those with many say their own pause in harvesters.
	harvestPause = 2 * time.Second
	// A slow crawler asks once in each slowPause from each of slowSources scattered addresses.
	slowSources, slowPause = 100, 3 * time.Hour
)

// assumptions says the above aloud.
func assumptions() []string {
	return []string{
		fmt.Sprintf("Assumed: one person for each name with contact values, asking on one day in %d, %.0f look-ups then (geometric), %.0f %% hits, %.0f %% of those with contact values, names by Zipf %.1f.",
			peopleEvery, lookupsADay, 100*hitShare, 100*contactShare, zipfExponent),
		fmt.Sprintf("Assumed: %d to %d people behind a carrier's address, each asking on one day in %d (a million names) or %d (10,000).",
			leastBehind, mostBehind, behindEvery, 4*behindEvery),
		fmt.Sprintf("Assumed: one monitor of %[2]d names a day for each %[1]d names (%[3]d at most), a conformance tool (%[4]d requests, %[5]d times a day), a drop-catcher, a listed registrar, %[6]d listed probes.",
			monitorEvery, portfolio, mostMonitors, testRequests, testRuns, probes),
		fmt.Sprintf("Assumed: harvesters know which names have contact values, ask for none twice, share what they learn, and ask each %v while they are answered, each %v otherwise.",
			harvestPause, tryAgain),
	}
}
