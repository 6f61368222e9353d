package synthetic

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"rddsd/cache/registry"
)

// TestZoneHoldsTheDelegations reads the zone with another program's parser and
// compares it with the names.
func TestZoneHoldsTheDelegations(t *testing.T) {
	g := mustNew(t, Params{Names: 3000, Seed: 4})
	var zone bytes.Buffer
	if err := g.WriteZone(&zone); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(zone.String()) {
		owner, _, _ := strings.Cut(line, "\t")
		if !strings.HasSuffix(owner, ".coop.") && owner != "coop." || owner != strings.ToLower(owner) || strings.Count(line, "\t") != 4 {
			t.Fatalf("a line that is not one record with an absolute lower-case owner: %q", line)
		}
	}
	hosts, ds, addresses := map[string][]string{}, map[string]int{}, map[string][]string{}
	parser := dns.NewZoneParser(&zone, "", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		owner := strings.TrimSuffix(rr.Header().Name, ".")
		switch rr := rr.(type) {
		case *dns.NS:
			hosts[owner] = append(hosts[owner], strings.TrimSuffix(rr.Ns, "."))
		case *dns.DS:
			ds[owner]++
		case *dns.A:
			addresses[owner] = append(addresses[owner], rr.A.String())
		case *dns.AAAA:
			addresses[owner] = append(addresses[owner], rr.AAAA.String())
		}
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	a := collect(t, g)
	delegated := 0
	for _, d := range a.domains {
		in := len(d.Hosts) > 0 && d.Statuses&(registry.ClientHold|registry.ServerHold) == 0
		if !in {
			if hosts[d.Name] != nil {
				t.Errorf("%s (%q, %d hosts) is in the zone", d.Name, d.Statuses.Names(), len(d.Hosts))
			}
			continue
		}
		delegated++
		if !slices.Equal(hosts[d.Name], d.HostNames) || ds[d.Name] != len(d.DS) {
			t.Errorf("%s: NS %q and %d DS in the zone, want %q and %d", d.Name, hosts[d.Name], ds[d.Name], d.HostNames, len(d.DS))
		}
		for i, roid := range d.Hosts {
			if n := a.hosts[roid]; !slices.Equal(addresses[d.HostNames[i]], slices.Concat(n.V4, n.V6)) {
				t.Errorf("%s: glue %q, want %q and %q", n.Name, addresses[n.Name], n.V4, n.V6)
			}
		}
	}
	if len(hosts)-1 != delegated { // without the apex
		t.Errorf("%d delegations in the zone, want %d", len(hosts)-1, delegated)
	}
	for _, label := range []string{"hold", "nohosts", "reserved"} {
		if hosts[label+".coop"] != nil {
			t.Errorf("%s.coop is in the zone", label)
		}
	}
}

// deposited is what a deposit holds, by element.
type deposited struct {
	objects map[string]int    // "rdeDomain-1.0 domain" and so on
	counts  map[string]string // of the header, by URI
	deletes int
	text    string // all character data
	attrs   map[string]string
}

func readDeposit(t *testing.T, path string) deposited {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := deposited{objects: map[string]int{}, counts: map[string]string{}, attrs: map[string]string{}}
	var text strings.Builder
	decoder := xml.NewDecoder(f)
	decoder.Strict = true
	uri := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			space := strings.TrimPrefix(token.Name.Space, "urn:ietf:params:xml:ns:")
			d.objects[space+" "+token.Name.Local]++
			if token.Name.Local == "delete" {
				d.deletes++
			}
			for _, a := range token.Attr {
				if token.Name.Local == "deposit" {
					d.attrs[a.Name.Local] = a.Value
				}
				if token.Name.Local == "count" {
					uri = strings.TrimPrefix(a.Value, "urn:ietf:params:xml:ns:")
				}
			}
		case xml.CharData:
			if uri != "" {
				d.counts[uri], uri = string(token), ""
			}
			text.Write(token)
		}
	}
	d.text = text.String()
	return d
}

func TestDepositsAreWholeAndChained(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deposits")
	g := mustNew(t, Params{Names: 3000, Seed: 4})
	if err := g.WriteDeposits(context.Background(), dir, false); err != nil {
		t.Fatal(err)
	}
	full := readDeposit(t, filepath.Join(dir, "coop_2026-09-01_full_S1_R0.xml"))
	diff := readDeposit(t, filepath.Join(dir, "coop_2026-09-02_diff_S1_R0.xml"))
	a := collect(t, g)
	want := map[string]int{
		"rdeDomain-1.0 domain": len(a.domains), "rdeHost-1.0 host": len(a.hosts), "rdeContact-1.0 contact": len(a.contacts),
		"rdeRegistrar-1.0 registrar": len(a.registrars), "rdeNNDN-1.0 NNDN": len(a.reserved), "rdeIDN-1.0 idnTableRef": len(foreignLanguages),
	}
	for object, n := range want {
		uri, _, _ := strings.Cut(object, " ")
		if full.objects[object] != n || full.counts[uri] != strconv.Itoa(n) {
			t.Errorf("FULL: %d of %s, the header says %s, want %d", full.objects[object], object, full.counts[uri], n)
		}
	}
	if full.attrs["type"] != "FULL" || diff.attrs["type"] != "DIFF" || diff.attrs["prevId"] != full.attrs["id"] || full.attrs["id"] == "" {
		t.Errorf("deposits say %v and %v, want a DIFF that follows the FULL", full.attrs, diff.attrs)
	}
	if full.deletes != 0 || diff.deletes == 0 || diff.objects["rdeDomain-1.0 domain"] < 2 || diff.objects["rdeContact-1.0 contact"] != 1 || diff.objects["rdeHost-1.0 host"] != 1 {
		t.Errorf("FULL has %d deletes, DIFF %d and %v", full.deletes, diff.deletes, diff.objects)
	}
	// A contact that withholds its name has a placeholder, one that discloses it
	// the name.
	for _, text := range []string{"Withheld name of cid-1", "Membership Office", "Published Workers Co-operative Limited"} {
		if !strings.Contains(full.text, text) {
			t.Errorf("FULL lacks %q", text)
		}
	}
	// The fixed names stay as they are.
	if strings.Contains(diff.text, "example.coop\n") || strings.Contains(diff.text, "leaving.coop") {
		t.Error("DIFF changes a fixed name")
	}
}

func TestTargetsThatAreNotEmptyAreRefused(t *testing.T) {
	g := mustNew(t, Params{Names: 50, Seed: 1})
	dir := t.TempDir()
	zone := filepath.Join(dir, "coop.zone")
	if err := os.WriteFile(zone, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for name, err := range map[string]error{"zone": g.WriteZoneFile(ctx, zone, false), "deposits": g.WriteDeposits(ctx, dir, false)} {
		if !errors.Is(err, ErrNotEmpty) {
			t.Errorf("%s: %v, want %v", name, err, ErrNotEmpty)
		}
	}
	if err := g.WriteZoneFile(ctx, filepath.Join(dir, "missing", "zone"), false); err == nil || !strings.Contains(err.Error(), "no directory") {
		t.Errorf("a directory that is not there: %v", err)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if err := g.WriteZoneFile(ended, zone, true); !errors.Is(err, context.Canceled) {
		t.Errorf("a zone file whose context has ended: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files after the refusals (%v), want the one that was there", len(entries), err)
	}
	if text, err := os.ReadFile(zone); err != nil || string(text) != "kept" {
		t.Errorf("the refused file holds %q (%v)", text, err)
	}
	if err := errors.Join(g.WriteZoneFile(ctx, zone, true), g.WriteDeposits(ctx, dir, true)); err != nil {
		t.Errorf("with force: %v", err)
	}
	var want bytes.Buffer
	if err := g.WriteZone(&want); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(zone); err != nil || !bytes.Equal(text, want.Bytes()) {
		t.Errorf("the zone file is not the zone (%v)", err)
	}
}
