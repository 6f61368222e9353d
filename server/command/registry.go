package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rddsd/cache/feed/postgres"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry/synthetic"
	"rddsd/deploy/schema"
)

func newRegistry() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Make, fill, change and verify registries to follow",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("registry: say what to do: gen, import, churn, schema or verify")
		},
	}
	cmd.AddCommand(newGen(), newImport(), newChurn(), newSchema(), newVerify())
	return cmd
}

// place is where a registry is written: a form and a path, or for postgres a
// connection string.
type place struct{ form, path string }

// String names the place for people: a connection string may hold a password.
func (p place) String() string {
	if p.form == "postgres" {
		return "database " + postgres.Describe(p.path)
	}
	return p.path
}

// parsePlace reads a value such as sqlite:registry.sqlite. A database may be
// named by its URL alone, which begins with the form, or with the form before
// any connection string.
func parsePlace(flag, value string, forms ...string) (place, error) {
	form, path, found := strings.Cut(value, ":")
	if form == "postgres" || form == "postgresql" {
		if strings.HasPrefix(path, "//") {
			path = value
		}
		form = "postgres"
	}
	if found && path != "" && slices.Contains(forms, form) {
		return place{form, path}, nil
	}
	for i, f := range forms {
		forms[i] = f + ":PATH"
		if f == "postgres" {
			forms[i] = "postgres:DSN"
		}
	}
	shown := fmt.Sprintf("%q", value)
	if form == "postgres" {
		shown = "postgres:..." // it may hold a password
	}
	return place{}, fmt.Errorf("--%s %s: write %s", flag, shown, strings.Join(forms, " or "))
}

func newGen() *cobra.Command {
	var (
		p     synthetic.Params
		now   string
		to    string
		force bool
	)
	cmd := &cobra.Command{
		Use:   "gen --names N --to FORM:PATH",
		Short: "Make a fictional registry",
		Long: "Make a fictional registry: the same one on every machine for the same flags. It goes to a SQLite file\n" +
			"or a PostgreSQL database that rddsd can follow, to a zone file, or to a directory of escrow deposits (RFC 8909).",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target, err := parsePlace("to", to, "sqlite", "postgres", "zone", "rde")
			if err != nil {
				return err
			}
			if now != "" {
				if p.Now, err = time.Parse(time.RFC3339, now); err != nil {
					return fmt.Errorf("--now %q: write a time such as 2026-09-01T12:00:00Z", now)
				}
			}
			g, err := synthetic.New(p)
			if err != nil {
				return err
			}
			if err := write(cmd.Context(), g, target, force); err != nil {
				return &fault{err}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "made %d names in %s\n", g.Names, target)
			return err
		},
	}
	cmd.Flags().IntVar(&p.Names, "names", 10_000, "how many names are registered")
	cmd.Flags().Uint64Var(&p.Seed, "seed", 1, "another seed makes another registry")
	cmd.Flags().StringVar(&p.TLD, "tld", "coop", "the zone that the names stand under")
	cmd.Flags().StringVar(&now, "now", "", "when the registry stands (default 2026-09-01T12:00:00Z)")
	cmd.Flags().StringVar(&p.ROIDSuffix, "roid-suffix", "COOP", "what repository identifiers end with")
	cmd.Flags().StringVar(&to, "to", "", "sqlite:PATH, postgres:DSN, zone:PATH or rde:DIRECTORY")
	cmd.Flags().BoolVar(&force, "force", false, "replace a target that is not empty")
	return cmd
}

func write(ctx context.Context, g *synthetic.Registry, to place, force bool) error {
	switch to.form {
	case "zone":
		return g.WriteZoneFile(ctx, to.path, force)
	case "rde":
		return g.WriteDeposits(ctx, to.path, force)
	case "postgres":
		return postgres.Generate(ctx, to.path, force, g)
	}
	return sqlite.Generate(ctx, to.path, force, g)
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:       "schema sqlite|postgres",
		Short:     "Print the publication contract as SQL",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"sqlite", "postgres"},
		RunE: doing(func(cmd *cobra.Command, args []string) error {
			sql := schema.SQLite()
			if args[0] == "postgres" {
				sql = schema.Postgres()
			}
			_, err := io.WriteString(cmd.OutOrStdout(), sql)
			return err
		}),
	}
}
