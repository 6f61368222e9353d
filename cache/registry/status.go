package registry

// Status is a set of EPP (RFC 5731 §2.3, RFC 5732 §2.3) and RGP (RFC 3915)
// statuses, one bit each. The bits stand in the order in which answers list
// them: EPP statuses in alphabet order, then RGP ones.
type Status uint32

const (
	ClientDeleteProhibited Status = 1 << iota
	ClientHold
	ClientRenewProhibited
	ClientTransferProhibited
	ClientUpdateProhibited
	Inactive
	Linked
	OK
	PendingCreate
	PendingDelete
	PendingRenew
	PendingTransfer
	PendingUpdate
	ServerDeleteProhibited
	ServerHold
	ServerRenewProhibited
	ServerTransferProhibited
	ServerUpdateProhibited
	AddPeriod
	AutoRenewPeriod
	PendingRestore
	RedemptionPeriod
	RenewPeriod
	TransferPeriod

	statusEnd
)

// rgpStatuses do not hinder "ok": a name in its add period is otherwise ok.
// pendingRestore is one of them although EPP knows it too (RFC 3915 §3.1).
const rgpStatuses = AddPeriod | AutoRenewPeriod | PendingRestore | RedemptionPeriod | RenewPeriod | TransferPeriod

// derived statuses are the edge's to set, whatever is stored (contract §2).
const derived = OK | Inactive | Linked

var statusNames = [...]struct{ epp, rdap string }{
	{"clientDeleteProhibited", "client delete prohibited"},
	{"clientHold", "client hold"},
	{"clientRenewProhibited", "client renew prohibited"},
	{"clientTransferProhibited", "client transfer prohibited"},
	{"clientUpdateProhibited", "client update prohibited"},
	{"inactive", "inactive"},
	{"linked", "associated"},
	{"ok", "active"},
	{"pendingCreate", "pending create"},
	{"pendingDelete", "pending delete"},
	{"pendingRenew", "pending renew"},
	{"pendingTransfer", "pending transfer"},
	{"pendingUpdate", "pending update"},
	{"serverDeleteProhibited", "server delete prohibited"},
	{"serverHold", "server hold"},
	{"serverRenewProhibited", "server renew prohibited"},
	{"serverTransferProhibited", "server transfer prohibited"},
	{"serverUpdateProhibited", "server update prohibited"},
	{"addPeriod", "add period"},
	{"autoRenewPeriod", "auto renew period"},
	{"pendingRestore", "pending restore"},
	{"redemptionPeriod", "redemption period"},
	{"renewPeriod", "renew period"},
	{"transferPeriod", "transfer period"},
}

// ParseStatus returns the status with the EPP or RGP name s.
func ParseStatus(s string) (Status, bool) {
	for i := range statusNames {
		if statusNames[i].epp == s {
			return 1 << i, true
		}
	}
	return 0, false
}

// Next returns the first status of s in display order and the rest of s. It
// returns 0, 0 when s is empty.
func (s Status) Next() (first, rest Status) {
	first = s & -s
	return first, s &^ first
}

// EPP returns the EPP or RGP name of a single status.
func (s Status) EPP() string { return statusNames[s.index()].epp }

// RDAP returns the RDAP value of a single status (RFC 8056 §2).
func (s Status) RDAP() string { return statusNames[s.index()].rdap }

func (s Status) index() int {
	i := 0
	for s > 1 {
		s >>= 1
		i++
	}
	return i
}

// RGP returns the statuses of s that belong to a grace period (RFC 3915 §3.1).
// pendingDelete, which EPP knows too, is not one of them.
func (s Status) RGP() Status { return s & rgpStatuses }

// Stored returns what of s a registry stores: not what is the edge's to derive.
func (s Status) Stored() Status { return s &^ derived }

// Names returns the EPP names of all statuses in s, in display order.
func (s Status) Names() []string {
	var names []string
	for one, rest := s.Next(); one != 0; one, rest = rest.Next() {
		names = append(names, one.EPP())
	}
	return names
}

// operations are what can be pending, the one with the most consequences first,
// and the prohibitions that must not stand beside it (RFC 5731 §2.3, RFC 5732
// §2.3).
var operations = [...]struct{ pending, prohibited Status }{
	{PendingDelete, ClientDeleteProhibited | ServerDeleteProhibited},
	{PendingTransfer, ClientTransferProhibited | ServerTransferProhibited},
	{PendingCreate, 0},
	{PendingRenew, ClientRenewProhibited | ServerRenewProhibited},
	{PendingUpdate, ClientUpdateProhibited | ServerUpdateProhibited},
}

// consistent returns s without what contradicts the rest of it, because EPP
// forbids the combination although a registry holds it. What is under way is
// told before what was to prevent it, one operation of several, and a restore
// before the redemption period that it ends (RFC 3915 §3.1).
func (s Status) consistent() Status {
	if s&PendingRestore != 0 {
		s &^= RedemptionPeriod
	}
	for i, o := range operations {
		if s&o.pending == 0 {
			continue
		}
		s &^= o.prohibited
		for _, other := range operations[i+1:] {
			s &^= other.pending
		}
		return s
	}
	return s
}

// Shown returns the statuses that an answer about d lists: what somebody set,
// with inactive derived from the lack of hosts and ok from the lack of any
// other EPP status. "linked" is not shown for domains.
//
// Of a set that EPP forbids it returns what can be told, see consistent; where
// pendingDelete is missing beside redemptionPeriod or pendingRestore (RFC 3915
// §3.1), it is added rather than the known one hidden.
func (d *Domain) Shown() Status {
	s := d.Statuses &^ derived
	if s&(RedemptionPeriod|PendingRestore) != 0 {
		s |= PendingDelete
	}
	s = s.consistent()
	if len(d.Hosts) == 0 {
		s |= Inactive
	}
	if s&^rgpStatuses == 0 {
		s |= OK
	}
	return s
}

// Shown returns the statuses that an answer about n lists; linked says whether
// a published domain refers to it. Of a set that EPP forbids it returns what can
// be told, see consistent.
func (n *Nameserver) Shown(linked bool) Status {
	s := (n.Statuses &^ derived).consistent()
	if s == 0 {
		s = OK
	}
	if linked {
		s |= Linked
	}
	return s
}
