//go:build !linux

package target

import "syscall"

func apart() *syscall.SysProcAttr { return nil }
