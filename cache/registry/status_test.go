package registry

import (
	"slices"
	"testing"
)

func TestStatusNames(t *testing.T) {
	var epp, rgp []string
	for one, rest := (statusEnd - 1).Next(); one != 0; one, rest = rest.Next() {
		name := one.EPP()
		if parsed, ok := ParseStatus(name); !ok || parsed != one {
			t.Errorf("ParseStatus(%q) = %b, %v, want %b", name, parsed, ok, one)
		}
		if one.RDAP() == "" {
			t.Errorf("%s has no RDAP value", name)
		}
		if one.RGP() != 0 {
			rgp = append(rgp, name)
		} else {
			epp = append(epp, name)
		}
	}
	if !slices.IsSorted(epp) || !slices.IsSorted(rgp) || len(rgp) != 6 {
		t.Errorf("display order is not EPP by alphabet, then the six of RGP: %q, %q", epp, rgp)
	}
	if got := (statusEnd - 1).Names(); !slices.Equal(got, append(epp, rgp...)) {
		t.Errorf("Names() of all = %q, want EPP before RGP", got)
	}
	for _, bad := range []string{"", "OK", "ok ", "client hold"} {
		if s, ok := ParseStatus(bad); ok {
			t.Errorf("ParseStatus(%q) = %b, want none", bad, s)
		}
	}
}

func TestDomainShown(t *testing.T) {
	hosts := []string{"H1"}
	tests := []struct {
		name   string
		domain Domain
		want   Status
	}{
		{"nothing set", Domain{Hosts: hosts}, OK},
		{"no hosts", Domain{}, Inactive},
		{"no hosts and prohibited", Domain{Statuses: ClientTransferProhibited}, ClientTransferProhibited | Inactive},
		{"stored ok, inactive and linked are dropped", Domain{Hosts: hosts, Statuses: OK | Inactive | Linked | ClientHold}, ClientHold},
		{"a grace period leaves ok", Domain{Hosts: hosts, Statuses: AddPeriod}, OK | AddPeriod},
		{"redemption needs pendingDelete", Domain{Hosts: hosts, Statuses: RedemptionPeriod}, PendingDelete | RedemptionPeriod},
		{"restore needs pendingDelete", Domain{Hosts: hosts, Statuses: PendingRestore}, PendingDelete | PendingRestore},
		{"pendingDelete alone", Domain{Hosts: hosts, Statuses: PendingDelete}, PendingDelete},
		{"what is under way before what was to prevent it", Domain{Hosts: hosts, Statuses: PendingTransfer | ClientTransferProhibited | ServerTransferProhibited | ServerHold}, PendingTransfer | ServerHold},
		{"other prohibitions stay", Domain{Hosts: hosts, Statuses: PendingDelete | ClientDeleteProhibited | ClientTransferProhibited}, PendingDelete | ClientTransferProhibited},
		{"one operation of several", Domain{Hosts: hosts, Statuses: PendingUpdate | PendingRenew | PendingTransfer}, PendingTransfer},
		{"a deletion before all", Domain{Hosts: hosts, Statuses: PendingUpdate | PendingDelete | PendingTransfer}, PendingDelete},
		{"the deletion of a redemption is one of them", Domain{Hosts: hosts, Statuses: RedemptionPeriod | PendingTransfer | ServerDeleteProhibited}, PendingDelete | RedemptionPeriod},
		{"a restore ends the redemption", Domain{Hosts: hosts, Statuses: RedemptionPeriod | PendingRestore}, PendingDelete | PendingRestore},
	}
	for _, tt := range tests {
		if got := tt.domain.Shown(); got != tt.want {
			t.Errorf("%s: Shown() = %q, want %q", tt.name, got.Names(), tt.want.Names())
		}
	}
}

// TestShownIsAllowed: whatever a registry holds, what is shown is a combination
// that EPP allows (RFC 5731 §2.3, RFC 3915 §3.1; ICANN's checks -46900, -47001,
// -47002, -47100 and -49300).
func TestShownIsAllowed(t *testing.T) {
	for stored := range statusEnd {
		if stored&^(OK|PendingDelete|PendingRenew|PendingTransfer|PendingUpdate|PendingCreate|PendingRestore|RedemptionPeriod|AddPeriod|
			ClientDeleteProhibited|ServerRenewProhibited|ClientTransferProhibited|ServerUpdateProhibited|ServerHold) != 0 {
			continue // the others follow the same rules as one of these
		}
		d, n := Domain{Hosts: []string{"H1"}, Statuses: stored}, Nameserver{Statuses: stored}
		for _, shown := range [...]Status{d.Shown(), n.Shown(false)} {
			var pending, other int
			for one, rest := shown.Next(); one != 0; one, rest = rest.Next() {
				switch one {
				case PendingDelete, PendingRenew, PendingTransfer, PendingUpdate, PendingCreate:
					pending++
				}
				if one != OK && one.RGP() == 0 {
					other++
				}
			}
			forbidden := shown == 0 || pending > 1 || shown&OK != 0 && other > 0 ||
				shown&PendingDelete != 0 && shown&ClientDeleteProhibited != 0 || shown&PendingRenew != 0 && shown&ServerRenewProhibited != 0 ||
				shown&PendingTransfer != 0 && shown&ClientTransferProhibited != 0 || shown&PendingUpdate != 0 && shown&ServerUpdateProhibited != 0 ||
				shown&RedemptionPeriod != 0 && shown&PendingRestore != 0
			if forbidden {
				t.Fatalf("%q is shown as %q", stored.Names(), shown.Names())
			}
		}
		if s := d.Shown(); s&(RedemptionPeriod|PendingRestore) != 0 && s&PendingDelete == 0 {
			t.Fatalf("%q is shown as %q", stored.Names(), s.Names())
		}
	}
}

func TestNameserverShown(t *testing.T) {
	tests := []struct {
		stored Status
		linked bool
		want   Status
	}{
		{0, false, OK},
		{0, true, OK | Linked},
		{Linked, false, OK},
		{ClientUpdateProhibited | OK, true, ClientUpdateProhibited | Linked},
		{PendingUpdate | PendingDelete | ClientDeleteProhibited | ClientUpdateProhibited, true, PendingDelete | ClientUpdateProhibited | Linked},
	}
	for _, tt := range tests {
		n := Nameserver{Statuses: tt.stored}
		if got := n.Shown(tt.linked); got != tt.want {
			t.Errorf("%q linked=%v: Shown() = %q, want %q", tt.stored.Names(), tt.linked, got.Names(), tt.want.Names())
		}
	}
}
