// Command bench measures WHOIS, RDAP, the feed and the cache, and compares
// servers. It is for people who size machines, and for the gate; nothing of it is
// in the rddsd binary. bench/RESULTS.md tells how to read what it prints.
//
//	go run ./bench help
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "bench",
		Short: "Measure WHOIS, RDAP, the feed and the cache, and compare servers",
		Long: "Measure WHOIS, RDAP, the feed and the cache, and compare servers. Run it in the module's directory:\n\n" +
			"  go run ./bench whois                               # rddsd, built and started on a generated registry\n" +
			"  go run ./bench rdap --tls --rate 5000 --for 30s    # an open loop: latency from when a query fell due\n" +
			"  go run ./bench compare null-raw null rddsd-whois   # in turn, and what a query costs each\n\n" +
			"All load stays on loopback. Ctrl-C prints what was measured so far. bench/RESULTS.md tells how to read it.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newWHOIS(), newRDAP(), newFeed(), newFirstLoad(), newCache(), newHarvest(), newCompare(), newGate(), newReference())
	return root
}
