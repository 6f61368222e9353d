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
	}
	for _, tt := range tests {
		if got := tt.domain.Shown(); got != tt.want {
			t.Errorf("%s: Shown() = %q, want %q", tt.name, got.Names(), tt.want.Names())
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
	}
	for _, tt := range tests {
		n := Nameserver{Statuses: tt.stored}
		if got := n.Shown(tt.linked); got != tt.want {
			t.Errorf("%q linked=%v: Shown() = %q, want %q", tt.stored.Names(), tt.linked, got.Names(), tt.want.Names())
		}
	}
}
