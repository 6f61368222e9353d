package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"rddsd/cache/feed/postgres"
	"rddsd/cache/feed/rde"
	"rddsd/cache/feed/sqlite"
	"rddsd/cache/registry"
)

func newImport() *cobra.Command {
	var (
		from, to string
		force    bool
	)
	cmd := &cobra.Command{
		Use:   "import --from rde:FILE --to sqlite:PATH|postgres:DSN",
		Short: "Make a registry out of an escrow deposit, or change one by it",
		Long: "Make a registry out of a FULL data escrow deposit (RFC 8909), or change one that was made so by the DIFF or\n" +
			"INCR deposit that follows. What a contact does not disclose is not stored.\n" +
			"It is for tests and emergencies, not for a daily feed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := parsePlace("from", from, "rde")
			if err != nil {
				return err
			}
			target, err := parsePlace("to", to, "sqlite", "postgres")
			if err != nil {
				return err
			}
			done, err := importDeposit(cmd.Context(), source.path, target, force)
			if err != nil {
				return &fault{err}
			}
			return reportImport(cmd.OutOrStdout(), done)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "rde:FILE")
	cmd.Flags().StringVar(&to, "to", "", "sqlite:PATH or postgres:DSN")
	cmd.Flags().BoolVar(&force, "force", false, "replace a target that is not empty by a FULL deposit")
	return cmd
}

// importDeposit fills or changes the registry at to, as the deposit's type says.
func importDeposit(ctx context.Context, file string, to place, force bool) (done *rde.Imported, err error) {
	header, err := rde.Peek(ctx, file)
	if err != nil {
		return nil, err
	}
	switch {
	case header.Type == rde.Full && to.form == "postgres":
		return postgres.Import(ctx, file, to.path, force)
	case header.Type == rde.Full:
		return sqlite.Import(ctx, file, to.path, force)
	}
	db, err := openSession(ctx, to)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("import %s: it is a %s deposit, which changes what a FULL one has made: import that first: %w", file, header.Type, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return rde.Apply(ctx, file, db)
}

func reportImport(out io.Writer, done *rde.Imported) error {
	for _, line := range done.Skipped {
		fmt.Fprintf(out, "left out: %s, which the deposit does not hold\n", line)
	}
	if done.More > 0 {
		fmt.Fprintf(out, "left out: %d more\n", done.More)
	}
	c := done.Count
	_, err := fmt.Fprintf(out, "imported deposit %s of %s: %d domains, %d hosts, %d contacts, %d registrars, %d reserved names\n",
		done.Header.ID, done.Header.Watermark, c[registry.KindDomain], c[registry.KindHost], c[registry.KindContact], c[registry.KindRegistrar], c[registry.KindReserved])
	if d := done.Deleted; err == nil && d != [registry.Kinds]int{} {
		_, err = fmt.Fprintf(out, "deleted %d domains, %d hosts, %d contacts, %d registrars, %d reserved names\n",
			d[registry.KindDomain], d[registry.KindHost], d[registry.KindContact], d[registry.KindRegistrar], d[registry.KindReserved])
	}
	return err
}
