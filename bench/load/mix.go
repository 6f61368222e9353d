package load

import (
	"fmt"
	"strings"
)

// Kind is what a query asks for, and who asks.
type Kind uint8

const (
	Hit        Kind = iota // a name of the list, by Zipf
	Miss                   // a name that nobody has registered
	IDN                    // an internationalised name of the list, every second time as U-label
	Nameserver             // a host
	Registrar              // a registrar, by name or IANA ID
	Help
	Junk      // what is no query: empty, 10 KiB, binary, another protocol
	DropCatch // a name that is about to be deleted, or just was, asked for again and again
	Harvest   // the names in the order of the zone, from hundreds of /24s

	Kinds = int(Harvest) + 1 // how many there are
)

var kindNames = [Kinds]string{"hit", "miss", "idn", "nameserver", "registrar", "help", "junk", "dropcatch", "harvest"}

// String returns the kind's word.
func (k Kind) String() string {
	if int(k) >= Kinds {
		return "kind?"
	}
	return kindNames[k]
}

// Mix is what a run's queries are made of. Everything in it is assumed, see
// Assumptions.
type Mix struct {
	Name   string
	Shares [Kinds]float64 // by Kind, relative to their sum
	// Zipf is the exponent s of the popularity of names: the name of rank r is asked
	// for in proportion to 1/r^s. 0 asks for all alike.
	Zipf        float64
	Head        float64 // RDAP: share of HEAD
	Conditional float64 // RDAP: share that repeats a recent query with If-None-Match
}

// What is assumed of those who ask (query_mix of the test data: not measured
// anywhere that we know of).
const (
	ordinaryZipf = 0.9
	ordinaryHits = 0.35 // of the domains that ordinary clients ask for
	dropHits     = 0.05 // of the names that drop-catchers ask for
	headShare    = 0.10 // of RDAP
	hotClients   = 0.01 // share of the ordinary clients' addresses ...
	hotQueries   = 0.60 // ... that send this share of their queries

	mixedOrdinary, mixedDropCatch, mixedHarvest = 0.80, 0.15, 0.05
)

// MixNames are the mixes that NewMix makes.
func MixNames() []string {
	return []string{"hits", "misses", "idn", "junk", "ordinary", "dropcatch", "harvest", "mixed"}
}

// NewMix returns one of the mixes by name: "hits", "misses", "idn", "junk",
// "dropcatch" and "harvest" are of one kind; "ordinary" is what people and
// programs ask for, and "mixed" adds drop-catchers and harvesters to it.
func NewMix(name string, p Protocol) (Mix, error) {
	m := Mix{Name: name, Zipf: ordinaryZipf}
	switch name {
	case "hits":
		m.Shares[Hit] = 1
	case "misses":
		m.Shares[Miss] = 1
	case "idn":
		m.Shares[IDN] = 1
	case "junk":
		m.Shares[Junk] = 1
	case "dropcatch":
		m.Shares[DropCatch] = 1
	case "harvest":
		m.Shares[Harvest] = 1
	case "ordinary":
		m.addOrdinary(p, 1)
	case "mixed":
		m.addOrdinary(p, mixedOrdinary)
		m.Shares[DropCatch], m.Shares[Harvest] = mixedDropCatch, mixedHarvest
	default:
		return m, fmt.Errorf("there is no mix %q: the mixes are %s", name, strings.Join(MixNames(), ", "))
	}
	return m, nil
}

// addOrdinary adds what ordinary clients ask for, as a share of all.
func (m *Mix) addOrdinary(p Protocol, share float64) {
	domains := 0.94
	m.Shares[Registrar], m.Shares[Nameserver], m.Shares[Help], m.Shares[Junk] = 0.01*share, 0.01*share, 0.01*share, 0.03*share
	if p == RDAP {
		domains = 0.92
		m.Shares[Registrar], m.Shares[Nameserver], m.Shares[Junk] = 0.03*share, 0.02*share, 0.02*share
		m.Head = headShare
	}
	m.Shares[Hit] = domains * ordinaryHits * share
	m.Shares[Miss] = domains * (1 - ordinaryHits) * share
}

// check returns why the mix cannot be asked of names.
func (m *Mix) check(p Protocol, names *Names) error {
	sum := 0.0
	for k, share := range m.Shares {
		if !(share >= 0) {
			return fmt.Errorf("mix %s: the share of %s must not be %g", m.Name, Kind(k), share)
		}
		sum += share
	}
	switch {
	case sum <= 0:
		return fmt.Errorf("mix %s asks for nothing: give a share", m.Name)
	case !(m.Zipf >= 0 && m.Zipf <= 10):
		return fmt.Errorf("mix %s: Zipf's exponent must be 0 to 10, not %g", m.Name, m.Zipf)
	case !(m.Head >= 0 && m.Conditional >= 0 && m.Head+m.Conditional <= 1):
		return fmt.Errorf("mix %s: the shares of HEAD and conditional requests must be 0 to 1 together, not %g and %g", m.Name, m.Head, m.Conditional)
	case p == WHOIS && m.Head+m.Conditional > 0:
		return fmt.Errorf("mix %s: WHOIS has no HEAD and no conditional requests", m.Name)
	case m.Shares[IDN] > 0 && len(names.idns) == 0:
		return fmt.Errorf("mix %s asks for internationalised names, and there are none among the %d of %s", m.Name, names.Len(), names.source)
	}
	return nil
}

// Assumptions tell what the mix assumes, to stand beside every figure that was
// measured with it.
func (m *Mix) Assumptions(names *Names) []string {
	var (
		list  []string
		parts []string
		sum   float64
	)
	for _, share := range m.Shares {
		sum += share
	}
	for k, share := range m.Shares {
		if share > 0 {
			parts = append(parts, fmt.Sprintf("%s %.3g %%", Kind(k), 100*share/sum))
		}
	}
	list = append(list, fmt.Sprintf("queries (assumed mix %s): %s", m.Name, strings.Join(parts, ", ")))
	list = append(list, fmt.Sprintf("names: %s; popularity assumed as Zipf, s = %g", names.source, m.Zipf))
	if m.Shares[Miss] > 0 {
		list = append(list, "misses (assumed): made-up labels that begin free-, each its own")
	}
	if m.Shares[DropCatch] > 0 {
		list = append(list, fmt.Sprintf("drop-catchers (assumed): %d addresses poll %d names, %g %% still there in pendingDelete",
			dropSources, dropNames, 100*dropHits))
	}
	if m.Shares[Harvest] > 0 {
		list = append(list, fmt.Sprintf("harvesters (assumed): in the order of the zone, from %d networks of /24", harvestNetworks))
	}
	if m.Shares[Nameserver]+m.Shares[Registrar] > 0 && len(names.hosts)+len(names.registrars) == 0 {
		list = append(list, "no hosts and registrars are known: names stand in for them")
	}
	if m.Head > 0 {
		list = append(list, fmt.Sprintf("HEAD (assumed): %g %% of requests", 100*m.Head))
	}
	if m.Conditional > 0 {
		list = append(list, fmt.Sprintf("conditional (assumed): %g %% of requests repeat a recent one with its ETag", 100*m.Conditional))
	}
	return list
}

// dropNames is how many names drop-catchers poll.
const dropNames = 500

// freePrefix begins labels that no generated registry holds.
const freePrefix = "free-"
