package tables

// Table is one of the reference tables.
type Table int

// The tables that a bulk load writes.
const (
	TLD Table = iota
	Registrar
	Contact
	Host
	Domain
	DomainContact
	DomainHost
	DS
	Reserved
	Deposit
	DepositContact

	Tables = 11 // how many there are
)

// Columns lists each table and its columns in the order in which a bulk load
// gives their values. What no object of ours holds is left out: auth codes,
// billing, notes.
var Columns = [Tables]struct{ Table, Columns string }{
	TLD: {"tld", "name, u_name, gtld, zone_signed, contact_model, created, updated"},
	Registrar: {"registrar", "clid, iana_id, name, status, url, rdap_url, whois_server, abuse_email, abuse_phone, " +
		"street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, " +
		"admin_fn, admin_voice, admin_email, tech_fn, tech_voice, tech_email, contact_model, created, updated"},
	Contact: {"contact", "roid, id, clid, name, org, street, city, sp, pc, cc, " +
		"voice, voice_ext, fax, fax_ext, email, disclose, created, updated"},
	Host: {"host", "roid, name, clid, v4, v6, statuses, created, updated"},
	Domain: {"domain", "roid, name, u_name, idn_table, clid, reseller, registrant, created, updated, transferred, expires, " +
		"statuses, rgp, add_until, renew_until, autorenew_until, transfer_until"},
	DomainContact:  {"domain_contact", "domain_roid, role, contact_roid"},
	DomainHost:     {"domain_host", "domain_roid, host_roid"},
	DS:             {"ds", "domain_roid, keytag, alg, digest_type, digest"},
	Reserved:       {"reserved", "name, reason, of, idn_table, public_text"},
	Deposit:        {"deposit", "full_id, last_id, watermark, id_key"},
	DepositContact: {"deposit_contact", "id_mac, roid"},
}
