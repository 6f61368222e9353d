package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"rddsd/cache/feed"
)

// errContent says that what is read is not as the contract says.
var errContent = errors.New("it does not hold to the publication contract")

// answers reports whether err is something that the registry said, rather than
// a failure to read it.
func answers(err error) bool {
	return errors.Is(err, feed.ErrGap) || errors.Is(err, feed.ErrOtherRegistry)
}

// explain says what was being done, to which database, why it failed, and what
// to do about it.
func (s *Source) explain(ctx context.Context, doing string, err error) error {
	if answers(err) {
		return err
	}
	if cause := context.Cause(ctx); ctx.Err() != nil {
		return cause
	}
	err = inOneLine{err}
	where := fmt.Sprintf("%s registry %s at %s", doing, s.config.Database, s.config.Host)
	if advice := adviceFor(err); advice != "" {
		return fmt.Errorf("%s: %w; %s", where, err, advice)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// inOneLine is an error whose text has one line, for logs: what pgconn says of several
// attempts to connect has a line for each.
type inOneLine struct{ error }

func (e inOneLine) Error() string {
	return strings.NewReplacer(":\n\t", ": ", "\n\t", "; ").Replace(e.error.Error())
}
func (e inOneLine) Unwrap() error { return e.error }

// adviceFor returns what an operator can do about err, "" if that is not clear
// (PostgreSQL, appendix A: error codes).
func adviceFor(err error) string {
	switch state(err) {
	case "28P01", "28000":
		return "check user and password of [registry] postgres, and the server's pg_hba.conf"
	case "3D000":
		return "name the right database in [registry] postgres"
	case "42501":
		return "the role lacks a right: grant rdds_reader to it, and nothing else"
	case "3F000", "42P01", "42883":
		return "it is not a registry of the publication contract: \"rddsd registry schema postgres\" prints what it must hold"
	case "42703":
		return "compare its views with those that \"rddsd registry schema postgres\" prints"
	case "53300":
		return "an edge needs three connections: raise the connection limit of its role, or max_connections"
	case "40001", "25P02":
		return "the standby has removed rows that were being read; set hot_standby_feedback = on or raise max_standby_streaming_delay there"
	case "55P03":
		return "a change of its schema holds a lock: end that transaction"
	case "57014":
		return "a statement took longer than statement_timeout allows: raise that of the edge's role"
	case "22023", "42704":
		return "the server is older than PostgreSQL 15, which the contract needs"
	}
	switch {
	case errors.Is(err, errContent):
		return "compare its views with those that \"rddsd registry schema postgres\" prints"
	case errors.Is(err, errStalled):
		return "see whether the server, or something between, hangs"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok && state(err) == "" {
		return "see whether the server runs and can be reached from here"
	}
	return ""
}
