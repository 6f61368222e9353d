package synthetic

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"rddsd/cache/registry"
)

// WriteZoneFile writes the registry's zone to a file at path, which it refuses
// to replace without force (ErrNotEmpty).
func (g *Registry) WriteZoneFile(ctx context.Context, path string, force bool) error {
	if err := CheckTarget(path, force); err != nil {
		return fmt.Errorf("write zone %s: %w", path, err)
	}
	if err := replaceFile(ctx, path, 0o644, func(w *bufio.Writer) error { return g.WriteZone(w) }); err != nil {
		return fmt.Errorf("write zone %s: %w", path, err)
	}
	return nil
}

// Lifetimes of the zone's records in seconds.
const (
	apexTTL       = 86400
	delegationTTL = 3600
)

// WriteZone writes the delegations of the registry as a master file (RFC 1035
// §5): one record a line, owners absolute and lower case, no directives. Names
// on hold and names without hosts are not in it.
func (g *Registry) WriteZone(to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<16)
	apex := g.TLD + "."
	record(w, apex, apexTTL, "SOA", fmt.Sprintf("a.nic.example. hostmaster.nic.example. %d 1800 900 604800 3600", uint32(g.Now.Unix())))
	record(w, apex, apexTTL, "NS", "a.nic.example.")
	record(w, apex, apexTTL, "NS", "b.nic.example.")

	var (
		d   Domain
		n   registry.Nameserver
		all = g.domains()
	)
	for i := range g.Names {
		all.at(&d, i)
		if len(d.Hosts) == 0 || d.Statuses&(registry.ClientHold|registry.ServerHold) != 0 {
			continue
		}
		owner := d.Name + "."
		for _, host := range d.HostNames {
			record(w, owner, delegationTTL, "NS", host+".")
		}
		for _, ds := range d.DS {
			record(w, owner, delegationTTL, "DS", fmt.Sprintf("%d %d %d %s", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest))
		}
		switch {
		case i == example:
			g.sharedHost(&n, fixedHost)
			glue(w, &n)
		case strings.HasSuffix(d.HostNames[0], "."+d.Name):
			for k := range ownHosts {
				g.ownHost(&n, i, k, d.Name, 0)
				glue(w, &n)
			}
		}
	}
	return w.Flush()
}

func glue(w *bufio.Writer, n *registry.Nameserver) {
	for _, addr := range n.V4 {
		record(w, n.Name+".", delegationTTL, "A", addr)
	}
	for _, addr := range n.V6 {
		record(w, n.Name+".", delegationTTL, "AAAA", addr)
	}
}

// record writes one line. The writer keeps its first error for Flush.
func record(w *bufio.Writer, owner string, ttl int, kind, value string) {
	_, _ = fmt.Fprintf(w, "%s\t%d\tIN\t%s\t%s\n", owner, ttl, kind, value)
}
