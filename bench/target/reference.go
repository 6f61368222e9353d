package target

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Reference serves the reference called name at listen, an IPv4 address and port,
// until ctx ends; nil then. Once it answers it writes its address to ready, as one
// line. It has the process for itself: it sets GOMAXPROCS and the garbage
// collector as is best for it.
func Reference(ctx context.Context, name, listen string, ready io.Writer) error {
	at, err := netip.ParseAddrPort(listen)
	if err != nil || !at.Addr().Is4() {
		return fmt.Errorf("reference %s: %q is not an IPv4 address and port", name, listen)
	}
	tell := func(bound net.Addr) error {
		_, err := fmt.Fprintln(ready, bound)
		return err
	}
	if o, ok := rawVariants[name]; ok {
		if err := serveRaw(ctx, at, o, tell); err != nil {
			return fmt.Errorf("reference %s: %w", name, err)
		}
		return nil
	}
	serve, ok := netReferences[name]
	if !ok {
		return fmt.Errorf("there is no reference %q: they are %s", name, strings.Join(ReferenceNames(), ", "))
	}
	l, err := net.Listen("tcp4", at.String())
	if err == nil {
		err = tell(l.Addr())
	}
	if err == nil {
		err = serve(ctx, l)
	}
	if err != nil {
		return fmt.Errorf("reference %s: %w", name, err)
	}
	return nil
}

// netReferences are those that serve a listener of package net.
var netReferences = map[string]func(context.Context, net.Listener) error{
	"null":        serveNull,
	"accept-loop": serveLoop,
	"fasthttp":    func(ctx context.Context, l net.Listener) error { return serveConstant(ctx, l, nil) },
	"fasthttp-tls": func(ctx context.Context, l net.Listener) error {
		config, err := newTLS()
		if err != nil {
			return err
		}
		return serveConstant(ctx, l, config)
	},
}

// ReferenceNames returns the names of all references that Reference serves.
func ReferenceNames() []string {
	return append(slices.Sorted(maps.Keys(netReferences)), slices.Sorted(maps.Keys(rawVariants))...)
}

// unlessStopped drops the error by which a server ends that was told to.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
