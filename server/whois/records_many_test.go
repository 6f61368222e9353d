//go:build !race

package whois

// records is how many generated records the grammar is checked over.
const records = 100_000

// maxAllocs is how many allocations go by for none.
const maxAllocs = 0
