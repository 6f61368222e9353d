package main

import (
	"github.com/spf13/cobra"

	"rddsd/bench/target"
)

// newReference runs a reference server. The other commands start it: a server
// under measurement has a process for itself.
func newReference() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:       "reference NAME",
		Short:     "Run a reference server until it is told to end",
		Hidden:    true,
		Args:      cobra.ExactArgs(1),
		ValidArgs: target.ReferenceNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return target.Reference(cmd.Context(), args[0], listen, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "IPv4 address and port; its own choice is printed as one line")
	return cmd
}
