package synthetic

import (
	"fmt"
	"strings"

	"rddsd/cache/registry"
)

// Contact is a contact as the registry holds it. No contact of ours has a value
// that it does not disclose.
type Contact struct {
	registry.Contact
	AdminOnly bool // only administrative contacts refer to it: the contract does not publish it
}

// Contacts are numbered: the fixed ones, the two privacy services, the desks of
// registrars, then the registrants, each of whom has one or more names.
const (
	exampleRegistrant = iota + 1
	exampleTech
	publishedRegistrant
	publishedTech
	firstPrivacy
	secondPrivacy
)

// desk is a contact that does one task for many names.
type desk struct {
	registrar int
	task      deskTask
}

type deskTask uint8

const (
	fixedDesk deskTask = iota
	privacyDesk
	techDesk
	adminDesk
)

// namesPerDesk is how many names of a registrar share one technical desk.
const namesPerDesk = 300

func (g *Registry) makeDesks() {
	g.desks = make([]desk, secondPrivacy, secondPrivacy+2*len(g.registrars))
	big := min(2, len(g.registrars)-1)
	g.desks[firstPrivacy-1] = desk{1, privacyDesk}
	g.desks[secondPrivacy-1] = desk{big, privacyDesk}
	g.techDesks = make([][2]int, len(g.registrars))
	g.adminDesks = make([]int, len(g.registrars))
	for r := 1; r < len(g.registrars); r++ {
		n := min(1+g.sponsors.share(r-1, g.Names)/namesPerDesk, 1000)
		g.techDesks[r] = [2]int{len(g.desks) + 1, n}
		for range n {
			g.desks = append(g.desks, desk{r, techDesk})
		}
		g.desks = append(g.desks, desk{r, adminDesk})
		g.adminDesks[r] = len(g.desks)
	}
	g.deskUsed = newBitset(len(g.desks) + 1)
	for number := exampleRegistrant; number <= publishedTech; number++ {
		g.deskUsed.set(number)
	}
}

// contactPlan is who is responsible for a name: numbers of contacts, 0 = none.
type contactPlan struct {
	registrar               int
	registrant, tech, admin int
}

// registrants shares the names out among registrants, in rising order of the
// names' index.
type registrants struct {
	g         *Registry
	number    int // the registrant whose names come now
	left      int // how many more
	registrar int
}

func (r *registrants) next(i int) contactPlan {
	g := r.g
	switch {
	case i < fixedNames && i == published:
		return contactPlan{0, publishedRegistrant, publishedTech, 0}
	case i < fixedNames:
		return contactPlan{0, exampleRegistrant, exampleTech, 0}
	}
	s := g.stream(forContacts, i)
	var plan contactPlan
	switch x := s.below(10000); {
	case x < privacyShare:
		plan.registrant = firstPrivacy
		plan.registrar = g.desks[firstPrivacy-1].registrar
	case x < 2*privacyShare:
		plan.registrant = secondPrivacy
		plan.registrar = g.desks[secondPrivacy-1].registrar
	default:
		if r.left == 0 {
			if r.number == 0 {
				r.number = len(g.desks)
			}
			r.number++
			_, r.left, r.registrar = g.registrant(r.number)
		}
		r.left--
		plan.registrant, plan.registrar = r.number, r.registrar
	}
	if s.chance(techShare) {
		plan.tech = plan.registrant
		if s.chance(6000) {
			desks := g.techDesks[plan.registrar]
			plan.tech = desks[0] + s.below(desks[1])
		}
	}
	if s.chance(adminShare) {
		plan.admin = plan.registrant
		if s.chance(2000) {
			plan.admin = g.adminDesks[plan.registrar]
		}
	}
	return plan
}

// registrant draws how many names a registrant has and who sponsors them; the
// stream goes on to the values of the contact.
func (g *Registry) registrant(number int) (s stream, names, registrar int) {
	s = g.stream(forRegistrant, number)
	names = s.fanOut(g.Names)
	return s, names, 1 + s.pick(g.sponsors)
}

func (g *Registry) eachContact(put func(*Contact) error) error {
	var c Contact
	for number := 1; number <= len(g.desks); number++ {
		if !g.deskUsed.has(number) {
			continue
		}
		g.contact(&c, number)
		if err := put(&c); err != nil {
			return err
		}
	}
	last := len(g.desks)
	owners := registrants{g: g}
	for i := range g.Names {
		if owners.next(i); owners.number <= last {
			continue
		}
		last = owners.number
		g.contact(&c, last)
		if err := put(&c); err != nil {
			return err
		}
	}
	return nil
}

// What every contact of a gTLD has, and what it withholds unless somebody
// agreed to publish it.
const heldElements = registry.ElementID | registry.ElementName | registry.ElementStreet | registry.ElementCity |
	registry.ElementPC | registry.ElementVoice | registry.ElementEmail

// contact makes the contact with this number.
func (g *Registry) contact(c *Contact, number int) {
	*c = Contact{Contact: registry.Contact{ROID: g.roid('C', number), Redacted: heldElements}}
	if number > len(g.desks) {
		s, _, registrar := g.registrant(number)
		c.Registrar = g.registrars[registrar].ClID
		c.SP, c.CC = g.region(&s)
		g.contactDates(&s, c)
		g.disclose(&s, c, number)
		return
	}
	d := g.desks[number-1]
	c.Registrar = g.registrars[d.registrar].ClID
	s := g.stream(forRole, number)
	c.SP, c.CC = g.region(&s)
	g.contactDates(&s, c)
	switch d.task {
	case fixedDesk:
		g.fixedContact(c, number)
	case privacyDesk:
		c.Name = "Privacy Desk"
		c.Org = g.words.english(&s) + " Privacy Service"
		g.publish(&s, c, number, "privacy")
	case adminDesk:
		c.AdminOnly = true
	case techDesk:
		if s.chance(5000) {
			_, domain, _ := strings.Cut(g.registrars[d.registrar].TechEmail, "@")
			c.Name, c.Voice, c.Email = "Network Operations", phone(&s), fmt.Sprintf("noc-%d@%s", number, domain)
			c.Redacted &^= registry.ElementName | registry.ElementVoice | registry.ElementEmail
		}
	}
}

var (
	offices = [...]string{"Membership Office", "Domain Administration", "Front Desk", "Secretariat", "Web Team", "Registered Office"}
	bodies  = [...]string{
		"Co-operative Limited", "Workers Co-operative", "Housing Co-operative", "Food Co-op", "Credit Union", "Farmers Association",
		"Energy Collective", "Community Trust", "Mutual Society", "Union", "Foundation", "Federation",
	}
)

// disclose draws what a registrant has agreed to publish: 35 % their
// organisation, some a role mailbox too, and few everything. A fifth are held
// without an organisation.
func (g *Registry) disclose(s *stream, c *Contact, number int) {
	switch x := s.below(1000); {
	case x < 15:
		c.Name, c.Org = offices[s.below(len(offices))], g.organisation(s)
		g.publish(s, c, number, "office")
		return
	case x < 55:
		c.Org, c.Email = g.organisation(s), g.mailbox(s, number, "office")
		c.Redacted &^= registry.ElementEmail
	case x < 350:
		c.Org = g.organisation(s)
	case x < 800:
		c.Redacted |= registry.ElementOrg
	}
	if s.chance(500) {
		c.Redacted |= registry.ElementVoiceExt
	}
	if s.chance(1000) {
		c.Redacted |= registry.ElementFax
		if s.chance(2000) {
			c.Redacted |= registry.ElementFaxExt
		}
	}
}

// publish discloses every element of a role account.
func (g *Registry) publish(s *stream, c *Contact, number int, mailbox string) {
	a := g.place(s)
	c.Handle = contactID(number)
	c.Street, c.City, c.SP, c.PC, c.CC = a.street, a.city, a.sp, a.pc, a.cc
	c.Voice, c.Email = phone(s), g.mailbox(s, number, mailbox)
	if s.chance(3000) {
		c.Fax = phone(s)
	}
	if s.chance(2000) {
		c.VoiceExt = fmt.Sprint(10 + s.below(90))
	}
	c.Redacted = 0
}

func (g *Registry) mailbox(s *stream, number int, name string) string {
	return fmt.Sprintf("%s@%s%d.example", name, strings.ToLower(g.words.english(s)), number)
}

// organisation invents the name of one; one in twenty has a name in another
// script.
func (g *Registry) organisation(s *stream) string {
	if s.chance(500) {
		script := &g.words.foreign[s.below(len(g.words.foreign))]
		return script.words[s.below(len(script.words))] + " " + script.words[s.below(len(script.words))]
	}
	return g.words.english(s) + " " + g.words.english(s) + " " + bodies[s.below(len(bodies))]
}

func (g *Registry) contactDates(s *stream, c *Contact) {
	age := int((g.now - tldCreated) / second)
	c.Created = g.now - registry.Time(1+s.below(age))*second
	if s.chance(3000) {
		c.Updated = c.Created + registry.Time(s.below(int((g.now-c.Created)/second)+1))*second
	}
}

// contactID is the EPP identifier of a contact (RFC 5733 §2.2).
func contactID(number int) string { return fmt.Sprintf("cid-%d", number) }
