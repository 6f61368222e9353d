package command

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The manual page tells of every command and every flag, and holds no request of troff
// that a text began by chance.
func TestManual(t *testing.T) {
	root := newRoot(nil)
	page := manual(root)
	var all func(cmd *cobra.Command)
	all = func(cmd *cobra.Command) {
		if !cmd.HasSubCommands() && !strings.Contains(page, ".SS "+roff(cmd.CommandPath())) {
			t.Errorf("the page does not tell of %s", cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(page, `\fB`+roff("--"+f.Name)+`\fR`) {
				t.Errorf("the page does not tell of --%s of %s", f.Name, cmd.CommandPath())
			}
		})
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	all(root)
	request := regexp.MustCompile(`^\.(TH|SH|SS|TP|B)\b`)
	for line := range strings.Lines(page) {
		if (line[0] == '.' && !request.MatchString(line)) || line[0] == '\'' {
			t.Errorf("troff would take for a request: %q", line)
		}
	}
	if got := roff(".a -b\n'c\\"); got != "\\&.a \\-b\n\\&'c\\e" {
		t.Errorf("roff = %q", got)
	}
}
