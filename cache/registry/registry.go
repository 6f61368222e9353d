// Package registry holds what a domain registry publishes: the public part of
// its objects, nothing else. No type here can carry verification state, an auth
// code, billing data or a value that a contact did not disclose: such values
// never leave the registry database (design promise "private data never
// arrives").
//
// Objects come from the publication contract, version 1 (deploy/schema). Their
// names are those of EPP (RFC 5730 to 5733), RDAP (RFC 9083) and the contract.
package registry

// Contract is the version of the publication contract that this program reads.
const Contract = 1

// Kind is a kind of published object, numbered in the order in which a snapshot
// carries them, so that what an object refers to comes before it.
type Kind uint8

const (
	KindTLD Kind = iota
	KindRegistrar
	KindContact
	KindHost
	KindDomain
	KindReserved

	Kinds = 6 // how many there are
)

var kindNames = [Kinds]string{"tld", "registrar", "contact", "host", "domain", "reserved"}

// String returns the word of the contract's journal: tld, registrar, contact,
// host, domain or reserved.
func (k Kind) String() string {
	if k >= Kinds {
		return "kind?"
	}
	return kindNames[k]
}

// ParseKind is the reverse of Kind.String.
func ParseKind(s string) (Kind, bool) {
	for i, name := range kindNames {
		if s == name {
			return Kind(i), true
		}
	}
	return 0, false
}

// ContactModel says which contacts a registry holds for a name.
type ContactModel uint8

const (
	ModelUnset        ContactModel = iota // registrars only: the TLD's model applies
	ModelFull                             // registrant, and technical contact if there is one
	ModelMinimum                          // no contact block at all
	ModelPerRegistrar                     // TLDs only: each registrar has its own; without one it counts as minimum
)

var modelNames = [...]string{"", "full", "minimum", "per-registrar"}

// String returns the contract's word, "" for ModelUnset.
func (m ContactModel) String() string { return modelNames[m&3] }

// ParseContactModel is the reverse of ContactModel.String.
func ParseContactModel(s string) (ContactModel, bool) {
	for i, name := range modelNames {
		if s == name {
			return ContactModel(i), true
		}
	}
	return 0, false
}

// TLD is a zone under which names are registered. Its key is Name: an A-label
// in lower case, with inner dots for a zone below the top ("co.example").
type TLD struct {
	Name         string
	UName        string // U-label, when it is an IDN
	GTLD         bool   // its sponsors need an IANA registrar ID
	ZoneSigned   bool
	ContactModel ContactModel
	Created      Time
	Updated      Time
}

// Registrar sponsors names. Its key is ClID, the EPP client identifier.
type Registrar struct {
	ClID        string
	IANA        int // IANA registrar ID; 0 = none
	Name        string
	Status      string // ok, readonly or terminated (RFC 9022 §5.3)
	URL         string
	RDAPURL     string // base URL in IANA's list, character for character
	WhoisServer string // bare host name
	AbuseEmail  string
	AbusePhone  string
	Street      []string
	City        string
	SP          string // state or province
	PC          string // postal code
	CC          string // ISO 3166-1 alpha-2
	Voice       string
	VoiceExt    string
	Fax         string
	FaxExt      string
	Email       string
	// The desks are roles with role mailboxes, never persons.
	AdminFN, AdminVoice, AdminEmail string
	TechFN, TechVoice, TechEmail    string
	ContactModel                    ContactModel
	Created                         Time
	Updated                         Time
}

// Nameserver is an EPP host object (RFC 5732). Its key is ROID; its name can
// change.
type Nameserver struct {
	ROID      string
	Name      string // A-labels, lower case, no trailing dot
	Registrar string // ClID of the sponsor
	V4        []string
	V6        []string
	Statuses  Status
	Created   Time
	Updated   Time
}

// DS is one delegation signer record (RFC 4034 §5).
type DS struct {
	KeyTag     uint16
	Algorithm  uint8
	DigestType uint8
	Digest     string // hexadecimal, capitals
}

// Domain is a registered name. Its key is Name: an A-label name in lower case,
// without a trailing dot.
type Domain struct {
	Name        string
	ROID        string
	UName       string // U-label form, for an IDN
	IDNTable    string
	Registrar   string // ClID of the sponsor
	Reseller    string
	Registrant  string   // ROID of a contact; "" = none
	Tech        []string // ROIDs of contacts
	Hosts       []string // ROIDs of name servers
	DS          []DS
	Statuses    Status // EPP and RGP together; ok, inactive and linked are derived, see Shown
	Created     Time
	Updated     Time
	Transferred Time
	Expires     Time
	RefreshAt   Time // when the clock alone will change this row, by the database's clock

	// Memory is where a look-up puts together those texts of the object that stand
	// nowhere in one piece; the next look-up into the same Domain uses it again.
	// It is not part of the object.
	Memory []byte
}

// Reason is why a name that is not registered is not free either.
type Reason uint8

const (
	ReasonReserved Reason = iota
	ReasonBlocked
	ReasonVariant
	ReasonWithheld
)

var reasonNames = [...]string{"reserved", "blocked", "variant", "withheld"}

// String returns the contract's word.
func (r Reason) String() string { return reasonNames[r&3] }

// ParseReason is the reverse of Reason.String.
func ParseReason(s string) (Reason, bool) {
	for i, name := range reasonNames {
		if s == name {
			return Reason(i), true
		}
	}
	return 0, false
}

// Reserved is a name that is not registered and not free. Its key is Name.
type Reserved struct {
	Name       string
	Reason     Reason
	Of         string // variant: the name whose variant it is; never told to the public
	IDNTable   string
	PublicText string
}
