// Package report keeps what the benchmarks measured, with all that is needed to
// believe it: machine, kernel, Go, commit, command line and load average. It
// writes results as JSON, as a table and as charts, and shows how far a run is.
package report
