//go:build !linux

package target

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

func serveRaw(context.Context, netip.AddrPort, rawOptions, func(net.Addr) error) error {
	return errors.New("its accept path is Linux's")
}
