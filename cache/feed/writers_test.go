package feed_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"rddsd/cache/registry"
)

// writers makes random transactions of the kinds that registries make. One in
// five is rolled back.
type writers struct {
	random *rand.Rand
	made   int // for keys that were never there
	clock  registry.Time
}

// transaction makes one transaction of up to four changes.
func (w *writers) transaction(t testing.TB, db *sql.DB) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for range 1 + w.random.IntN(4) {
		if err := w.change(tx); err != nil {
			t.Fatal(err)
		}
	}
	if w.random.IntN(5) == 0 {
		err = tx.Rollback()
	} else {
		err = tx.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pick returns a random value of column in table, "" when it is empty.
func (w *writers) pick(tx *sql.Tx, table, column string) string {
	var value string
	_ = tx.QueryRow(fmt.Sprintf("select %s from %s order by random() limit 1", column, table)).Scan(&value)
	return value
}

func (w *writers) fresh(prefix string) string {
	w.made++
	return fmt.Sprintf("%s%d", prefix, w.made)
}

func (w *writers) change(tx *sql.Tx) error {
	exec := func(statement string, args ...any) error {
		if _, err := tx.Exec(statement, args...); err != nil {
			return fmt.Errorf("%s %v: %w", statement, args, err)
		}
		return nil
	}
	domain, host, contact := w.pick(tx, "domain", "roid"), w.pick(tx, "host", "roid"), w.pick(tx, "contact", "roid")
	registrar := w.pick(tx, "registrar", "clid")
	switch w.random.IntN(26) {
	case 0, 1: // register, with its contact and host
		roid, c, h := w.fresh("X"), w.fresh("XC"), w.fresh("XH")
		return errors.Join(
			exec("insert into contact (roid, id, clid, org, disclose) values (?, ?, ?, 'Fresh', '[\"org\"]')", c, c+"-id", registrar),
			exec("insert into host (roid, name, clid) values (?, ?, ?)", h, "ns."+strings.ToLower(h)+".example.net", registrar),
			exec("insert into domain (roid, name, clid, registrant, created, expires) values (?, ?, ?, ?, 5, 6)", roid, strings.ToLower(roid)+".coop", registrar, c),
			exec("insert into domain_host values (?, ?)", roid, h),
			exec("insert into domain_contact values (?, 'tech', ?), (?, 'billing', ?)", roid, c, roid, contact))
	case 2: // delete
		return exec("delete from domain where roid = ?", domain)
	case 3: // delete and register anew under another ROID
		var name string
		if tx.QueryRow("select name from domain where roid = ?", domain).Scan(&name) != nil {
			return nil
		}
		return errors.Join(exec("delete from domain where roid = ?", domain),
			exec("insert into domain (roid, name, clid, created, expires) values (?, ?, ?, 7, 8)", w.fresh("X"), name, registrar))
	case 4: // a row replaced: with recursive triggers it is deleted and inserted
		return exec("insert or replace into domain (roid, name, clid, created, expires) select ?, name, clid, created, expires from domain where roid = ?",
			w.fresh("X"), domain)
	case 5:
		return exec("update domain set statuses = ?, updated = 9 where roid = ?",
			[]string{"[]", `["clientHold"]`, `["ok"]`, `["serverHold","clientHold"]`}[w.random.IntN(4)], domain)
	case 6:
		return exec("update domain set registrant = ? where roid = ?", contact, domain)
	case 7:
		return exec("update domain set registrant = null where roid = ?", domain)
	case 8:
		return exec("insert or ignore into domain_contact values (?, ?, ?)", domain, []string{"tech", "admin", "billing"}[w.random.IntN(3)], contact)
	case 9:
		return exec("delete from domain_contact where domain_roid = ?", domain)
	case 10:
		return exec("update domain_contact set role = 'tech' where domain_roid = ? and role = 'billing' and not exists "+
			"(select 1 from domain_contact x where x.domain_roid = domain_contact.domain_roid and x.role = 'tech')", domain)
	case 11:
		return exec("insert or ignore into domain_host values (?, ?)", domain, host)
	case 12:
		return exec("delete from domain_host where domain_roid = ?", domain)
	case 13: // a big delegation moves
		return exec("update or ignore domain_host set host_roid = ? where host_roid = ?", host, w.pick(tx, "host", "roid"))
	case 14:
		return errors.Join(exec("delete from ds where domain_roid = ?", domain),
			exec("insert into ds values (?, ?, 13, 2, '00ff')", domain, w.random.IntN(65536)))
	case 15: // host rename
		return exec("update host set name = ? where roid = ?", w.fresh("renamed")+".example.net", host)
	case 16: // two hosts swap their names
		other := w.pick(tx, "host", "roid")
		var a, b string
		if other == host || tx.QueryRow("select name from host where roid = ?", host).Scan(&a) != nil ||
			tx.QueryRow("select name from host where roid = ?", other).Scan(&b) != nil {
			return nil
		}
		return errors.Join(exec("update host set name = 'swap.example.net' where roid = ?", host),
			exec("update host set name = ? where roid = ?", a, other), exec("update host set name = ? where roid = ?", b, host))
	case 17:
		return exec("update host set v4 = ?, v6 = '[\"2001:db8::2\",\"2001:db8::1\"]' where roid = ?", fmt.Sprintf(`["192.0.2.%d"]`, w.random.IntN(255)), host)
	case 18: // a host that nobody names goes
		return exec("delete from host where roid = ? and not exists (select 1 from domain_host x where x.host_roid = host.roid)", host)
	case 19:
		return exec("update contact set disclose = ?, street = '[\"1 Yard\",\"Bristol\"]' where roid = ?",
			[]string{"[]", `["org"]`, `["id","org","street"]`}[w.random.IntN(3)], contact)
	case 20:
		return exec("update contact set city = ?, fax = '', statuses = '[]' where roid = ?", w.fresh("City "), contact)
	case 21: // registrar rename
		return exec("update registrar set name = ? where clid = ?", w.fresh("Registrar "), registrar)
	case 22:
		return exec("insert into reserved (name, reason) values (?, 'reserved')", w.fresh("r")+".coop")
	case 23:
		return exec("delete from reserved where name = ?", w.pick(tx, "reserved", "name"))
	case 24: // a grace period that the clock ends
		return exec("update domain set add_until = ?, renew_until = ? where roid = ?",
			int64(w.clock)+int64(w.random.IntN(20))*1e6, int64(w.clock)+int64(w.random.IntN(20))*1e6, domain)
	default:
		return errors.Join(exec("update tld set zone_signed = 1 - zone_signed"),
			exec("update registrar set iana_id = iana_id + 1, contact_model = 'full' where clid = ?", registrar))
	}
}
