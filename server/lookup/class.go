package lookup

// Class is what kind of answer a query got: one set for WHOIS, RDAP and web,
// and every query has exactly one (design.md §6, whois.md Q-13).
type Class uint8

const (
	Found    Class = iota
	NotFound       // the registry does not hold it, and the data is fresh enough to say so
	Reserved       // not registered and not free
	Invalid        // not a query that this service understands
	OtherTLD       // a name that another registry answers for
	Help           // told how to ask
	Unknown        // the data cannot tell: too old for a miss, or the row is in quarantine
	Limited        // refused: the client asked too much
	Degraded       // found, shown without contact values because of a budget
	Busy           // refused: the server has too much to do
	Error          // a fault of ours

	Classes = 11 // how many there are
)

var classNames = [Classes]string{
	"found", "notfound", "reserved", "invalid", "othertld", "help", "unknown", "limited", "degraded", "busy", "error",
}

// String returns the label of the class in metrics.
func (c Class) String() string {
	if c >= Classes {
		return "class?"
	}
	return classNames[c]
}

// Object is what a query is about: a label in metrics, and what a renderer
// chooses its form by.
type Object uint8

const (
	NoObject    Object = iota // help, and whatever could not be parsed
	Domain                    // a registered or reserved name
	Nameserver                // one host object
	Nameservers               // the host objects that have an address
	Registrar                 // one registrar
	Contact                   // one contact, by its ROID

	Objects = 6 // how many there are
)

var objectNames = [Objects]string{"none", "domain", "nameserver", "nameservers", "registrar", "contact"}

// String returns the label of the object in metrics.
func (o Object) String() string {
	if o >= Objects {
		return "object?"
	}
	return objectNames[o]
}
