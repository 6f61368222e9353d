package postgres

import (
	"strings"

	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

// The statements that read the views: by key, and whole. The list of keys must
// be compared, not joined: a view with a security barrier is not flattened into
// a join (feed.md §3).
var selectByKey, copyAll, describeAll = statements()

func statements() (byKey, all, describe [registry.Kinds]string) {
	for kind := range registry.Kind(registry.Kinds) {
		columns := strings.Join(contract.Columns[kind], ", ")
		byKey[kind] = "select " + columns + " from rdds." + kind.String() + " v where v.key = any ($1)"
		all[kind] = "copy (select " + columns + " from rdds." + viewAll(kind) + ") to stdout (format binary)"
		describe[kind] = "select " + columns + " from rdds." + viewAll(kind) + " limit 0"
	}
	return byKey, all, describe
}

// viewAll names the view in schema rdds that a full read names.
func viewAll(kind registry.Kind) string {
	if kind == registry.KindDomain {
		return "domain_all" // the rows of domain, built set by set
	}
	return kind.String()
}
