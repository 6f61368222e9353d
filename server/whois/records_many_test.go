//go:build !race

package whois

// someRecords is how many generated records the grammar is checked over without -long.
const someRecords = 10_000

// maxAllocs is how many allocations go by for none.
const maxAllocs = 0
