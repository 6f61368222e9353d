package postgres

import (
	"regexp"
	"strings"
)

// readsClock finds in a definition what gives the time: of the transaction, which
// a view may read if refresh_at tells when its row changes, or of the moment.
var (
	readsClock  = regexp.MustCompile(`(?i)\b(now\(\)|transaction_timestamp\(\)|current_timestamp|current_date|current_time|localtimestamp|localtime)`)
	readsMoment = regexp.MustCompile(`(?i)\b(clock_timestamp\(\)|statement_timestamp\(\)|timeofday\(\)|random\(\)|gen_random_uuid\(\))`)
)

// clock checks that no view changes by the clock, but rdds.domain, which says
// when.
func (v *verifier) clock() error {
	for _, view := range publishedViews() {
		rows, err := v.conn.Query(v.ctx, `
			select 'its definition', pg_get_viewdef(oid) from pg_class
				where relnamespace = 'rdds'::regnamespace and relname = $1 and relkind in ('v', 'm')
			union all
			select 'the function ' || p.oid::regprocedure || ', which it calls,', p.prosrc from pg_class c
				join pg_rewrite r on r.ev_class = c.oid join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
				join pg_proc p on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
				where c.relnamespace = 'rdds'::regnamespace and c.relname = $1 and p.pronamespace <> 'pg_catalog'::regnamespace`, view.name)
		if err != nil {
			return err
		}
		for rows.Next() {
			var what, text string
			if err := rows.Scan(&what, &text); err != nil {
				rows.Close()
				return err
			}
			dated := strings.HasPrefix(view.name, "domain")
			if found := readsMoment.FindString(text); found != "" {
				v.wrong("rdds."+view.name, "%s reads %s, which differs from one query of a transaction to the next: an edge cannot tell when the row changes", what, found)
			} else if found := readsClock.FindString(text); found != "" && !dated {
				v.wrong("rdds."+view.name, "%s reads the clock (%s): its rows would change without the journal's telling; only rdds.domain may, whose refresh_at says when", what, found)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}
