package whois

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// This file knows the format of answers as whois.md §2 tells it and nothing of
// how the server makes them: it is what an answer is checked by.

// field is one label of a record: how often it may stand there, in its place,
// and what its values are.
type field struct {
	label    string
	min, max int
	value    func(string) bool
}

const many = 1 << 20

var (
	hostForm   = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9][a-z0-9-]*[a-z0-9]$`)
	bareHost   = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)
	roidForm   = regexp.MustCompile(`^[A-Za-z0-9_]{1,80}-[A-Za-z0-9]{1,8}$`)
	urlForm    = regexp.MustCompile(`^https?://\S+$`)
	phoneForm  = regexp.MustCompile(`^\+[0-9]{1,3}\.[0-9]{1,14}$`)
	emailForm  = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	digits     = regexp.MustCompile(`^[0-9]+$`)
	country    = regexp.MustCompile(`^[A-Z]{2}$`)
	dsForm     = regexp.MustCompile(`^[0-9]{1,5} [0-9]{1,3} [0-9]{1,3} ([0-9A-F]{2})+$`)
	lastUpdate = regexp.MustCompile(`^>>> Last update of WHOIS database: (\S+) <<<$`)
	entityForm = regexp.MustCompile(`&[#0-9A-Za-z]+;`)
)

const (
	r1       = "Please query the RDDS service of the Registrar of Record identified in this output for information on how to contact the Registrant, Admin, or Tech contact of the queried domain name."
	withheld = "REDACTED FOR PRIVACY"
)

func isText(v string) bool { return v != "" && utf8.RuneCountInString(v) <= 255 }

func isPostal(v string) bool { return v != "" && utf8.RuneCountInString(v) <= 16 }

func isMoment(v string) bool {
	at, err := time.Parse("2006-01-02T15:04:05Z", v)
	return err == nil && at.Format("2006-01-02T15:04:05Z") == v
}

func isAny(v string) bool { return v != "" }

func either(value func(string) bool, other string) func(string) bool {
	return func(v string) bool { return v == other || value(v) }
}

// contactBlock is a contact's fields in order; word is Registrant, Admin, Tech.
func contactBlock(word string) []field {
	return []field{
		{"Registry " + word + " ID", 0, 1, either(roidForm.MatchString, withheld)},
		{word + " Name", 0, 1, isText},
		{word + " Organization", 0, 1, isText},
		{word + " Street", 0, 3, isText},
		{word + " City", 0, 1, isText},
		{word + " State/Province", 0, 1, isText},
		{word + " Postal Code", 0, 1, either(isPostal, withheld)},
		{word + " Country", 0, 1, country.MatchString},
		{word + " Phone", 0, 1, either(phoneForm.MatchString, withheld)},
		{word + " Phone Ext", 0, 1, digits.MatchString},
		{word + " Fax", 0, 1, either(phoneForm.MatchString, withheld)},
		{word + " Fax Ext", 0, 1, digits.MatchString},
		{word + " Email", 0, 1, either(emailForm.MatchString, r1)},
	}
}

// domainRecord is §2.3, by profile.
var domainRecord = map[int][]field{2024: newDomainRecord(2024), 2017: newDomainRecord(2017)}

func newDomainRecord(profile int) []field {
	fields := []field{
		{"Domain Name", 1, 1, hostForm.MatchString},
		{"Internationalized Domain Name", 0, 1, isText},
		{"Registry Domain ID", 1, 1, roidForm.MatchString},
		{"Registrar WHOIS Server", 0, 1, bareHost.MatchString},
		{"Registrar URL", 1, 1, urlForm.MatchString},
		{"Updated Date", 0, 1, isMoment},
		{"Creation Date", 1, 1, isMoment},
		{"Registry Expiry Date", 1, 1, isMoment},
		{"Registrar", 1, 1, isText},
		{"Registrar IANA ID", 1, 1, digits.MatchString},
		{"Registrar Abuse Contact Email", 1, 1, emailForm.MatchString},
		{"Registrar Abuse Contact Phone", 1, 1, phoneForm.MatchString},
		{"Reseller", 0, 1, isText},
		{"Domain Status", 1, many, isStatus},
	}
	fields = append(fields, contactBlock("Registrant")...)
	if profile == 2017 {
		fields = append(fields, contactBlock("Admin")...)
	}
	fields = append(fields, contactBlock("Tech")...)
	complaint := field{"URL of the ICANN RDDS Inaccuracy Complaint Form", 1, 1, func(v string) bool { return v == "https://icann.org/wicf" }}
	if profile == 2017 {
		complaint = field{"URL of the ICANN Whois Inaccuracy Complaint Form", 1, 1, func(v string) bool { return v == "https://www.icann.org/wicf/" }}
	}
	return append(fields,
		field{"Name Server", 0, many, hostForm.MatchString},
		field{"DNSSEC", 1, 1, func(v string) bool { return v == "signedDelegation" || v == "unsigned" }},
		field{"DNSSEC DS Data", 0, many, dsForm.MatchString},
		complaint)
}

// nameserverRecord is §2.5, registrarRecord §2.6.
var (
	nameserverRecord = []field{
		{"Server Name", 1, 1, hostForm.MatchString},
		{"IP Address", 0, many, isAny},
		{"Registrar", 0, 1, isText},
		{"Registrar WHOIS Server", 0, 1, bareHost.MatchString},
		{"Registrar URL", 0, 1, urlForm.MatchString},
	}
	registrarRecord = []field{
		{"Registrar", 1, 1, isText},
		{"Street", 1, 3, isText},
		{"City", 1, 1, isText},
		{"State/Province", 0, 1, isText},
		{"Postal Code", 0, 1, isPostal},
		{"Country", 1, 1, country.MatchString},
		{"Phone Number", 1, 1, phoneForm.MatchString},
		{"Phone Ext", 0, 1, digits.MatchString},
		{"Fax Number", 0, 1, phoneForm.MatchString},
		{"Fax Ext", 0, 1, digits.MatchString},
		{"Email", 1, 1, emailForm.MatchString},
		{"Registrar WHOIS Server", 0, 1, bareHost.MatchString},
		{"Registrar URL", 1, 1, urlForm.MatchString},
		{"Registrar IANA ID", 0, 1, digits.MatchString},
		{"Registrar Abuse Contact Email", 0, 1, emailForm.MatchString},
		{"Registrar Abuse Contact Phone", 0, 1, phoneForm.MatchString},
	}
)

// contactRecord is §2.7: of its fields those that a contact has, an e-mail address
// that is withheld as any other value.
var contactRecord = []field{
	{"Registry Contact ID", 1, 1, either(roidForm.MatchString, withheld)},
	{"Contact Name", 0, 1, isText},
	{"Contact Organization", 0, 1, isText},
	{"Contact Street", 0, 3, isText},
	{"Contact City", 0, 1, isText},
	{"Contact State/Province", 0, 1, isText},
	{"Contact Postal Code", 0, 1, either(isPostal, withheld)},
	{"Contact Country", 0, 1, country.MatchString},
	{"Contact Phone", 0, 1, either(phoneForm.MatchString, withheld)},
	{"Contact Email", 0, 1, either(emailForm.MatchString, withheld)},
}

// forbiddenRunes part lines, mark bytes, or turn the direction of a line.
const forbiddenRunes = "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"

// checkWire checks what holds for every byte of every answer (W-08, W-09, F-01,
// §2.9) and returns its lines.
func checkWire(answer string) ([]string, error) {
	switch {
	case !utf8.ValidString(answer):
		return nil, fmt.Errorf("it is not UTF-8")
	case !strings.HasSuffix(answer, "\r\n"):
		return nil, fmt.Errorf("its last line does not end with CR LF")
	case len(answer) > 64<<10:
		return nil, fmt.Errorf("it has %d bytes", len(answer))
	}
	lines := strings.Split(strings.TrimSuffix(answer, "\r\n"), "\r\n")
	for i, line := range lines {
		if len(line)+2 >= 1000 {
			return nil, fmt.Errorf("line %d has %d bytes: %s", i+1, len(line)+2, line)
		}
		if strings.HasPrefix(line, " ") || strings.HasSuffix(line, " ") {
			return nil, fmt.Errorf("line %d begins or ends with a blank: %q", i+1, line)
		}
		if strings.Contains(line, "&") && entityForm.MatchString(line) {
			return nil, fmt.Errorf("line %d holds an HTML entity: %q", i+1, line)
		}
		for _, r := range line {
			if r < 0x20 || r >= 0x7F && unicode.IsControl(r) {
				return nil, fmt.Errorf("line %d holds a control character: %q", i+1, line)
			}
			if r >= 0x2028 && strings.ContainsRune(forbiddenRunes, r) {
				return nil, fmt.Errorf("line %d holds a separator or turns the direction: %q", i+1, line)
			}
		}
	}
	return lines, nil
}

// checkRecord checks lines against record and returns how many it took and the
// values by label.
func checkRecord(lines []string, record []field) (int, map[string][]string, error) {
	values := map[string][]string{}
	at := 0
	for _, f := range record {
		for at < len(lines) {
			label, value, _ := strings.Cut(lines[at], ": ")
			if label != f.label {
				break
			}
			if strings.Contains(value, "  ") || strings.TrimSpace(value) == "" {
				return 0, nil, fmt.Errorf("%s: the blanks of %q", f.label, value)
			}
			if !f.value(value) {
				return 0, nil, fmt.Errorf("%s: the form of %q", f.label, value)
			}
			values[f.label] = append(values[f.label], value)
			at++
		}
		if n := len(values[f.label]); n < f.min || n > f.max {
			next := "the end"
			if at < len(lines) {
				next = fmt.Sprintf("%q", lines[at])
			}
			return 0, nil, fmt.Errorf("%s stands %d times before %s, allowed are %d to %d", f.label, n, next, f.min, f.max)
		}
	}
	return at, values, nil
}

// checkTail checks the end of an answer (§2.8); help is the line on status codes.
func checkTail(lines []string, help string) error {
	if len(lines) < 3 {
		return fmt.Errorf("the tail is cut: %q", lines)
	}
	if m := lastUpdate.FindStringSubmatch(lines[0]); m == nil || !isMoment(m[1]) {
		return fmt.Errorf("the tail begins with %q", lines[0])
	}
	want := []string{""}
	if help != "" {
		want = append(want, help, "")
	}
	if !slices.Equal(lines[1:1+len(want)], want) {
		return fmt.Errorf("behind the last update stands %q, want %q", lines[1:1+len(want)], want)
	}
	if !strings.HasPrefix(lines[1+len(want)], "Access to WHOIS information is provided") {
		return fmt.Errorf("the disclaimer begins with %q", lines[1+len(want)])
	}
	return nil
}

var (
	grace = strings.Fields("addPeriod autoRenewPeriod pendingRestore redemptionPeriod renewPeriod transferPeriod")
	epp   = strings.Fields(`clientDeleteProhibited clientHold clientRenewProhibited clientTransferProhibited clientUpdateProhibited
		inactive ok pendingCreate pendingDelete pendingRenew pendingTransfer pendingUpdate serverDeleteProhibited serverHold
		serverRenewProhibited serverTransferProhibited serverUpdateProhibited`)
)

func isStatus(v string) bool {
	code, link, _ := strings.Cut(v, " ")
	page, ok := strings.CutPrefix(link, "https://icann.org/epp#")
	return ok && page == code && (slices.Contains(epp, code) || slices.Contains(grace, code))
}

// checkStatuses checks the list of §2.3: EPP's before RGP's, each group in
// order, none twice, ok alone among EPP's.
func checkStatuses(values []string) error {
	order := slices.Concat(epp, grace)
	last, ofEPP, ok := -1, 0, false
	for _, value := range values {
		code, _, _ := strings.Cut(value, " ")
		at := slices.Index(order, code)
		if at <= last {
			return fmt.Errorf("%s is out of order", code)
		}
		last = at
		ok = ok || code == "ok"
		if at < len(epp) {
			ofEPP++
		}
	}
	if ok && ofEPP > 1 {
		return fmt.Errorf("ok beside another: %q", values)
	}
	return nil
}

// checkBlock checks what §2.4 asks of a whole block: that country and e-mail
// are there if anything is.
func checkBlock(values map[string][]string, word string, required ...string) error {
	present := 0
	for label := range values {
		if strings.HasPrefix(label, word+" ") || label == "Registry "+word+" ID" {
			present++
		}
	}
	for _, label := range required {
		if present > 0 && values[label] == nil {
			return fmt.Errorf("the block %s has no %s", word, label)
		}
	}
	return nil
}

// checkDomainAnswer checks a whole answer about a registered name and returns
// its values.
func checkDomainAnswer(answer string, profile int) (map[string][]string, error) {
	lines, err := checkWire(answer)
	if err != nil {
		return nil, err
	}
	n, values, err := checkRecord(lines, domainRecord[profile])
	if err != nil {
		return nil, err
	}
	help := "For more information on domain status codes, please visit https://icann.org/epp"
	tech := []string{"Tech Email"}
	if profile == 2017 {
		help = "For more information on Whois status codes, please visit https://icann.org/epp"
		tech = []string{"Registry Tech ID", "Tech Email"} // the name as held
	}
	for _, err := range []error{
		checkTail(lines[n:], help),
		checkStatuses(values["Domain Status"]),
		checkBlock(values, "Registrant", "Registrant Country", "Registrant Email"),
		checkBlock(values, "Admin", "Registry Admin ID", "Admin Name", "Admin Email"),
		checkBlock(values, "Tech", tech...),
	} {
		if err != nil {
			return nil, err
		}
	}
	switch {
	case (values["DNSSEC"][0] == "signedDelegation") != (len(values["DNSSEC DS Data"]) > 0):
		err = fmt.Errorf("DNSSEC is %s with %d DS records", values["DNSSEC"][0], len(values["DNSSEC DS Data"]))
	case values["Internationalized Domain Name"] != nil && !strings.Contains(values["Domain Name"][0], "xn--"):
		err = fmt.Errorf("%s has a U-label", values["Domain Name"][0])
	case profile == 2017 && values["Registrant Email"] != nil && (values["Admin Email"] == nil || values["Tech Email"] == nil):
		err = fmt.Errorf("the blocks of 2017 are not all there")
	}
	return values, err
}

// checkRecordsAnswer checks a whole answer of one or more records of another
// kind than a domain, parted by one blank line (F-04).
func checkRecordsAnswer(answer string, record []field) (records int, err error) {
	lines, err := checkWire(answer)
	if err != nil {
		return 0, err
	}
	for {
		n, _, err := checkRecord(lines, record)
		if err != nil {
			return records, err
		}
		records++
		lines = lines[n:]
		if len(lines) == 0 || lines[0] != "" {
			return records, checkTail(lines, "")
		}
		lines = lines[1:]
	}
}
