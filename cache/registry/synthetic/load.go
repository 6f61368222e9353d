package synthetic

import (
	"context"

	"rddsd/cache/registry"
)

// Loader is a database that takes a whole registry: the objects in any order,
// then what ends the load, which is its own. There is one for SQLite and one for
// PostgreSQL.
type Loader interface {
	TLD(*registry.TLD) error
	Registrar(*registry.Registrar) error
	Contact(*registry.Contact) error
	Host(*registry.Nameserver) error
	Domain(*Domain) error
	Reserved(*registry.Reserved) error
}

// Load passes every object to to, and stops when ctx ends.
func (g *Registry) Load(ctx context.Context, to Loader) error {
	return g.Each(Sink{
		TLD:       to.TLD,
		Registrar: to.Registrar,
		Contact: func(c *Contact) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return to.Contact(&c.Contact)
		},
		Host: to.Host,
		Domain: func(d *Domain) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return to.Domain(d)
		},
		Reserved: to.Reserved,
	})
}
