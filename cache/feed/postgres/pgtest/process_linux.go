package pgtest

import "syscall"

// dieWithUs makes a process end when this one does, however that happens.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} }
