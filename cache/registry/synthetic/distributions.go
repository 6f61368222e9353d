package synthetic

import "rddsd/cache/registry"

// The numbers of the generator. Each block says whether it was measured, is
// cited, or is assumed to make the data realistic.

// labelLengths is how many of 100,590 real registered labels have how many
// characters (index). Measured: npm disposable-email-domains 1.0.62; mean 10.1,
// median 9.
func labelLengths() weights {
	return weigh(
		0, 2, 95, 851, 3495, 7965, 11691, 10159, 10473, 9588,
		8622, 7294, 5656, 4697, 3985, 3429, 2760, 2171, 1771, 1434,
		991, 729, 639, 471, 401, 270, 262, 168, 156, 124,
		56, 37, 26, 25, 17, 20, 15, 9, 7, 10,
		3, 2, 1, 0, 2, 1, 3, 1, 1, 1,
		1, 0, 0, 0, 0, 2, 0, 0, 0, 0,
		0, 0, 0, 1)
}

// The ways in which a label is made.
const (
	twoWords = iota
	wordAndSuffix
	threeWords
	oneWord
	randomLetters
	digitsOnly
	wordAndNumber
)

// labelShapes is their mix. Assumed; with a third of the random ones holding
// digits, 12 % of labels do.
func labelShapes() weights { return weigh(45, 20, 10, 5, 12, 2, 6) }

// Shares of names in 10,000.
const (
	hyphenShare      = 1000 // of labels of several words; assumed
	idnShare         = 200  // assumed
	inBailiwickShare = 300  // assumed
	undelegatedShare = 200  // assumed
	twoProviderShare = 750  // cited: 92.5 % use one provider (domainsproject.org, reconwave.com)
	signedGTLDShare  = 500  // cited range, chosen
	signedCCTLDShare = 1000 // the same
	privacyShare     = 500  // of each of the two privacy services; assumed
	techShare        = 3000 // assumed
	adminShare       = 2000 // assumed
	resellerShare    = 300  // assumed
	transferredShare = 1200 // assumed
	updatedShare     = 7000 // assumed
)

// registrarCount is how many registrars a registry of 3,400 names or more has;
// smaller ones have fewer. Their sizes follow Zipf with exponent 1.1: the first
// has a fifth of the names. Assumed.
func registrarCount(names int) int { return min(350, 10+names/10) }

const registrarExponent = 1.1

// providerCount is how many DNS providers answer for the names. The first two
// have 18.9 % and 13.9 % of 277.6 million domains (cited: domainsproject.org);
// the others follow Zipf with exponent 1.05, fitted to what is cited of the ten
// and the 37 largest.
func providerCount(names int) int { return min(4000, 20+names/50) }

const (
	providerExponent = 1.05
	firstProvider    = 1890 // of 10,000
	secondProvider   = 1390
	largeProviders   = 40  // those with a pool of host sets instead of one
	namesPerSet      = 150 // that a large provider puts on one set; assumed
	maxSets          = 2000
)

// setSizes is how many hosts a delegation has, from 2 on. Assumed.
func setSizes() weights { return weigh(7200, 1000, 1500, 200, 30, 20, 20, 10, 5, 5, 5, 5) }

// fanOut draws how many names one registrant has: 70 % one, 20 % two to five,
// 9 % up to 100, 1 % up to 500, in a small registry at most a twentieth of all.
// Assumed.
func (s *stream) fanOut(names int) int { return min(s.anyFanOut(), 1+names/20) }

func (s *stream) anyFanOut() int {
	switch x := s.below(100); {
	case x < 70:
		return 1
	case x < 90:
		return s.skewed(2, 5)
	case x < 99:
		return s.skewed(6, 100)
	}
	return s.skewed(101, 500)
}

// DNSSEC numbers with their weights. Assumed, but for algorithm 13 and digest
// type 2 leading.
func algorithms() ([]uint8, weights)  { return []uint8{13, 8, 14, 15, 10}, weigh(82, 15, 1, 1, 1) }
func digestTypes() ([]uint8, weights) { return []uint8{2, 4, 1}, weigh(96, 3, 1) }

const secondDSShare = 1000 // of signed names, in 10,000

// terms are the years for which names were registered. Assumed.
func terms() ([]int, weights) { return []int{1, 2, 3, 5, 10}, weigh(86, 7, 3, 2, 2) }

const (
	// Ages fall by half every four years, mean six, and 1,430 in 10,000 more
	// names are of the last year, so that a quarter is. Assumed.
	ageHalfLife   = 4 * 365 * day
	newNamesShare = 1430

	// Of the names whose last anniversary is under 45 days old, so many of 10,000
	// were renewed by the registry itself; that gives 5 % of all. Assumed.
	autoRenewShare = 6000
	renewShare     = 40 // renewed by hand within five days; assumed
	movedShare     = 20 // transferred within five days; assumed
)

// The periods that the clock ends (RFC 3915 §3.1; lengths as gTLDs have them).
const (
	addPeriod       = 5 * day
	renewPeriod     = 5 * day
	transferPeriod  = 5 * day
	autoRenewPeriod = 45 * day
	redemption      = 30 * day
)

// What has happened to a name. Shares of 1,000,000, assumed, after the list of
// EPP statuses.
const (
	lifeNormal = iota
	lifeRedemption
	lifePendingDelete
	lifePendingRestore
	lifePendingCreate
	lifePendingTransfer
	lifePendingRenew
	lifePendingUpdate
)

func lives() weights { return weigh(987380, 10000, 1900, 100, 100, 500, 10, 10) }

// One day's changes, in 10,000 names, for the differential deposit. Assumed.
const (
	deletedPerDay = 8
	createdPerDay = 9
	updatedPerDay = 40
)

const (
	second = registry.Time(1_000_000)
	day    = 86400 * second
)
