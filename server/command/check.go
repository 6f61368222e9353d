package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rddsd/cache/feed/postgres"
	"rddsd/server/config"
	"rddsd/server/whois"
)

func newCheck(set *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration",
		Long:  "Check the configuration and print ok. Whatever is wrong is told with file, line, column and key, with exit code 2.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := set.load(); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ok")
			return nil
		},
	}
}

// checkDSN reports a connection string that PostgreSQL would not know. It stands
// here because package config knows no database driver.
func checkDSN(c *config.Config, report func(path, problem string)) {
	dsn, err := c.PostgresDSN()
	if err != nil || !c.UsesPostgres() {
		return // package config has told
	}
	path := "registry.postgres"
	if c.Registry.PostgresFile != "" {
		path = "registry.postgres_file"
	}
	if _, err := postgres.Open(dsn, c.Feed.PollInterval); err != nil {
		report(path, err.Error())
	}
}

// checkTexts reports a configured text that clients of WHOIS would take for
// another answer (whois.md T-06). It stands here because package config does not
// know the form of WHOIS.
func checkTexts(c *config.Config, report func(path, problem string)) {
	check := func(path string, err error) {
		if err != nil {
			report(path, err.Error())
		}
	}
	check("whois.redaction", whois.CheckNotice(c.WHOIS.Redaction))
	for i, tld := range c.TLDs {
		check(config.TLDPath(i, "disclaimer"), whois.CheckText(strings.TrimSuffix(tld.Disclaimer, "\n")))
		check(config.TLDPath(i, "complaint"), whois.CheckComplaint(tld.Complaint))
		check(config.TLDPath(i, "status_help"), whois.CheckNotice(tld.StatusHelp))
		check(config.TLDPath(i, "terms_url"), whois.CheckNotice(tld.TermsURL))
	}
}
