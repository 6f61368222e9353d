package command

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rddsd/ratelimit"
	"rddsd/server/admin"
	"rddsd/server/lookup"
)

// topLength is how many clients `rddsd limits top` tells of.
const topLength = 20

func newLimits(set *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "Look at the limits of the running rddsd, and free a client",
		Long: "Look at the limits of the running rddsd, and free a client. What is told holds addresses, and so goes\n" +
			"through the admin socket, to root and the user that runs rddsd.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("limits: say what to do: top, explain, try or unblock")
		},
	}
	var socket string
	cmd.PersistentFlags().StringVar(&socket, "socket", "", "the running rddsd's admin socket (default: as configured)")
	path := func() (string, error) { return set.socket(socket) }
	cmd.AddCommand(
		newLimitsTop(path), newLimitsExplain(path), newLimitsTry(path),
		newAbout(path, admin.Unblock, "unblock ADDR", "Forget what a client and the networks around it were charged",
			"Forget what a client was charged, and the networks around it: look-ups, budgets, and a wait that hammering lengthened.\nThe zone guard stays as it is.", "unblocked"))
	return cmd
}

// socket returns the path of the admin socket: given, or as configured.
func (s *settings) socket(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	cfg, err := s.locate()
	if err != nil {
		return "", err
	}
	return cfg.AdminSocket(), nil
}

// inspecting makes a command that asks one question and prints the reply.
func inspecting[T any](path func() (string, error), question string, args func(words []string) url.Values, print func(io.Writer, *T)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, words []string) error {
		socket, err := path()
		if err != nil {
			return err
		}
		reply := new(T)
		if err := admin.Inspect(cmd.Context(), socket, question, args(words), reply); err != nil {
			return &fault{err}
		}
		print(cmd.OutOrStdout(), reply)
		return nil
	}
}

func newLimitsTop(path func() (string, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "top",
		Short: "Tell who met limits most in the last day, and how full the zone guards are",
		Args:  cobra.NoArgs,
		RunE:  inspecting(path, "top", func([]string) url.Values { return nil }, printTop),
	}
}

func newLimitsExplain(path func() (string, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "explain ADDR",
		Short: "Tell how a client stands with every limit",
		Args:  exactly(1),
		RunE: inspecting(path, "explain", func(words []string) url.Values { return url.Values{"addr": {words[0]}} }, func(w io.Writer, e *ratelimit.Explanation) {
			printExplanation(w, e)
		}),
	}
}

func newLimitsTry(path func() (string, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "try ADDR NAME",
		Short: "Tell what a client would get that asked for a name now, without charging it",
		Args:  exactly(2),
		RunE:  inspecting(path, "try", func(words []string) url.Values { return url.Values{"addr": {words[0]}, "name": {words[1]}} }, printTrial),
	}
}

// newAbout makes a command that gives one order about something.
func newAbout(path func() (string, error), order admin.Order, use, short, long, done string) *cobra.Command {
	var reason, until string
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long,
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := admin.CheckReason(order, reason); err != nil {
				return fmt.Errorf("%s: %w", order, err)
			}
			about := admin.About{Target: args[0]}
			if until != "" {
				at, err := parseUntil(until, time.Now())
				if err != nil {
					return fmt.Errorf("%s: %w", order, err)
				}
				about.Until = at
			}
			socket, err := path()
			if err != nil {
				return err
			}
			note, err := admin.SendAbout(cmd.Context(), socket, order, about, reason)
			if err != nil {
				return &fault{err}
			}
			if note != "" {
				done += "; " + note
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), done)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a few words; the log keeps it")
	if order == admin.Withhold {
		cmd.Flags().StringVar(&until, "until", "", "until when: a time (2026-12-31T23:59:59Z), a day (2026-12-31), or how long (72h); default until it is released")
	}
	return cmd
}

// parseUntil reads a time, a day (UTC, to its end) or a duration from now.
func parseUntil(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.Add(24 * time.Hour), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("--until %q is no time; write 2026-12-31T23:59:59Z, 2026-12-31 or 72h", s)
	}
	return t.UTC(), nil
}

// topReply is the reply to "top".
type topReply struct {
	Clients []ratelimit.Met        `json:"clients"`
	Zones   []ratelimit.ZoneStatus `json:"zones"`
}

// trial is the reply to "try".
type trial struct {
	Class    string  `json:"class"`
	Shows    string  `json:"shows"`
	Verdict  string  `json:"verdict"`
	Limit    string  `json:"limit"`
	Network  string  `json:"network,omitempty"`
	RetryIn  float64 `json:"retry_in_seconds,omitempty"`
	Audience string  `json:"audience"`
}

// Inspect answers the questions about the limits.
func (k *LimitKeeper) Inspect(question string, args url.Values) (any, error) {
	now := time.Now()
	if question == "top" {
		return topReply{k.Limiter.Top(topLength, now), k.Limiter.Zones(now)}, nil
	}
	addr, err := netip.ParseAddr(args.Get("addr"))
	if err != nil {
		return nil, fmt.Errorf("%q is not an IP address; write one, such as 192.0.2.1 or 2001:db8::1", args.Get("addr"))
	}
	client := k.Limiter.Client(addr)
	switch question {
	case "explain":
		return k.Limiter.Explain(client, now), nil
	case "try":
		return k.try(client, args.Get("name"), now)
	}
	return nil, fmt.Errorf("there is no question %q; there are top, explain and try", question)
}

func (k *LimitKeeper) try(client ratelimit.Client, name string, now time.Time) (any, error) {
	view := k.Cache.Current()
	if view == nil {
		return nil, errors.New("there is no data yet")
	}
	query, err := lookup.ParseLine([]byte(name))
	if err != nil {
		query = lookup.Query{}
	}
	query.Audience = client.Audience
	var answer lookup.Answer
	k.Finder.Find(view, &query, now, &answer)
	d := k.Limiter.Try(client, answer.Ask, now)
	t := trial{
		Class: answer.Class.String(), Shows: [...]string{"nothing", "an object without contact values", "contact values"}[answer.Ask.Shows],
		Verdict: d.Verdict.String(), Limit: d.Cause.String(), RetryIn: d.RetryIn.Seconds(), Audience: client.Audience.String(),
	}
	if d.Network.IsValid() {
		t.Network = d.Network.String()
	}
	return t, nil
}

// Order carries out the orders about limits.
func (k *LimitKeeper) Order(order admin.Order, about admin.About, reason string) (note string, err error) {
	switch order {
	case admin.Withhold:
		return k.Withhold(about.Target, reason, about.Until)
	case admin.Release:
		return "", k.Release(about.Target)
	}
	addr, err := netip.ParseAddr(about.Target)
	if err != nil {
		return "", fmt.Errorf("%q is not an IP address; write one, such as 192.0.2.1 or 2001:db8::1", about.Target)
	}
	client := k.Limiter.Client(addr)
	if k.Limiter.Unblock(client, time.Now()) == 0 {
		return "", fmt.Errorf("%v was charged nothing, and neither was a network around it; `rddsd limits explain` tells what limits it", addr)
	}
	return "", nil
}

func printTop(w io.Writer, reply *topReply) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CLIENT\tREFUSED\tDEGRADED\tCANARIES\tLAST LIMIT\tLAST TIME")
	for _, m := range reply.Clients {
		fmt.Fprintf(t, "%v\t%d\t%d\t%d\t%s\t%s\n", m.Network, m.Refused, m.Degraded, m.Canaries, m.Cause, m.Last.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(t, "\nZONE\tCONTACT OBJECTS\tGUARD OF A DAY\tOF 30 DAYS")
	for _, z := range reply.Zones {
		fmt.Fprintf(t, ".%s\t%d\t%.1f %%\t%.1f %%\n", z.TLD, z.Objects, 100*z.Day, 100*z.Month)
	}
	t.Flush()
}

func printExplanation(w io.Writer, e *ratelimit.Explanation) {
	fmt.Fprintf(w, "%v is %s; limits are in mode %s\n", e.Address, e.Audience, e.Mode)
	if e.Role != "" {
		fmt.Fprintf(w, "%v is on the list of networks as %s\n", e.Entry, e.Role)
		return
	}
	if e.Asked > 0 {
		fmt.Fprintf(w, "it asked for %.1f new objects with contact values lately (of those of ten days ago half counts), for the first one %d days ago\n", e.Asked, e.Known)
	}
	fmt.Fprintf(w, "it has %d free objects with contact values left; used of what each network may have:\n", e.Free)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "NETWORK\tSECOND\t15 MINUTES\tDAY\t30 DAYS\t")
	for _, tier := range e.Tiers {
		name := tier.Network.String()
		if tier.Tier == "as" {
			name = "its AS"
		}
		fmt.Fprintf(t, "%s\t%.1f %%\t%.1f %%\t%.1f %%\t%.1f %%\t\n", name, 100*tier.Second, 100*tier.QuarterHour, 100*tier.Day, 100*tier.Month)
	}
	t.Flush()
}

func printTrial(w io.Writer, t *trial) {
	fmt.Fprintf(w, "the answer is of class %s and shows %s\n", t.Class, t.Shows)
	switch {
	case t.Verdict == ratelimit.Full.String():
		fmt.Fprintf(w, "the client (%s) would get it in full\n", t.Audience)
	case t.Verdict == ratelimit.Degrade.String() && t.Network == "":
		fmt.Fprintf(w, "the client (%s) would get it without contact values: the guard of the zone is too full for who has asked for as much\n", t.Audience)
	case t.Verdict == ratelimit.Degrade.String():
		fmt.Fprintf(w, "the client (%s) would get it without contact values: limit %s %s\n", t.Audience, t.Limit, t.Network)
	case t.RetryIn > 0:
		fmt.Fprintf(w, "the client (%s) would be refused for %.1f s: limit %s %s\n", t.Audience, t.RetryIn, t.Limit, t.Network)
	default:
		fmt.Fprintf(w, "the client (%s) would be refused for good: %s is denied\n", t.Audience, t.Network)
	}
}
