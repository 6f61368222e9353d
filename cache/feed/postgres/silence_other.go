//go:build !linux

package postgres

import "syscall"

// limitSilence has no means here: keep-alives and watches find a dead peer.
func limitSilence(string, string, syscall.RawConn) error { return nil }
