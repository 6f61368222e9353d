package command

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"rddsd/cache"
	"rddsd/cache/registry"
)

func newSnapshot() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Look at the files of the copy on disk",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("snapshot: say what to do: info or verify")
		},
	}
	cmd.AddCommand(newSnapshotInfo(), newSnapshotVerify())
	return cmd
}

func newSnapshotInfo() *cobra.Command {
	return &cobra.Command{
		Use:   "info FILE",
		Short: "Tell what a base or a log in snapshots/ holds",
		Long:  "Tell what a base or a log in snapshots/ holds, by what it says about itself. It may be in use by a running rddsd.",
		Args:  exactly(1),
		RunE: doing(func(cmd *cobra.Command, args []string) error {
			info, err := cache.InspectFile(args[0], slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), describeFile(info))
			return err
		}),
	}
}

func newSnapshotVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Check every byte of a base or a log in snapshots/",
		Long: "Check every byte of a base or a log in snapshots/ and print ok. What is damaged is told, with exit code 1.\n" +
			"A log to which a running rddsd appends may seem to be torn at its end.",
		Args: exactly(1),
		RunE: doing(func(cmd *cobra.Command, args []string) error {
			info, err := cache.InspectFile(args[0], slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			if err := info.Verify(cmd.Context()); err != nil {
				return fmt.Errorf("%s is damaged: %w", args[0], err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ok")
			return err
		}),
	}
}

// describeFile writes what a file holds for a person.
func describeFile(i *cache.FileInfo) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s "+format+"\n", append([]any{name}, args...)...)
	}
	line(i.Kind, "format %d, %d bytes", i.Format, i.Bytes)
	line("registry", "%s, epoch %s, position %d", i.Position.Registry, i.Position.Epoch, i.Position.Serial)
	if i.AsOf != 0 {
		line("data", "as of %v", i.AsOf)
	}
	if v := i.Base; v != nil {
		line("objects", "%d domains, %d hosts, %d contacts, %d registrars, %d TLDs, %d reserved",
			v.Count(registry.KindDomain), v.Count(registry.KindHost), v.Count(registry.KindContact),
			v.Count(registry.KindRegistrar), v.Count(registry.KindTLD), v.Count(registry.KindReserved))
		if n := len(v.Quarantined()); n > 0 {
			line("rejected", "%d rows", n)
		}
		if n := v.Count(registry.KindDomain); n > 0 {
			line("size", "%.1f bytes a name", float64(i.Bytes)/float64(n))
		}
		return b.String()
	}
	line("begins", "at position %d", i.From.Serial)
	line("deltas", "%d, with %d changes", i.Deltas, i.Changes)
	if i.Torn > 0 {
		line("TORN", "the last %d bytes: the feed brings again what stood there", i.Torn)
	}
	return b.String()
}
