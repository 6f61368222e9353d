package command

import (
	"github.com/spf13/cobra"

	"rddsd/server/admin"
)

func newWithhold(set *settings) *cobra.Command {
	var socket string
	cmd := newAbout(func() (string, error) { return set.socket(socket) }, admin.Withhold, "withhold NAME",
		"Show no contact value of a domain from now on",
		"Show no contact value of a domain from now on, whatever the registry discloses: for somebody in danger, at any hour.\n"+
			"It holds over restarts, until --until or `rddsd release NAME`. Let the registry withhold the values too.",
		"withheld")
	cmd.Flags().StringVar(&socket, "socket", "", "the running rddsd's admin socket (default: as configured)")
	return cmd
}

func newRelease(set *settings) *cobra.Command {
	var socket string
	cmd := newAbout(func() (string, error) { return set.socket(socket) }, admin.Release, "release NAME",
		"Show the contact values of a domain again that rddsd withhold withheld",
		"Show the contact values of a domain again that `rddsd withhold` withheld, as far as the registry discloses them.",
		"released")
	cmd.Flags().StringVar(&socket, "socket", "", "the running rddsd's admin socket (default: as configured)")
	return cmd
}
