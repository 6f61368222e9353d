package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"rddsd/server/admin"
)

func newReload(set *settings) *cobra.Command {
	return newOrder(set, admin.Reload, "Have the running rddsd read its configuration again",
		"Have the running rddsd read its configuration again, as SIGHUP does. A bad configuration changes nothing and is told here.",
		"the configuration is in force")
}

func newAccept(set *settings) *cobra.Command {
	return newOrder(set, admin.Accept, "Publish what the running rddsd holds back",
		"Publish what the running rddsd holds back: a mass deletion, a mass disclosure, or a snapshot that differs too much. `rddsd status` tells what.",
		"accepted")
}

func newReject(set *settings) *cobra.Command {
	return newOrder(set, admin.Reject, "Drop what the running rddsd holds back",
		"Drop what the running rddsd holds back and read the registry anew. What is served stays as it is.",
		"rejected")
}

// newOrder makes a command that gives one order through the admin socket.
func newOrder(set *settings, order admin.Order, short, long, done string) *cobra.Command {
	var reason, socket string
	cmd := &cobra.Command{
		Use:   string(order),
		Short: short,
		Long:  long,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := admin.CheckReason(order, reason); err != nil {
				return fmt.Errorf("%s: %w", order, err)
			}
			socket, err := set.socket(socket)
			if err != nil {
				return err
			}
			if err := admin.Send(cmd.Context(), socket, order, reason); err != nil {
				return &fault{err}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), done)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a few words; the log keeps it")
	cmd.Flags().StringVar(&socket, "socket", "", "the running rddsd's admin socket (default: as configured)")
	return cmd
}
