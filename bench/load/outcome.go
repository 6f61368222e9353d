package load

// Outcome is how a query ended: with an answer of some class, or with an error.
type Outcome uint8

// Answers. Their words are the classes of the server's own counters, and
// notmodified (HTTP status 304).
const (
	Found Outcome = iota
	NotFound
	Reserved
	Invalid
	OtherTLD
	Helped
	NotModified
	Refused // over a limit: the text of WHOIS, status 429 of RDAP
	// Degraded is found, without contact values because of a budget. RDAP says so in
	// each such answer; in WHOIS only a checked answer can tell.
	Degraded

	// Errors. The first three are answers too, but not what the service is for.
	Busy
	Unknown     // WHOIS "temporarily unavailable", RDAP 503
	Failed      // RDAP 500 and the like
	Wrong       // an answer that is not what the registry says, or is about another name
	Garbage     // not an answer of the protocol
	Unconnected // no connection came about
	Reset       // the connection was reset
	Cut         // the connection ended before a whole answer
	TimedOut
	Unsent // open loop: due, but no connection was free up to a second after the end

	Outcomes = int(Unsent) + 1 // how many there are
)

var outcomeNames = [Outcomes]string{
	"found", "notfound", "reserved", "invalid", "othertld", "help", "notmodified", "refused", "degraded",
	"busy", "unknown", "failed", "wrong", "garbage", "unconnected", "reset", "cut", "timedout", "unsent",
}

// String returns the outcome's word.
func (o Outcome) String() string {
	if int(o) >= Outcomes {
		return "outcome?"
	}
	return outcomeNames[o]
}

// IsError reports whether o counts as an error. Refusals and degraded answers do
// not: the server does as it should.
func (o Outcome) IsError() bool { return o >= Busy }

// Answered reports whether a whole answer came.
func (o Outcome) Answered() bool { return o <= Wrong }
