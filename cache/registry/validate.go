package registry

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Reject says why a row cannot be published. Its words are the reasons of the
// metric rddsd_feed_rejected_rows; "" means that nothing is wrong.
type Reject string

const (
	RejectName       Reject = "bad_name"                  // fails the LDH rules or the length limits
	RejectNoTLD      Reject = "name_under_no_tld"         // no TLD of this registry ends the name
	RejectDate       Reject = "bad_date"                  // missing, or outside 1970 to 9999
	RejectStatus     Reject = "unknown_status"            // neither EPP nor RGP knows it
	RejectElement    Reject = "unknown_element"           // a word in redacted that the contract does not have
	RejectAddress    Reject = "bad_address"               // not an IPv4 or IPv6 address
	RejectDS         Reject = "bad_ds"                    // not KEYTAG ALG DIGESTTYPE HEX
	RejectText       Reject = "bad_text"                  // not UTF-8, or longer than MaxText
	RejectKey        Reject = "bad_key"                   // an empty key, or one that differs from the one asked for
	RejectForm       Reject = "bad_form"                  // a value of another type than the contract gives the column
	RejectRegistrar  Reject = "unknown_registrar"         // the sponsor is not published
	RejectNoIANA     Reject = "registrar_without_iana_id" // a gTLD name whose sponsor has no IANA ID
	RejectUnreadable Reject = "unreadable_row"            // a stored row that does not decode
)

// MaxText is the longest text that a row may hold in any field, in bytes. EPP
// allows 255 characters (RFC 5733 §4), which UTF-8 turns into at most 1020.
const MaxText = 1020

// MaxList is the most entries that any list of a row may have. EPP sets no
// limit; a thousand name servers of one name are a fault, not a delegation.
const MaxList = 1000

// Check returns what keeps t from being published.
func (t *TLD) Check() Reject {
	if !ValidName(t.Name) {
		return RejectName
	}
	return firstReject(checkTexts(t.UName), checkTimes(t.Created, t.Updated))
}

// Check returns what keeps r from being published.
func (r *Registrar) Check() Reject {
	if r.ClID == "" {
		return RejectKey
	}
	for _, s := range r.texts() {
		if reject := checkTexts(*s); reject != "" {
			return reject
		}
	}
	return firstReject(checkTexts(r.ClID), checkList(r.Street), checkTimes(r.Created, r.Updated))
}

// Check returns what keeps c from being published.
func (c *Contact) Check() Reject {
	if c.ROID == "" {
		return RejectKey
	}
	for _, s := range c.texts() {
		if reject := checkTexts(*s); reject != "" {
			return reject
		}
	}
	return firstReject(checkList(c.Street), checkTimes(c.Created, c.Updated))
}

// Check returns what keeps n from being published. It writes the addresses in
// their canonical text (RFC 5952).
func (n *Nameserver) Check() Reject {
	if n.ROID == "" {
		return RejectKey
	}
	if !ValidHost(n.Name) {
		return RejectName
	}
	if !canonical(n.V4, netip.Addr.Is4) || !canonical(n.V6, netip.Addr.Is6) {
		return RejectAddress
	}
	return firstReject(checkTexts(n.ROID, n.Registrar), checkTimes(n.Created, n.Updated))
}

// Check returns what keeps d from being published, as far as the row alone can
// tell: package cache knows the TLDs and the registrars.
func (d *Domain) Check() Reject {
	if !ValidName(d.Name) {
		return RejectName
	}
	if d.Created == 0 || d.Expires == 0 {
		return RejectDate
	}
	for i := range d.DS {
		if !validDigest(d.DS[i].Digest) {
			return RejectDS
		}
	}
	if len(d.DS) > MaxList {
		return RejectDS
	}
	return firstReject(
		checkTexts(d.ROID, d.UName, d.IDNTable, d.Registrar, d.Reseller, d.Registrant),
		checkList(d.Tech), checkList(d.Hosts),
		checkTimes(d.Created, d.Updated, d.Transferred, d.Expires, d.RefreshAt))
}

// Check returns what keeps r from being published.
func (r *Reserved) Check() Reject {
	if !ValidName(r.Name) {
		return RejectName
	}
	return checkTexts(r.Of, r.IDNTable, r.PublicText)
}

func firstReject(rejects ...Reject) Reject {
	for _, r := range rejects {
		if r != "" {
			return r
		}
	}
	return ""
}

func checkTexts(texts ...string) Reject {
	for _, s := range texts {
		if len(s) > MaxText || !utf8.ValidString(s) {
			return RejectText
		}
	}
	return ""
}

func checkList(list []string) Reject {
	if len(list) > MaxList {
		return RejectText
	}
	return checkTexts(list...)
}

func checkTimes(times ...Time) Reject {
	for _, t := range times {
		if t < 0 || t > MaxTime {
			return RejectDate
		}
	}
	return ""
}

func canonical(addrs []string, family func(netip.Addr) bool) bool {
	for i, s := range addrs {
		addr, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil || addr.Zone() != "" || !family(addr) {
			return false
		}
		addrs[i] = addr.String()
	}
	return len(addrs) <= MaxList
}

func validDigest(hex string) bool {
	if len(hex) == 0 || len(hex)%2 != 0 || len(hex) > 512 {
		return false
	}
	for i := 0; i < len(hex); i++ {
		c := hex[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// ParseDS reads the contract's form of a DS record, "KEYTAG ALG DIGESTTYPE HEX".
func ParseDS(s string) (DS, bool) {
	fields := strings.Fields(s)
	if len(fields) != 4 {
		return DS{}, false
	}
	tag, ok1 := parseUint(fields[0], 65535)
	alg, ok2 := parseUint(fields[1], 255)
	digestType, ok3 := parseUint(fields[2], 255)
	ds := DS{uint16(tag), uint8(alg), uint8(digestType), strings.ToUpper(fields[3])}
	return ds, ok1 && ok2 && ok3 && validDigest(ds.Digest)
}

func parseUint(s string, limit int) (int, bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' || n > limit {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != "" && n <= limit
}

// MaxName is the longest name in bytes, without a trailing dot (RFC 1035
// §2.3.4), and MaxLabel the longest label.
const (
	MaxName  = 253
	MaxLabel = 63
)

// ValidName reports whether name is a domain name as registries hold it: lower
// case LDH labels (RFC 5890 §2.3.1) and A-labels, no trailing dot. Whether an
// A-label decodes is the registry's business.
func ValidName(name string) bool { return validLabels(name, false) }

// ValidHost is ValidName with underscores allowed, as host names in zones have
// them.
func ValidHost(name string) bool { return validLabels(name, true) }

func validLabels(name string, underscore bool) bool {
	if len(name) == 0 || len(name) > MaxName {
		return false
	}
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '.' {
			c := name[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && (c != '_' || !underscore) {
				return false
			}
			continue
		}
		if !validHyphens(name[start:i]) {
			return false
		}
		start = i + 1
	}
	return true
}

// validHyphens checks the length of an LDH label and where its hyphens stand:
// none at either end, and at 3 and 4 only after "xn" (RFC 5891 §4.2.3.1).
func validHyphens(label string) bool {
	if len(label) == 0 || len(label) > MaxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return len(label) < 4 || label[2] != '-' || label[3] != '-' || (label[0] == 'x' && label[1] == 'n')
}
