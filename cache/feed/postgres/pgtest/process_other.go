//go:build !linux

package pgtest

import "syscall"

// dieWithUs has no means here: a server outlives a test that is killed.
func dieWithUs() *syscall.SysProcAttr { return new(syscall.SysProcAttr) }
