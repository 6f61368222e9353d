package target

import "syscall"

// apart puts a process into a group of its own, and has it end with us.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
