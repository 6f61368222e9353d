//go:build !linux

package whois

import (
	"net"
	"sync"
)

// openLoops returns none: loops need Linux.
func (s *Server) openLoops(net.Listener, *sync.WaitGroup) ([]acceptor, error) { return nil, nil }
