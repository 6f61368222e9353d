// Package command is the command line: one file a command, and the rules for
// exit codes. It may import everything; nothing imports it but main.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rddsd/server/config"
)

// Exit codes of every command (design.md §9).
const (
	ok      = 0
	failed  = 1
	misused = 2 // wrong usage, or a wrong configuration
)

// Serve is what `rddsd serve` does, which package main wires. again reads the
// configuration anew.
type Serve func(ctx context.Context, cfg *config.Config, again Load) error

// settings are the flags that several commands share.
type settings struct {
	config string
	data   string
}

// Execute runs the command in args and returns the exit code of the process.
func Execute(ctx context.Context, args []string, serve Serve) int {
	root := newRoot(serve)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ok
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		fmt.Fprintf(os.Stderr, "rddsd: interrupted: %v\n", err)
		return failed
	}
	fmt.Fprintf(os.Stderr, "rddsd: %v\n", err)
	var (
		fault    *fault
		settings *config.Error
	)
	switch {
	case errors.As(err, &settings):
		return misused
	case errors.As(err, &fault):
		return failed
	}
	fmt.Fprintf(os.Stderr, "`%s --help` tells how it is used.\n", cmd.CommandPath())
	return misused
}

func newRoot(serve Serve) *cobra.Command {
	set := new(settings)
	root := &cobra.Command{
		Use:   "rddsd",
		Short: "WHOIS and RDAP in front of a registry database",
		Long: "rddsd keeps the published registry in memory, follows the registry database and answers\n" +
			"WHOIS and RDAP from memory. Without a command it serves; without a configuration it\n" +
			"serves a fictional .coop registry on loopback.",
		Args:              cobra.NoArgs,
		PersistentPreRunE: refuseEmpty,
		SilenceErrors:     true,
		SilenceUsage:      true,
	}
	root.PersistentFlags().StringVar(&set.config, "config", "", "configuration file (TOML)")
	root.PersistentFlags().StringVar(&set.data, "data", "", "data directory; wins over [data] dir")
	server := newServe(set, serve)
	root.RunE = server.RunE
	root.AddCommand(
		server, newCheck(set), newStatus(set), newReload(set), newAccept(set), newReject(set),
		newLimits(set), newWithhold(set), newRelease(set),
		newRegistry(), newSnapshot(), newVersion(), newMan())
	return root
}

// refuseEmpty refuses a shared flag with an empty value: a script whose variable
// is not set would otherwise work on the default directory.
func refuseEmpty(cmd *cobra.Command, _ []string) error {
	for _, name := range []string{"config", "data"} {
		if flag := cmd.Flag(name); flag != nil && flag.Changed && flag.Value.String() == "" {
			return fmt.Errorf("--%s is empty: write a path, or leave the flag out", name)
		}
	}
	return nil
}

// exactly refuses any other number of words behind a command.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("%s: %d words follow the command, not %d; write `%s`", cmd.Name(), len(args), n, cmd.UseLine())
	}
}

// fault marks an error that a command met while it did what it was asked:
// exit code 1. Any other error of the command line is wrong usage.
type fault struct{ err error }

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// doing makes a command's function whose errors are faults.
func doing(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := f(cmd, args); err != nil {
			return &fault{err}
		}
		return nil
	}
}

// load reads the configuration as the shared flags say.
func (s *settings) load() (*config.Config, error) {
	return config.Load(s.config, s.env(), checkTexts, checkDSN, checkLists)
}

// locate reads of the configuration where the running rddsd is reached.
func (s *settings) locate() (*config.Config, error) {
	return config.Locate(s.config, s.env())
}

// env is the environment, in which --data wins.
func (s *settings) env() []string {
	env := os.Environ()
	if s.data != "" {
		env = append(env, "RDDSD_DATA_DIR="+s.data)
	}
	return env
}
