package command

import (
	"github.com/spf13/cobra"

	"rddsd/server/config"
)

func newServe(set *settings, serve Serve) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve WHOIS and RDAP (the default)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := set.load()
			if err != nil {
				return err
			}
			if err := serve(cmd.Context(), cfg, set.load); err != nil {
				return &fault{err}
			}
			return nil
		},
	}
}

// Load reads the configuration again, as it was read at the start.
type Load func() (*config.Config, error)
