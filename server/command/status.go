package command

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rddsd/server/admin"
)

func newStatus(set *settings) *cobra.Command {
	var (
		url    string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell how the running rddsd stands",
		Long:  "Tell how the running rddsd stands. Exit code 1 says that it cannot be reached, or that it has no data.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				cfg, err := set.locate()
				if err != nil {
					return err
				}
				if len(cfg.Admin.Listen) == 0 {
					return &fault{fmt.Errorf("the configuration has no [admin] listen: say where with --admin")}
				}
				url = "http://" + cfg.Admin.Listen[0].String()
			}
			return doing(func(cmd *cobra.Command, _ []string) error {
				return showStatus(cmd.Context(), cmd.OutOrStdout(), url, asJSON)
			})(cmd, nil)
		},
	}
	cmd.Flags().StringVar(&url, "admin", "", "address of the running rddsd's admin listener, such as http://127.0.0.1:9180 (default: as configured)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the JSON of /status")
	return cmd
}

func showStatus(ctx context.Context, out io.Writer, url string, asJSON bool) error {
	status, body, err := admin.FetchStatus(ctx, url)
	if err != nil {
		return err
	}
	if asJSON {
		_, err = out.Write(body)
	} else {
		_, err = io.WriteString(out, describe(status))
	}
	if err == nil && !status.Ready {
		err = fmt.Errorf("rddsd at %s has no data yet", url)
	}
	return err
}

// describe writes a status for a person.
func describe(s *admin.Status) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s "+format+"\n", append([]any{name}, args...)...)
	}
	state := "ready"
	switch {
	case !s.Ready:
		state = "no data yet"
	case s.Degraded:
		state = "degraded: the data is older than [feed] max_age"
	}
	line("rddsd", "%s: %s", s.Version, state)
	r := s.Registry
	if r.Epoch == "" {
		line("registry", "%s, not read yet", r.Kind)
	} else {
		line("registry", "%s, epoch %s, position %d", r.Kind, r.Epoch, r.Position)
	}
	if r.AsOf != "" {
		line("data", "as of %s, %v old", r.AsOf, time.Duration(r.AgeSeconds*float64(time.Second)).Round(time.Second))
	}
	if !r.Connected {
		line("", "not connected: %s", r.LastError)
	}
	if reading := r.Reading; reading != nil {
		how := "woken by the registry"
		switch {
		case reading.Replica:
			how = "a standby, polled each second"
		case !reading.Listening:
			how = "not woken, polled each second"
		}
		line("", "%s; %d polls, %d rows behind", how, reading.Polls, reading.RowsBehind)
		if reading.OpenSince != "" {
			line("", "a registry transaction is open since %s, %d have begun since", reading.OpenSince, reading.HorizonLag)
		}
	}
	line("objects", "%d domains, %d hosts, %d contacts, %d registrars", s.Objects.Domains, s.Objects.Hosts, s.Objects.Contacts, s.Objects.Registrars)
	line("memory", "%d MiB", s.Memory>>20)
	if u := s.Usage; u != nil {
		line("", "the registry: %s", describeUsage(u))
	}
	if r.Resyncs > 0 {
		line("snapshots", "%d since the start", r.Resyncs)
	}
	if s.Held != nil {
		line("HELD", "%s since %s: %s", s.Held.What, s.Held.Since, strings.Join(s.Held.Why, "; "))
		line("", "decide with `rddsd accept` or `rddsd reject`")
	}
	for _, rejected := range s.Rejected {
		line("rejected", "%d rows of kind %s: %s", rejected.Rows, rejected.Kind, rejected.Reason)
	}
	if s.Usage != nil && s.Usage.Refused != "" {
		line("MEMORY", "%s", s.Usage.Refused)
	}
	if s.Disk != "" {
		line("DISK", "%s", s.Disk)
	}
	return b.String()
}

// describeUsage writes what the registry takes for a person: all of it, by name,
// by kind, what has changed, and what is allowed.
func describeUsage(u *admin.Usage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %.0f bytes a name:", size(u.Total), u.PerName)
	for _, kind := range slices.Sorted(maps.Keys(u.Kinds)) {
		if u.Kinds[kind] >= u.Total/100 {
			fmt.Fprintf(&b, " %s %s,", kind, size(u.Kinds[kind]))
		}
	}
	fmt.Fprintf(&b, " indexes %s, shared %s, %d changes %s", size(u.Indexes), size(u.Shared), u.Changes, size(u.Overlay))
	if u.Limit > 0 {
		fmt.Fprintf(&b, "; [data] memory_limit %s", size(u.Limit))
	}
	return b.String()
}

// size writes a number of bytes for a person.
func size(bytes int64) string {
	if bytes < 10<<20 {
		return fmt.Sprintf("%d KiB", (bytes+1<<9)>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
