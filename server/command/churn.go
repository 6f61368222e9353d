package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rddsd/cache/feed/churn"
	"rddsd/cache/feed/postgres"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/feed/tables"
)

func newChurn() *cobra.Command {
	var (
		o       churn.Options
		to, log string
	)
	cmd := &cobra.Command{
		Use:   "churn --rate R --to sqlite:PATH|postgres:DSN",
		Short: "Change a registry as its customers would",
		Long: "Change a registry as its customers would: registrations, deletions, transfers, renamed hosts and registrars,\n" +
			"each in a transaction of its own. It is for registries made by `registry gen`. Ctrl-C ends it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target, err := parsePlace("to", to, "sqlite", "postgres")
			if err != nil {
				return err
			}
			if err := o.Check(); err != nil {
				return fmt.Errorf("change registry %s: %w", target, err)
			}
			return doing(func(cmd *cobra.Command, _ []string) error { return changeRegistry(cmd, target, o, log) })(cmd, nil)
		},
	}
	cmd.Flags().Float64Var(&o.Rate, "rate", 10, "transactions a second")
	cmd.Flags().DurationVar(&o.For, "for", 0, "how long, such as 60s (default until Ctrl-C)")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "another seed makes other changes")
	cmd.Flags().StringVar(&to, "to", "", "sqlite:PATH or postgres:DSN")
	cmd.Flags().StringVar(&log, "log", "", "file that gets one line of JSON for each committed transaction")
	return cmd
}

func changeRegistry(cmd *cobra.Command, target place, o churn.Options, log string) (err error) {
	if log != "" {
		file, failed := os.Create(log)
		if failed != nil {
			return fmt.Errorf("open the log of changes: %w", failed)
		}
		buffered := bufio.NewWriter(file)
		defer func() {
			if err == nil { // a writer that failed once fails again
				err = buffered.Flush()
			}
			err = errors.Join(err, file.Close())
		}()
		o.Log = buffered
	}
	begun := time.Now()
	db, err := openSession(cmd.Context(), target)
	if err != nil {
		return err
	}
	done, err := churn.Run(cmd.Context(), db, o)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("change registry %s: %w", target, err)
	}
	return reportChurn(cmd.OutOrStdout(), done, time.Since(begun))
}

// session is a registry's database while a command changes it.
type session interface {
	tables.Database
	Close() error
}

func openSession(ctx context.Context, at place) (session, error) {
	if at.form == "postgres" {
		return postgres.OpenSession(ctx, at.path)
	}
	return sqlite.OpenSession(ctx, at.path)
}

func reportChurn(out io.Writer, done churn.Done, took time.Duration) error {
	fmt.Fprintf(out, "%d transactions in %v\n", done.Transactions, took.Round(time.Millisecond))
	for _, kind := range slices.Sorted(maps.Keys(done.Changes)) {
		if _, err := fmt.Fprintf(out, "%8d %s\n", done.Changes[kind], kind); err != nil {
			return err
		}
	}
	return nil
}
