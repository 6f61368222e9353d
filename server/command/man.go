package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:   "man",
		Short: "Print the manual page",
		Long:  "Print the manual page, of all commands: rddsd man > /usr/share/man/man8/rddsd.8",
		Args:  cobra.NoArgs,
		RunE: doing(func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), manual(cmd.Root()))
			return err
		}),
	}
}

// manual returns the manual page of root and all below it, in the macros of man(7).
func manual(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH RDDSD 8 \"\" \"rddsd %s\"\n.SH NAME\nrddsd \\- %s\n", Version, roff(root.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B rddsd\n[\\fIcommand\\fR] [\\fIflags\\fR]\n.SH DESCRIPTION\n%s\n", roff(root.Long))
	manualFlags(&b, root.PersistentFlags())
	b.WriteString(".SH COMMANDS\n")
	manualCommands(&b, root)
	b.WriteString(".SH EXIT STATUS\n0: it worked. 1: it failed. 2: wrong usage, or a wrong configuration.\n" +
		".SH ENVIRONMENT\nRDDSD_TABLE_KEY sets the key of a table of the configuration, and wins over the file: RDDSD_WHOIS_LISTEN sets listen of [whois].\n")
	return b.String()
}

func manualCommands(b *strings.Builder, parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if name := cmd.Name(); name == "help" || name == "completion" {
			continue // cobra's own, which tell of themselves
		}
		if cmd.HasSubCommands() {
			manualCommands(b, cmd)
			continue
		}
		use := cmd.UseLine()
		if long, _, found := strings.Cut(use, " [flags]"); found {
			use = long
		}
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		fmt.Fprintf(b, ".SS %s\n%s\n", roff(use), roff(text))
		manualFlags(b, cmd.LocalFlags())
		if parent.HasParent() {
			manualFlags(b, parent.PersistentFlags())
		}
	}
}

func manualFlags(b *strings.Builder, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR \\fI%s\\fR\n%s\n", roff("--"+f.Name), roff(value), roff(usage))
	})
}

// roff returns text so that troff prints it as it stands.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
