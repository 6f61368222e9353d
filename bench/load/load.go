// Package load asks a WHOIS or RDAP server questions as fast as it answers
// (closed loop) or at a rate (open loop), and measures how it answers.
//
// It shares no parser and no renderer with the server under test, or it would
// share its bugs. All it sends stays on loopback, and every run is bounded in
// time and in count.
//
// The good path: make Names and a Mix, put them into Options, call Run, hand the
// Result to package report.
package load
