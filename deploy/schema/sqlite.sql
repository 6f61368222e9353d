-- sqlite.sql  The publication contract, version 1, for SQLite: the twin of postgres/01_registry.sql and 02_rdds.sql. Nothing newer than SQLite 3.40:
-- outside programs write this file too. One writer at a time, so seq order IS commit order and position = {epoch, seq};
-- no xid rule is needed. Every connection: journal_mode=WAL, busy_timeout, foreign_keys=ON, recursive_triggers=ON (else
-- INSERT OR REPLACE deletes without a delete trigger); writers BEGIN IMMEDIATE.
-- Lists are JSON arrays in TEXT; times are integer microseconds since 1970 UTC (the clock has milliseconds); booleans 0/1.
-- Three parts, so that a bulk load runs between 1 and 2: load after part 1, then parts 2 and 3. No trigger has run then, the
-- journal is empty, its first row gets seq 1 and an edge begins with a snapshot at seq 0. To load in bulk later: one transaction
-- that drops the triggers, loads, makes them again, and then: update rdds_meta set epoch = lower(hex(randomblob(16))), floor = 0;
-- delete from rdds_journal; delete from rdds_tick; (DELETE without WHERE is no trap: with delete triggers it visits each row.)

------------------------------------------------------------------------------- part 1: tables
create table tld (name text primary key, u_name text, gtld integer not null default 1, zone_signed integer not null default 0,
  contact_model text not null default 'full' check (contact_model in ('full','minimum','per-registrar')),
  created integer not null default 0, updated integer) strict;
create table registrar (clid text primary key check (length(clid) between 3 and 16 and clid glob '[A-Za-z0-9]*' and clid not glob '*[^A-Za-z0-9._-]*'),
  iana_id integer, name text not null, status text not null default 'ok' check (status in ('ok','readonly','terminated')),
  url text, rdap_url text, whois_server text, abuse_email text, abuse_phone text,
  street text not null default '[]' check (json_valid(street)), city text, sp text, pc text, cc text,
  voice text, voice_ext text, fax text, fax_ext text, email text,
  admin_fn text, admin_voice text, admin_email text, tech_fn text, tech_voice text, tech_email text,
  contact_model text check (contact_model in ('full','minimum')), billing_note text, created integer not null default 0, updated integer) strict;
-- null = never collected; '' (street '[""]') = held, but its value is not in this database
create table contact (roid text primary key, id text not null, clid text not null references registrar,
  name text, org text, street text check (street is null or json_valid(street)), city text, sp text, pc text, cc text,
  voice text, voice_ext text, fax text, fax_ext text, email text,
  disclose text not null default '[]' check (json_valid(disclose)),   -- of id name org street city pc voice fax email
  statuses text not null default '[]', created integer not null default 0, updated integer) strict;
create table host (roid text primary key, name text not null unique, clid text not null references registrar,
  v4 text not null default '[]' check (json_valid(v4)), v6 text not null default '[]' check (json_valid(v6)),
  statuses text not null default '[]' check (json_valid(statuses)), created integer not null default 0, updated integer) strict;
create table domain (roid text primary key, name text not null unique, u_name text, idn_table text, clid text not null references registrar,
  crid text, reseller text, registrant text references contact, created integer not null, updated integer, transferred integer, expires integer not null,
  statuses text not null default '[]' check (json_valid(statuses)), rgp text not null default '[]' check (json_valid(rgp)),
  add_until integer, renew_until integer, autorenew_until integer, transfer_until integer, authinfo text) strict;
create table domain_contact (domain_roid text not null references domain on delete cascade, role text not null check (role in ('admin','tech','billing')),
  contact_roid text not null references contact, primary key (domain_roid, role, contact_roid)) strict, without rowid;
create table domain_host (domain_roid text not null references domain on delete cascade,
  host_roid text not null references host, primary key (domain_roid, host_roid)) strict, without rowid;
create table ds (domain_roid text not null references domain on delete cascade, keytag integer not null, alg integer not null,
  digest_type integer not null, digest text not null, primary key (domain_roid, keytag, alg, digest_type, digest)) strict, without rowid;
create table reserved (name text primary key, reason text not null check (reason in ('reserved','blocked','variant','withheld')),
  of text, idn_table text, public_text text, note text) strict;

-- Which escrow deposit was imported last, one row or none; and what deposits call contacts, HMAC-SHA-256 of the id with id_key.
create table deposit (one integer primary key check (one = 1), full_id text not null, last_id text not null, watermark integer not null,
  id_key blob not null) strict;
create table deposit_contact (id_mac blob primary key, roid text not null) strict, without rowid;

create table rdds_meta (one integer primary key check (one = 1), registry text not null, epoch text not null, contract integer not null,
  floor integer not null, beat_at integer not null) strict;
insert into rdds_meta values (1, lower(hex(randomblob(16))), lower(hex(randomblob(16))), 1, 0, cast((julianday('now') - 2440587.5) * 86400000000 as integer));
create table rdds_journal (seq integer primary key autoincrement,   -- AUTOINCREMENT: never reused after pruning
  kind text not null, key text not null) strict;
create table rdds_tick (at integer primary key, seq integer not null) strict;   -- "at this time every row <= seq was committed"

------------------------------------------------------------------------------- part 2: indexes and views
create unique index contact_id on contact (id) where id <> '';
create index domain_clid on domain (clid);
create index domain_registrant on domain (registrant);
create index domain_host_host on domain_host (host_roid);
create index domain_contact_contact on domain_contact (contact_roid, role);

create view rdds_head as select registry, epoch, contract, floor,      -- first read of every transaction
  coalesce((select seq from sqlite_sequence where name = 'rdds_journal'), 0) as seq, beat_at,
  cast((julianday('now') - 2440587.5) * 86400000000 as integer) as clock from rdds_meta;   -- as_of = clock; of a copied file: beat_at
create view rdds_changes as select seq, kind, key from rdds_journal;
create view rdds_tld as select name as key, u_name, gtld, zone_signed, contact_model, created, updated from tld;
create view rdds_registrar as select clid as key, iana_id, name, status, url, rdap_url, whois_server, abuse_email, abuse_phone,
  json(street) as street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email,
  admin_fn, admin_voice, admin_email, tech_fn, tech_voice, tech_email, contact_model, created, updated from registrar;
create view rdds_contact as select roid as key, clid as registrar,
  case when instr(disclose, '"id"')     then nullif(id, '')    end as handle,
  case when instr(disclose, '"name"')   then nullif(name, '')  end as name,
  case when instr(disclose, '"org"')    then nullif(org, '')   end as org,
  case when instr(disclose, '"street"') and json(street) <> '[""]' then json(street) else '[]' end as street,
  case when instr(disclose, '"city"')   then nullif(city, '')  end as city, nullif(sp, '') as sp,
  case when instr(disclose, '"pc"')     then nullif(pc, '')    end as pc, nullif(cc, '') as cc,
  case when instr(disclose, '"voice"')  then nullif(voice, '') end as voice,
  case when instr(disclose, '"voice"')  then nullif(voice_ext, '') end as voice_ext,
  case when instr(disclose, '"fax"')    then nullif(fax, '')   end as fax,
  case when instr(disclose, '"fax"')    then nullif(fax_ext, '') end as fax_ext,
  case when instr(disclose, '"email"')  then nullif(email, '') end as email,
  (select json_group_array(value) from json_each(json_array(
    case when city      = '' or city      is not null and not instr(disclose, '"city"')  then 'city' end,
    case when email     = '' or email     is not null and not instr(disclose, '"email"') then 'email' end,
    case when fax       = '' or fax       is not null and not instr(disclose, '"fax"')   then 'fax' end,
    case when fax_ext   = '' or fax_ext   is not null and not instr(disclose, '"fax"')   then 'fax_ext' end,
    case when contact.id = '' or contact.id is not null and not instr(disclose, '"id"') then 'id' end,   -- json_each has an id too
    case when name      = '' or name      is not null and not instr(disclose, '"name"')  then 'name' end,
    case when org       = '' or org       is not null and not instr(disclose, '"org"')   then 'org' end,
    case when pc        = '' or pc        is not null and not instr(disclose, '"pc"')    then 'pc' end,
    case when json(street) = '[""]' or json(street) <> '[]' and not instr(disclose, '"street"') then 'street' end,
    case when voice     = '' or voice     is not null and not instr(disclose, '"voice"') then 'voice' end,
    case when voice_ext = '' or voice_ext is not null and not instr(disclose, '"voice"') then 'voice_ext' end)) where value is not null) as redacted,
  created, updated from contact
  where exists (select 1 from domain d where d.registrant = contact.roid)
     or exists (select 1 from domain_contact x where x.contact_roid = contact.roid and x.role = 'tech');
create view rdds_host as select roid as key, name, clid as registrar,
  (select json_group_array(value) from (select value from json_each(v4) order by value)) as v4,
  (select json_group_array(value) from (select value from json_each(v6) order by value)) as v6,
  (select json_group_array(value) from (select value from json_each(statuses) order by value)) as statuses, created, updated from host;
create view rdds_domain as select d.name as key, d.roid, d.u_name, d.idn_table, d.clid as registrar, d.reseller, d.registrant,
  (select json_group_array(v) from (select c.contact_roid as v from domain_contact c
    where c.domain_roid = d.roid and c.role = 'tech' order by c.contact_roid)) as tech,
  (select json_group_array(v) from (select h.host_roid as v from domain_host h where h.domain_roid = d.roid order by h.host_roid)) as hosts,
  (select json_group_array(v) from (select keytag || ' ' || alg || ' ' || digest_type || ' ' || lower(digest) as v from ds
    where ds.domain_roid = d.roid order by keytag, alg, digest_type, digest)) as ds,
  case when json_array_length(d.statuses) < 2 then json(d.statuses) else
    (select json_group_array(value) from (select value from json_each(d.statuses) order by value)) end as statuses,
  case when json_array_length(d.rgp) < 2 and coalesce(d.add_until, d.renew_until, d.autorenew_until, d.transfer_until) is null then json(d.rgp) else
    (select json_group_array(v) from (select value as v from json_each(d.rgp) union all
      select 'addPeriod' where d.add_until > (select clock from rdds_head) union all
      select 'autoRenewPeriod' where d.autorenew_until > (select clock from rdds_head) union all
      select 'renewPeriod' where d.renew_until > (select clock from rdds_head) union all
      select 'transferPeriod' where d.transfer_until > (select clock from rdds_head) order by 1)) end as rgp,
  d.created, d.updated, d.transferred, d.expires,
  case when coalesce(d.add_until, d.renew_until, d.autorenew_until, d.transfer_until) is not null then
    (select min(u) from (select d.add_until as u union all select d.autorenew_until union all select d.renew_until union all select d.transfer_until)
      where u > (select clock from rdds_head)) end as refresh_at
  from domain d;
create view rdds_domain_all as select * from rdds_domain;      -- what a full read names, as in 02
create view rdds_reserved as select name as key, reason, of, idn_table, public_text from reserved;

-- Every 10 s or so, in one BEGIN IMMEDIATE transaction (here as a comment; :keep in microseconds, default 7 days):
--   insert or replace into rdds_tick select clock, seq from rdds_head;
--   update rdds_meta set beat_at = (select clock from rdds_head),
--     floor = max(floor, coalesce((select seq from rdds_tick where at < (select clock from rdds_head) - :keep order by at desc limit 1), 0));
--   delete from rdds_journal where seq <= (select floor from rdds_meta);
--   delete from rdds_tick where seq < (select floor from rdds_meta);
-- An edge whose seq < floor, or whose epoch differs, takes a new snapshot.

------------------------------------------------------------------------------- part 3: triggers
-- Row triggers (SQLite has no statement-level ones). UPDATE OF lists what can change a view.
create trigger rdds_tld_i after insert on tld begin insert into rdds_journal (kind, key) values ('tld', new.name); end;
create trigger rdds_tld_d after delete on tld begin insert into rdds_journal (kind, key) values ('tld', old.name); end;
create trigger rdds_tld_u after update of name, u_name, gtld, zone_signed, contact_model, created, updated on tld begin insert into rdds_journal (kind, key) select 'tld', k from (select old.name as k union select new.name) where k is not null; end;
create trigger rdds_registrar_i after insert on registrar begin insert into rdds_journal (kind, key) values ('registrar', new.clid); end;
create trigger rdds_registrar_d after delete on registrar begin insert into rdds_journal (kind, key) values ('registrar', old.clid); end;
create trigger rdds_registrar_u after update of clid, iana_id, name, status, url, rdap_url, whois_server, abuse_email, abuse_phone, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, admin_fn, admin_voice, admin_email, tech_fn, tech_voice, tech_email, contact_model, created, updated on registrar begin insert into rdds_journal (kind, key) select 'registrar', k from (select old.clid as k union select new.clid) where k is not null; end;
create trigger rdds_contact_i after insert on contact begin insert into rdds_journal (kind, key) values ('contact', new.roid); end;
create trigger rdds_contact_d after delete on contact begin insert into rdds_journal (kind, key) values ('contact', old.roid); end;
create trigger rdds_contact_u after update of roid, id, clid, name, org, street, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email, disclose, created, updated on contact begin insert into rdds_journal (kind, key) select 'contact', k from (select old.roid as k union select new.roid) where k is not null; end;
create trigger rdds_host_i after insert on host begin insert into rdds_journal (kind, key) values ('host', new.roid); end;
create trigger rdds_host_d after delete on host begin insert into rdds_journal (kind, key) values ('host', old.roid); end;
create trigger rdds_host_u after update of roid, name, clid, v4, v6, statuses, created, updated on host begin insert into rdds_journal (kind, key) select 'host', k from (select old.roid as k union select new.roid) where k is not null; end;
create trigger rdds_domain_i after insert on domain begin insert into rdds_journal (kind, key) values ('domain', new.name); end;
create trigger rdds_domain_d after delete on domain begin insert into rdds_journal (kind, key) values ('domain', old.name); end;
create trigger rdds_domain_u after update of roid, name, u_name, idn_table, clid, reseller, registrant, created, updated, transferred, expires, statuses, rgp, add_until, renew_until, autorenew_until, transfer_until on domain begin insert into rdds_journal (kind, key) select 'domain', k from (select old.name as k union select new.name) where k is not null; end;
-- a contact appears or goes with its references
create trigger rdds_domain_ref_i after insert on domain begin insert into rdds_journal (kind, key) select 'contact', new.registrant where new.registrant is not null; end;
create trigger rdds_domain_ref_d after delete on domain begin insert into rdds_journal (kind, key) select 'contact', old.registrant where old.registrant is not null; end;
create trigger rdds_domain_ref_u after update of registrant on domain begin insert into rdds_journal (kind, key) select 'contact', k from (select old.registrant as k union select new.registrant) where k is not null; end;
create trigger rdds_domain_contact_i after insert on domain_contact begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = new.domain_roid) as k where new.role = 'tech') where k is not null; end;
create trigger rdds_domain_contact_d after delete on domain_contact begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = old.domain_roid) as k where old.role = 'tech') where k is not null; end;
create trigger rdds_domain_contact_u after update of domain_roid, role, contact_roid on domain_contact begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = old.domain_roid) as k where old.role = 'tech' union select (select name from domain where roid = new.domain_roid) where new.role = 'tech') where k is not null; end;
create trigger rdds_domain_contact_ref_i after insert on domain_contact begin insert into rdds_journal (kind, key) select 'contact', k from (select new.contact_roid as k where new.role = 'tech') where k is not null; end;
create trigger rdds_domain_contact_ref_d after delete on domain_contact begin insert into rdds_journal (kind, key) select 'contact', k from (select old.contact_roid as k where old.role = 'tech') where k is not null; end;
create trigger rdds_domain_contact_ref_u after update of domain_roid, role, contact_roid on domain_contact begin insert into rdds_journal (kind, key) select 'contact', k from (select old.contact_roid as k where old.role = 'tech' union select new.contact_roid where new.role = 'tech') where k is not null; end;
create trigger rdds_domain_host_i after insert on domain_host begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = new.domain_roid) as k) where k is not null; end;
create trigger rdds_domain_host_d after delete on domain_host begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = old.domain_roid) as k) where k is not null; end;
create trigger rdds_domain_host_u after update of domain_roid, host_roid on domain_host begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = old.domain_roid) as k union select (select name from domain where roid = new.domain_roid)) where k is not null; end;
create trigger rdds_ds_i after insert on ds begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = new.domain_roid) as k) where k is not null; end;
create trigger rdds_ds_d after delete on ds begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = old.domain_roid) as k) where k is not null; end;
create trigger rdds_ds_u after update of domain_roid, keytag, alg, digest_type, digest on ds begin insert into rdds_journal (kind, key) select 'domain', k from (select (select name from domain where roid = old.domain_roid) as k union select (select name from domain where roid = new.domain_roid)) where k is not null; end;
create trigger rdds_reserved_i after insert on reserved begin insert into rdds_journal (kind, key) values ('reserved', new.name); end;
create trigger rdds_reserved_d after delete on reserved begin insert into rdds_journal (kind, key) values ('reserved', old.name); end;
create trigger rdds_reserved_u after update of name, reason, of, idn_table, public_text on reserved begin insert into rdds_journal (kind, key) select 'reserved', k from (select old.name as k union select new.name) where k is not null; end;
