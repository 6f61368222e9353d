package command

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rddsd/cache/feed/postgres"
)

func newVerify() *cobra.Command {
	var (
		at     string
		length time.Duration
	)
	cmd := &cobra.Command{
		Use:   "verify --registry postgres:DSN [--for D]",
		Short: "Verify that a registry's schema keeps the publication contract",
		Long: "Verify that a registry's schema keeps the publication contract: views and columns, what reads the clock or leaks,\n" +
			"the rights of the role, every row and reference. It connects as an edge does and writes nothing. With --for it\n" +
			"follows the registry while that works, and finds the changes that no trigger told. Exit code 1 if anything is wrong.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target, err := parsePlace("registry", at, "postgres")
			if err != nil {
				return err
			}
			if length < 0 {
				return fmt.Errorf("--for %v: write a length of time such as 30s, or 0 not to follow", length)
			}
			return doing(func(cmd *cobra.Command, _ []string) error { return verify(cmd, target, length) })(cmd, nil)
		},
	}
	cmd.Flags().StringVar(&at, "registry", "", "postgres:DSN, with the role of an edge")
	cmd.Flags().DurationVar(&length, "for", 0, "how long to follow the registry, such as 60s (default not at all)")
	return cmd
}

func verify(cmd *cobra.Command, at place, length time.Duration) error {
	out := cmd.OutOrStdout()
	var failed error
	print := func(format string, args ...any) {
		_, err := fmt.Fprintf(out, format, args...)
		failed = errors.Join(failed, err)
	}
	done, err := postgres.Verify(cmd.Context(), at.path, postgres.Verification{
		For: length,
		Found: func(f postgres.Finding) {
			word := "wrong "
			if f.Remark {
				word = "remark"
			}
			print("%s  %s: %s\n", word, f.Where, f.What)
		},
		Following: func() { print("following for %v: let the registry work\n", length) },
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	print("%d rows read", done.Rows)
	if length > 0 {
		print("; followed for %v: %d polls, %d changes told", done.Followed.Round(time.Second), done.Polls, done.Changes)
	}
	print("; %d wrong, %d remarks\n", done.Wrong, done.Remarks)
	if done.Wrong > 0 {
		return fmt.Errorf("the registry does not keep the contract: %d findings above", done.Wrong)
	}
	return failed
}
