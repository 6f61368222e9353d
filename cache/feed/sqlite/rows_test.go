package sqlite

import (
	"database/sql/driver"
	"reflect"
	"strings"
	"testing"

	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// good holds one row of each view as the contract gives it, in the order of its
// columns.
var good = [registry.Kinds][]driver.Value{
	registry.KindTLD: {"coop", nil, int64(1), int64(0), "full", int64(1e15), nil},
	registry.KindRegistrar: {
		"reg-a", int64(900001), "Registrar A", "ok", "https://reg-a.example", nil, nil, "abuse@reg-a.example", "+44.2000000000",
		`["1 Yard","Unit 7"]`, "Bristol", nil, "BS1", "GB", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, "minimum", int64(1e15), nil,
	},
	registry.KindContact: {
		"C1-COOP", "reg-a", nil, nil, "Example Cooperative", `[]`, nil, "Avon", nil, "GB", nil, nil, nil, nil, "info@example.coop",
		`["city","id","name"]`, int64(1e15), int64(2e15),
	},
	registry.KindHost: {"H1-COOP", "ns1.example.coop", "reg-a", `["192.0.2.1"]`, `["2001:db8::1"]`, `["linked","serverUpdateProhibited"]`, int64(1e15), nil},
	registry.KindDomain: {
		"example.coop", "D1-COOP", nil, nil, "reg-a", nil, "C1-COOP", `["C1-COOP"]`, `["H1-COOP","H2-COOP"]`, `["12345 13 2 00ff"]`,
		`["clientHold","ok"]`, `["addPeriod"]`, int64(1e15), nil, nil, int64(2e15), int64(15e14),
	},
	registry.KindReserved: {"reserved.coop", "variant", "example.coop", "latn", "Not for sale"},
}

func TestRowsBecomeObjects(t *testing.T) {
	var d decoder
	for kind, want := range map[registry.Kind]any{
		registry.KindTLD: &registry.TLD{Name: "coop", GTLD: true, ContactModel: registry.ModelFull, Created: 1e15},
		registry.KindRegistrar: &registry.Registrar{
			ClID: "reg-a", IANA: 900001, Name: "Registrar A", Status: "ok", URL: "https://reg-a.example", AbuseEmail: "abuse@reg-a.example",
			AbusePhone: "+44.2000000000", Street: []string{"1 Yard", "Unit 7"}, City: "Bristol", PC: "BS1", CC: "GB",
			ContactModel: registry.ModelMinimum, Created: 1e15,
		},
		registry.KindContact: &registry.Contact{
			ROID: "C1-COOP", Registrar: "reg-a", Org: "Example Cooperative", SP: "Avon", CC: "GB", Email: "info@example.coop",
			Redacted: registry.ElementCity | registry.ElementID | registry.ElementName, Created: 1e15, Updated: 2e15,
		},
		registry.KindHost: &registry.Nameserver{
			ROID: "H1-COOP", Name: "ns1.example.coop", Registrar: "reg-a", V4: []string{"192.0.2.1"}, V6: []string{"2001:db8::1"},
			Statuses: registry.ServerUpdateProhibited, Created: 1e15,
		},
		registry.KindDomain: &registry.Domain{
			Name: "example.coop", ROID: "D1-COOP", Registrar: "reg-a", Registrant: "C1-COOP", Tech: []string{"C1-COOP"},
			Hosts: []string{"H1-COOP", "H2-COOP"}, DS: []registry.DS{{KeyTag: 12345, Algorithm: 13, DigestType: 2, Digest: "00FF"}},
			Statuses: registry.ClientHold | registry.AddPeriod, Created: 1e15, Expires: 2e15, RefreshAt: 15e14,
		},
		registry.KindReserved: &registry.Reserved{
			Name: "reserved.coop", Reason: registry.ReasonVariant, Of: "example.coop", IDNTable: "latn", PublicText: "Not for sale",
		},
	} {
		// Twice, because the decoder reuses what it fills.
		for range 2 {
			c := d.change(kind, good[kind])
			if c.Kind != kind || c.Name != good[kind][0] || c.Reject != "" {
				t.Fatalf("change(%s) is of %s %q, rejected %q", kind, c.Kind, c.Name, c.Reject)
			}
			if got := decode(t, kind, c.Row); !reflect.DeepEqual(got, want) {
				t.Errorf("change(%s):\n got %+v\nwant %+v", kind, got, want)
			}
		}
	}
}

func decode(t *testing.T, kind registry.Kind, row string) any {
	t.Helper()
	var (
		object any
		err    error
	)
	switch kind {
	case registry.KindTLD:
		o := new(registry.TLD)
		object, err = o, registry.DecodeTLD(row, o)
	case registry.KindRegistrar:
		o := new(registry.Registrar)
		object, err = o, registry.DecodeRegistrar(row, o)
	case registry.KindContact:
		o := new(registry.Contact)
		object, err = o, registry.DecodeContact(row, o)
	case registry.KindHost:
		o := new(registry.Nameserver)
		object, err = o, registry.DecodeNameserver(row, o)
	case registry.KindDomain:
		o := new(registry.Domain)
		object, err = o, registry.DecodeDomain(row, o)
	case registry.KindReserved:
		o := new(registry.Reserved)
		object, err = o, registry.DecodeReserved(row, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestBadValueRejectsItsRow(t *testing.T) {
	tests := []struct {
		rule   string
		kind   registry.Kind
		column string
		value  driver.Value
		want   registry.Reject
	}{
		{"a TLD that is no name", registry.KindTLD, "key", "Coop", registry.RejectName},
		{"a TLD without a contact model", registry.KindTLD, "contact_model", nil, registry.RejectForm},
		{"a contact model that nobody knows", registry.KindTLD, "contact_model", "none", registry.RejectForm},
		{"a boolean that is a text", registry.KindTLD, "gtld", "yes", registry.RejectForm},
		{"a boolean that is null", registry.KindTLD, "gtld", nil, registry.RejectForm},
		{"a boolean above one", registry.KindTLD, "zone_signed", int64(2), registry.RejectForm},
		{"a registrar without a key", registry.KindRegistrar, "key", nil, registry.RejectKey},
		{"an IANA ID that is a text", registry.KindRegistrar, "iana_id", "900001", registry.RejectForm},
		{"an IANA ID below zero", registry.KindRegistrar, "iana_id", int64(-1), registry.RejectForm},
		{"a registrar status that nobody knows", registry.KindRegistrar, "status", "gone", registry.RejectStatus},
		{"a registrar with a TLD's model", registry.KindRegistrar, "contact_model", "per-registrar", registry.RejectForm},
		{"a street that is no list", registry.KindRegistrar, "street", "1 Yard", registry.RejectForm},
		{"a text that is a blob", registry.KindContact, "org", []byte("x"), registry.RejectForm},
		{"a text that is not UTF-8", registry.KindContact, "org", "\xff", registry.RejectText},
		{"a text that is too long", registry.KindContact, "org", strings.Repeat("x", registry.MaxText+1), registry.RejectText},
		{"an element that nobody knows", registry.KindContact, "redacted", `["birthday"]`, registry.RejectElement},
		{"a list that is null", registry.KindContact, "redacted", nil, registry.RejectForm},
		{"a value that is withheld too", registry.KindContact, "redacted", `["email"]`, registry.RejectElement},
		{"a handle that is withheld too", registry.KindContact, "handle", "sh8013", registry.RejectElement},
		{"a host without a name", registry.KindHost, "name", nil, registry.RejectName},
		{"a host name in capitals", registry.KindHost, "name", "NS1.example.coop", registry.RejectName},
		{"an address that is none", registry.KindHost, "v4", `["192.0.2"]`, registry.RejectAddress},
		{"an IPv6 address among IPv4", registry.KindHost, "v4", `["2001:db8::1"]`, registry.RejectAddress},
		{"a status that nobody knows", registry.KindHost, "statuses", `["sleeping"]`, registry.RejectStatus},
		{"a date that is a text", registry.KindHost, "created", "2020-01-01", registry.RejectForm},
		{"a date that is a float", registry.KindHost, "created", 1e15, registry.RejectForm},
		{"a date past 9999", registry.KindDomain, "expires", int64(registry.MaxTime) + 1, registry.RejectDate},
		{"a date before 1970", registry.KindDomain, "created", int64(-1), registry.RejectDate},
		{"a domain without an expiry date", registry.KindDomain, "expires", nil, registry.RejectDate},
		{"a domain with an underscore", registry.KindDomain, "key", "a_b.coop", registry.RejectName},
		{"a domain status that nobody knows", registry.KindDomain, "statuses", `["sleeping"]`, registry.RejectStatus},
		{"an RGP status that nobody knows", registry.KindDomain, "rgp", `["sleepPeriod"]`, registry.RejectStatus},
		{"a DS record of three fields", registry.KindDomain, "ds", `["12345 13 2"]`, registry.RejectDS},
		{"a host list that is null", registry.KindDomain, "hosts", nil, registry.RejectForm},
		{"a reserved name without a reason", registry.KindReserved, "reason", nil, registry.RejectForm},
		{"a reserved name that is none", registry.KindReserved, "key", "-a.coop", registry.RejectName},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			values := append([]driver.Value(nil), good[test.kind]...)
			columns := contract.Columns[test.kind]
			if len(columns) != len(values) || len(columns) > maxColumns {
				t.Fatalf("view %s has %d columns, the row here %d", test.kind, len(columns), len(values))
			}
			for i, column := range columns {
				if column == test.column {
					values[i] = test.value
				}
			}
			var d decoder
			if c := d.change(test.kind, values); c.Reject != test.want || c.Row != "" {
				t.Errorf("a row of %s with %s = %v is rejected as %q with a row of %d bytes, want %q with none",
					test.kind, test.column, test.value, c.Reject, len(c.Row), test.want)
			}
			// The row behind it does not suffer.
			if c := d.change(test.kind, good[test.kind]); c.Reject != "" {
				t.Errorf("the good row behind it is rejected as %q", c.Reject)
			}
		})
	}
}
