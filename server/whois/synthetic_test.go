package whois

import (
	"strconv"
	"strings"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
	"rddsd/server/lookup"
)

// TestSyntheticRegistry asks for every object of a made registry, through the
// cache and the lookup, and checks each answer by the grammar.
func TestSyntheticRegistry(t *testing.T) {
	made, err := synthetic.New(synthetic.Params{Names: records() / 10, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var (
		objects                                  []any
		domains, hosts, addrs, reserved, clients []string
	)
	err = made.Each(synthetic.Sink{
		TLD: func(o *registry.TLD) error { objects = append(objects, o); return nil },
		Registrar: func(o *registry.Registrar) error {
			c := *o
			objects, clients = append(objects, &c), append(clients, strconv.Itoa(o.IANA))
			return nil
		},
		Contact: func(o *synthetic.Contact) error {
			if !o.AdminOnly {
				objects = append(objects, cachetest.Change(&o.Contact))
			}
			return nil
		},
		Host: func(o *registry.Nameserver) error {
			objects, hosts, addrs = append(objects, cachetest.Change(o)), append(hosts, o.Name), append(addrs, o.V4...)
			return nil
		},
		Domain: func(o *synthetic.Domain) error {
			d := o.Published(registry.TimeOf(made.Now))
			objects, domains = append(objects, cachetest.Change(&d)), append(domains, o.Name)
			return nil
		},
		Reserved: func(o *registry.Reserved) error {
			objects, reserved = append(objects, cachetest.Change(o)), append(reserved, o.Name)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	view := cachetest.Build(append(objects, registry.TimeOf(made.Now))...)

	young := newServer(view, nil)
	old := newServer(view, func(p *lookup.Policy) { p.Profile = lookup.Profile2017 })
	var d registry.Domain
	for _, name := range domains {
		view.Domain(name, &d)
		if d.Statuses&registry.PendingCreate != 0 {
			reserved = append(reserved, name) // its record would tell why
			continue
		}
		for profile, s := range map[int]*Server{2024: young, 2017: old} {
			answer := ask(s, name)
			values, err := checkDomainAnswer(answer, profile)
			if err != nil || values["Domain Name"][0] != name {
				t.Fatalf("%s, profile %d: %v\n%s", name, profile, err, answer)
			}
			if got, want := values["Registry Domain ID"][0], d.ROID; got != want {
				t.Fatalf("%s has the ROID %s, want %s", name, got, want)
			}
			if got, want := len(values["Name Server"]), len(d.Hosts); got != want {
				t.Fatalf("%s has %d name servers, want %d", name, got, want)
			}
		}
	}
	for _, name := range hosts {
		if n, err := checkRecordsAnswer(ask(young, "nameserver "+name), nameserverRecord); err != nil || n != 1 {
			t.Fatalf("nameserver %s: %d records, %v", name, n, err)
		}
	}
	for _, addr := range addrs {
		answer := ask(young, addr)
		if n, err := checkRecordsAnswer(strings.Replace(answer, "The list was cut at 50 records.\r\n", "", 1), nameserverRecord); err != nil || n == 0 {
			t.Fatalf("%s: %d records, %v\n%s", addr, n, err, answer)
		}
	}
	for _, id := range clients {
		if n, err := checkRecordsAnswer(ask(young, "registrar "+id), registrarRecord); err != nil || n != 1 {
			t.Fatalf("registrar %s: %d records, %v", id, n, err)
		}
	}
	for _, name := range reserved {
		if answer := ask(young, name); !strings.HasPrefix(answer, reservedText) {
			t.Fatalf("%s: %s", name, answer)
		}
	}
	if len(domains) < records()/10 || len(hosts) == 0 || len(addrs) == 0 || len(clients) < 10 || len(reserved) == 0 {
		t.Errorf("asked for %d domains, %d hosts, %d addresses, %d registrars, %d reserved names", len(domains), len(hosts), len(addrs), len(clients), len(reserved))
	}
}
