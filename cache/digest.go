package cache

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"rddsd/cache/registry"
)

// The digest of a View is a sum over its rows and its quarantine, so that a
// change costs what it changes and the order of things does not matter. It
// tells the files of a directory which of them lead to one state (see Disk), and
// tests whether two Views hold the same.

func digestRow(kind registry.Kind, row string) uint64 {
	if row == "" {
		return 0
	}
	return spread(xxhash.Sum64String(row), uint64(kind))
}

func digestReject(key Key, reason registry.Reject) uint64 {
	if reason == "" {
		return 0
	}
	h := spread(xxhash.Sum64String(key.Name), uint64(key.Kind)+registry.Kinds)
	return spread(h^xxhash.Sum64String(string(reason)), 2*registry.Kinds)
}

// spread makes one hash of a hash and the kind of what was hashed: a finaliser,
// because in a sum equal low bits would cancel out.
func spread(h, kind uint64) uint64 {
	h += (kind + 1) * 0x9e3779b97f4a7c15
	high, low := bits.Mul64(h, 0xd6e8feb86659fd93)
	return high ^ low ^ h
}
