package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"rddsd/cache/feed"
	"rddsd/cache/registry"
)

// Status is the body of /status (design.md §9).
type Status struct {
	Version  string         `json:"version"`
	Ready    bool           `json:"ready"`    // there is something to answer from
	Degraded bool           `json:"degraded"` // what there is, is older than [feed] max_age
	Registry RegistryStatus `json:"registry"`
	Objects  ObjectCounts   `json:"objects"`
	Memory   uint64         `json:"memory"`          // bytes of the process that are in memory
	Usage    *Usage         `json:"usage,omitempty"` // what of them is the registry
	Held     *Held          `json:"held,omitempty"`
	Rejected []RejectedRows `json:"rejected,omitempty"` // in quarantine now
	Disk     string         `json:"disk_error,omitempty"`
}

// RegistryStatus tells which state of the registry is served.
type RegistryStatus struct {
	Kind       string  `json:"kind"` // how it is read
	ID         string  `json:"id,omitempty"`
	Epoch      string  `json:"epoch"`
	Position   uint64  `json:"position"`
	AsOf       string  `json:"as_of"` // RFC 3339; "" = no data
	AgeSeconds float64 `json:"age_seconds"`
	Resyncs    uint64  `json:"resyncs"` // snapshots published
	Connected  bool    `json:"connected"`
	LastError  string  `json:"last_error,omitempty"` // why the last attempt that failed did
	LastFault  string  `json:"last_fault,omitempty"` // when that was, RFC 3339

	ResyncsBy map[feed.Reason]uint64 `json:"resyncs_by,omitempty"` // those snapshots, by why they were taken
	Reading   *Reading               `json:"reading,omitempty"`
}

// Reading tells how a registry in PostgreSQL is read.
type Reading struct {
	Polls      uint64 `json:"polls"`
	WakeUps    uint64 `json:"wake_ups"`
	Replica    bool   `json:"replica"`
	Listening  bool   `json:"listening"`
	HorizonLag uint64 `json:"horizon_lag"` // transactions
	RowsBehind uint64 `json:"rows_behind"`
	OpenSince  string `json:"open_since,omitempty"` // RFC 3339
}

// ObjectCounts tells how much is served.
type ObjectCounts struct {
	Domains    int `json:"domains"`
	Hosts      int `json:"hosts"`
	Contacts   int `json:"contacts"`
	Registrars int `json:"registrars"`
}

// Held is what waits for `rddsd accept` or `rddsd reject`.
type Held struct {
	What  string   `json:"what"`
	Since string   `json:"since"` // RFC 3339
	Why   []string `json:"why"`
}

// RejectedRows tells how many rows cannot be published for one reason.
type RejectedRows struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	Rows   int    `json:"rows"`
}

func (s *Server) status(ctx *fasthttp.RequestCtx) {
	body, err := json.MarshalIndent(s.Status(), "", "  ")
	if err != nil {
		ctx.Error(err.Error(), http.StatusInternalServerError)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

// Status returns what /status tells.
func (s *Server) Status() Status {
	from := s.Feed()
	status := Status{
		Version: s.Version, Ready: from.Ready, Degraded: from.Degraded, Memory: residentMemory(), Disk: from.DiskError,
		Registry: RegistryStatus{
			Kind: s.Kind, ID: from.Position.Registry, Epoch: from.Position.Epoch, Position: from.Position.Serial,
			AgeSeconds: from.Age.Seconds(), Connected: from.Connected, LastError: from.LastError, LastFault: moment(from.LastFault),
		},
		Rejected: rejectedRows(from),
	}
	for _, n := range from.Resyncs {
		status.Registry.Resyncs += n
	}
	status.Registry.ResyncsBy = from.Resyncs
	if s.Source != nil {
		r := s.Source()
		status.Registry.Reading = &Reading{
			Polls: r.Polls, WakeUps: r.WakeUps, Replica: r.Replica, Listening: r.Listening,
			HorizonLag: r.HorizonLag, RowsBehind: r.Behind, OpenSince: moment(r.OpenSince),
		}
	}
	if from.AsOf != 0 {
		status.Registry.AsOf = from.AsOf.String()
	}
	if from.Held != nil {
		status.Held = &Held{What: string(from.Held.What), Since: moment(from.Held.Since), Why: from.Held.Why}
	}
	if view := s.Cache.Current(); view != nil {
		status.Objects = ObjectCounts{
			Domains: view.Count(registry.KindDomain), Hosts: view.Count(registry.KindHost),
			Contacts: view.Count(registry.KindContact), Registrars: view.Count(registry.KindRegistrar),
		}
		status.Usage = usageOf(view)
		status.Usage.Limit, status.Usage.Refused = from.MemoryLimit, from.MemoryError
	}
	return status
}

func rejectedRows(from feed.Status) []RejectedRows {
	rows := make([]RejectedRows, 0, len(from.Quarantined))
	for row, n := range from.Quarantined {
		rows = append(rows, RejectedRows{Kind: row.Kind.String(), Reason: string(row.Reason), Rows: n})
	}
	slices.SortFunc(rows, func(a, b RejectedRows) int {
		return strings.Compare(a.Kind+" "+a.Reason, b.Kind+" "+b.Reason)
	})
	return rows
}

// moment returns t to the second, "" for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// residentMemory returns how many bytes of the process are in memory, or, where
// the system has no /proc, how many the Go runtime holds.
func residentMemory() uint64 {
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := bytes.Fields(statm); len(fields) > 1 {
			if pages, err := strconv.ParseUint(string(fields[1]), 10, 64); err == nil {
				return pages * uint64(os.Getpagesize())
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
