package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
	"rddsd/deploy/schema"
)

// load makes a registry file whose rows put stores, and returns its path.
func load(t testing.TB, put func(*Loader) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	loader, err := Create(path, false, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Abort()
	if err := put(loader); err != nil {
		t.Fatal(err)
	}
	if err := loader.Commit(); err != nil {
		t.Fatal(err)
	}
	return path
}

func openDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", fileURI(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// small stores two registrars, a domain and what it refers to.
func small(l *Loader) error {
	return errors.Join(
		l.TLD(&registry.TLD{Name: "coop", GTLD: true, ZoneSigned: true, ContactModel: registry.ModelFull, Created: 1e15}),
		l.Registrar(&registry.Registrar{ClID: "reg-a", IANA: 9995, Name: "Registrar A", Status: "ok", Street: []string{"1 Yard", `Unit "7"`}, CC: "GB"}),
		l.Registrar(&registry.Registrar{ClID: "reg-b", Name: "Registrar B", Status: "readonly", ContactModel: registry.ModelMinimum}),
		l.Contact(&registry.Contact{ROID: "C1-COOP", Registrar: "reg-a", Redacted: registry.ElementID | registry.ElementStreet, SP: "Avon", CC: "GB"}),
		l.Contact(&registry.Contact{ROID: "C2-COOP", Registrar: "reg-a", Redacted: registry.ElementID, Email: "noc@reg-a.example"}),
		l.Contact(&registry.Contact{ROID: "C3-COOP", Registrar: "reg-a", Redacted: registry.ElementID}),
		l.Host(&registry.Nameserver{ROID: "H2-COOP", Name: "ns2.example.net", Registrar: "reg-a", Statuses: registry.OK | registry.Linked}),
		l.Host(&registry.Nameserver{ROID: "H1-COOP", Name: "ns1.one.coop", Registrar: "reg-a", V4: []string{"198.41.0.4"}, V6: []string{"2001:503:ba3e::2:30"}}),
		l.Domain(&synthetic.Domain{
			Domain: registry.Domain{
				Name: "one.coop", ROID: "D1-COOP", Registrar: "reg-a", Registrant: "C1-COOP", Tech: []string{"C2-COOP"},
				Hosts:    []string{"H2-COOP", "H1-COOP"},
				DS:       []registry.DS{{KeyTag: 12345, Algorithm: 13, DigestType: 2, Digest: "AB"}},
				Statuses: registry.ClientHold | registry.PendingDelete | registry.RedemptionPeriod | registry.Inactive,
				Created:  1e15, Expires: 2e15,
			},
			Admin:    []string{"C3-COOP"},
			AddUntil: registry.MaxTime,
		}),
		l.Reserved(&registry.Reserved{Name: "reserved.coop", Reason: registry.ReasonVariant, Of: "one.coop"}),
	)
}

func TestLoadIsWhatTheViewsGive(t *testing.T) {
	db := openDB(t, load(t, small))
	tests := []struct{ query, want string }{
		{"select group_concat(key) from rdds_tld", "coop"},
		{
			"select group_concat(key || ' ' || coalesce(iana_id, '-') || ' ' || street || ' ' || coalesce(contact_model, '-'), ';') from rdds_registrar",
			`reg-a 9995 ["1 Yard","Unit \"7\""] -;reg-b - [] minimum`,
		},
		{"select group_concat(key) from rdds_contact", "C1-COOP,C2-COOP"}, // C3 is admin only
		{"select redacted from rdds_contact where key = 'C1-COOP'", `["id","street"]`},
		{
			"select group_concat(name || v4 || v6 || statuses) from (select * from rdds_host order by key)",
			`ns1.one.coop["198.41.0.4"]["2001:503:ba3e::2:30"][],ns2.example.net[][][]`,
		},
		{
			"select roid || hosts || tech || ds || statuses || rgp || refresh_at from rdds_domain where key = 'one.coop'",
			`D1-COOP["H1-COOP","H2-COOP"]["C2-COOP"]["12345 13 2 ab"]["clientHold","pendingDelete"]["addPeriod","redemptionPeriod"]253402300799999999`,
		},
		{"select key || reason || of from rdds_reserved", "reserved.coopvariantone.coop"},
		{"select seq || ' ' || floor || ' ' || (select count(*) from rdds_journal) from rdds_head", "0 0 0"},
		{"pragma journal_mode", "wal"},
		{"pragma integrity_check", "ok"},
		{"select count(*) from pragma_foreign_key_check", "0"},
	}
	for _, tt := range tests {
		var got string
		if err := db.QueryRow(tt.query).Scan(&got); err != nil {
			t.Errorf("%s: %v", tt.query, err)
		} else if got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.query, got, tt.want)
		}
	}
}

// TestContactComesBackWhole loads random contacts, disclosed and withheld in
// every mix, and wants the view to give back each as it went in.
func TestContactComesBackWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		contacts := rapid.SliceOfN(rapid.Custom(drawContact), 1, 20).Draw(rt, "contacts")
		db := openDB(t, load(t, func(l *Loader) error {
			err := l.Registrar(&registry.Registrar{ClID: "reg", Name: "R", Status: "ok"})
			for i := range contacts {
				c := &contacts[i]
				c.ROID = "C" + string(rune('A'+i))
				if c.Handle != "" {
					c.Handle += c.ROID // unique
				}
				err = errors.Join(err, l.Contact(c), l.Domain(&synthetic.Domain{Domain: registry.Domain{
					Name: strings.ToLower(c.ROID) + ".coop", ROID: "D" + c.ROID, Registrar: "reg", Registrant: c.ROID, Created: 1, Expires: 2,
				}}))
			}
			return err
		}))
		for i := range contacts {
			if got, want := readContact(rt, db, contacts[i].ROID), asText(contacts[i]); got != want {
				rt.Fatalf("rdds_contact gives\n%s\nloaded was\n%s", got, want)
			}
		}
	})
}

func drawContact(t *rapid.T) registry.Contact {
	text := rapid.SampledFrom([]string{"a", "Café", `q"uo\te`, "line\nbreak", "[\"\"]", "0"})
	c := registry.Contact{
		Registrar: "reg", SP: rapid.SampledFrom([]string{"", "Avon"}).Draw(t, "sp"), CC: rapid.SampledFrom([]string{"", "GB"}).Draw(t, "cc"),
		Handle: "h", Created: 1,
	}
	if rapid.Bool().Draw(t, "id") {
		c.Redacted, c.Handle = registry.ElementID, ""
	}
	for _, v := range []struct {
		element registry.Element
		value   *string
	}{
		{registry.ElementName, &c.Name},
		{registry.ElementOrg, &c.Org},
		{registry.ElementCity, &c.City},
		{registry.ElementPC, &c.PC},
		{registry.ElementVoice, &c.Voice},
		{registry.ElementVoiceExt, &c.VoiceExt},
		{registry.ElementFax, &c.Fax},
		{registry.ElementFaxExt, &c.FaxExt},
		{registry.ElementEmail, &c.Email},
	} {
		switch rapid.IntRange(0, 2).Draw(t, strings.Join(v.element.Names(), "")) {
		case 1:
			*v.value = text.Draw(t, "value")
		case 2:
			c.Redacted |= v.element
		}
	}
	switch rapid.IntRange(0, 2).Draw(t, "street") {
	case 1:
		c.Street = rapid.SliceOfN(text, 1, 3).Draw(t, "lines")
	case 2:
		c.Redacted |= registry.ElementStreet
	}
	return c
}

func readContact(t *rapid.T, db *sql.DB, roid string) string {
	var c registry.Contact
	texts := []*string{&c.Registrar, &c.Handle, &c.Name, &c.Org, &c.City, &c.SP, &c.PC, &c.CC, &c.Voice, &c.VoiceExt, &c.Fax, &c.FaxExt, &c.Email}
	nullable := make([]sql.NullString, len(texts))
	var street, redacted string
	targets := []any{&c.ROID, &street, &redacted, &c.Created}
	for i := range nullable {
		targets = append(targets, &nullable[i])
	}
	if err := db.QueryRow("select key, street, redacted, created, registrar, handle, name, org, city, sp, pc, cc, voice, voice_ext, fax, fax_ext, email "+
		"from rdds_contact where key = ?", roid).Scan(targets...); err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		*texts[i] = nullable[i].String
	}
	var words []string
	if err := errors.Join(json.Unmarshal([]byte(street), &c.Street), json.Unmarshal([]byte(redacted), &words)); err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		e, ok := registry.ParseElement(w)
		if !ok {
			t.Fatalf("redacted holds %q", w)
		}
		c.Redacted |= e
	}
	return asText(c)
}

func asText(c registry.Contact) string {
	if len(c.Street) == 0 {
		c.Street = nil
	}
	text, _ := json.Marshal(c)
	return string(text)
}

func TestLoaderRefusesAContactThatContradictsItself(t *testing.T) {
	tests := []struct {
		name    string
		contact registry.Contact
	}{
		{"value and withheld", registry.Contact{ROID: "C1", Redacted: registry.ElementID | registry.ElementEmail, Email: "a@b.example"}},
		{"street and withheld", registry.Contact{ROID: "C1", Redacted: registry.ElementID | registry.ElementStreet, Street: []string{"1 Yard"}}},
		{"handle and id withheld", registry.Contact{ROID: "C1", Handle: "c1", Redacted: registry.ElementID}},
		{"neither handle nor id withheld", registry.Contact{ROID: "C1"}},
	}
	for _, tt := range tests {
		loader, err := Create(filepath.Join(t.TempDir(), "r.sqlite"), false, Meta{})
		if err != nil {
			t.Fatal(err)
		}
		if err := loader.Contact(&tt.contact); err == nil {
			t.Errorf("%s: Contact(%+v) = nil, want an error", tt.name, tt.contact)
		}
		loader.Abort()
	}
}

func TestTargetThatIsNotEmptyIsRefused(t *testing.T) {
	path := load(t, small)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, false, Meta{}); !errors.Is(err, synthetic.ErrNotEmpty) {
		t.Fatalf("Create over a registry without force: %v, want %v", err, synthetic.ErrNotEmpty)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("the refused target has changed (%v)", err)
	}
	wantFiles(t, path, "registry.sqlite")

	loader, err := Create(path, true, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	loader.Abort()
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("an aborted load with force has changed the target (%v)", err)
	}
	wantFiles(t, path, "registry.sqlite")
}

func TestTargetNeedsItsDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	path := filepath.Join(dir, "registry.sqlite")
	_, created := Create(path, true, Meta{})
	_, imported := Import(t.Context(), deposits+"example_full.xml", path, false)
	for name, err := range map[string]error{"Create": created, "Import": imported} {
		if err == nil || !strings.Contains(err.Error(), "no directory "+dir+":") {
			t.Errorf("%s: %v, want it to name the directory", name, err)
		}
	}
}

func TestForceReplacesTheRegistryAndItsSidecars(t *testing.T) {
	path := load(t, small)
	for _, suffix := range sidecars {
		if err := os.WriteFile(path+suffix, []byte("stale"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loader, err := Create(path, true, Meta{Registry: strings.Repeat("0a", 16), Epoch: strings.Repeat("0b", 16), BeatAt: 42})
	if err != nil {
		t.Fatal(err)
	}
	if err := loader.Commit(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, path, "registry.sqlite")
	var got string
	if err := openDB(t, path).QueryRow("select registry || epoch || beat_at || (select count(*) from domain) from rdds_meta").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("0a", 16) + strings.Repeat("0b", 16) + "420"; got != want {
		t.Errorf("rdds_meta and count: got %s, want %s", got, want)
	}
}

func TestPathIsTakenAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?mode=ro&%41#b.sqlite")
	loader, err := Create(path, false, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	if err := loader.Commit(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, path, filepath.Base(path))
	var tables int
	if err := openDB(t, path).QueryRow("select count(*) from sqlite_schema where type = 'table' and name = 'domain'").Scan(&tables); err != nil || tables != 1 {
		t.Errorf("%d tables domain at %q (%v), want 1", tables, path, err)
	}
}

// wantFiles checks what stands in the directory of path.
func wantFiles(t *testing.T, path string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("files beside the registry: %q, want %q", got, want)
	}
}

func TestFailedLoadLeavesNothing(t *testing.T) {
	domain := func(name, roid, registrant string) *synthetic.Domain {
		return &synthetic.Domain{Domain: registry.Domain{Name: name, ROID: roid, Registrar: "reg-a", Registrant: registrant, Created: 1, Expires: 2}}
	}
	tests := []struct {
		name string
		put  func(*Loader) error
		is   error
		says string
	}{
		{"a name twice", func(l *Loader) error {
			return errors.Join(l.Domain(domain("one.coop", "D2-COOP", "")))
		}, nil, "load table domain"},
		{"a registrant that is missing", func(l *Loader) error {
			return l.Domain(domain("two.coop", "D2-COOP", "C9-COOP"))
		}, ErrReference, "domain two.coop refers to contact C9-COOP"},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "r.sqlite")
		loader, err := Create(path, false, Meta{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(small(loader), tt.put(loader)); err != nil {
			t.Fatal(err)
		}
		err = loader.Commit()
		if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Commit() = %v, want an error with %q", tt.name, err, tt.says)
		}
		wantFiles(t, path)
	}
}

// TestAFailureStopsTheCaller stores rows until the database's refusal of the
// first comes back.
func TestAFailureStopsTheCaller(t *testing.T) {
	loader, err := Create(filepath.Join(t.TempDir(), "r.sqlite"), false, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Abort()
	for range 1 << 20 {
		if err := loader.Reserved(&registry.Reserved{Name: "same.coop"}); err != nil {
			if !strings.Contains(err.Error(), "load table reserved") {
				t.Errorf("Reserved() = %v, want the reason of the first failure", err)
			}
			return
		}
	}
	t.Error("a million rows of one name were taken without an error")
}

func TestSchemaOfTheFileIsTheContract(t *testing.T) {
	plain := openDB(t, filepath.Join(t.TempDir(), "plain.sqlite"))
	if _, err := plain.Exec(schema.SQLite()); err != nil {
		t.Fatal(err)
	}
	want, got := schemaOf(t, plain), schemaOf(t, openDB(t, load(t, small)))
	if want == "" || got != want {
		t.Errorf("schema of a loaded file:\n%s\nwant\n%s", got, want)
	}
}

func schemaOf(t *testing.T, db *sql.DB) string {
	t.Helper()
	var text string
	if err := db.QueryRow("select group_concat(type || ' ' || name || ' ' || coalesce(sql, ''), char(10)) from (select * from sqlite_schema order by type, name)").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func FuzzAppendList(f *testing.F) {
	f.Add("plain", `q"\`)
	f.Add("\x00\x1f\u2028", "<&>")
	f.Fuzz(func(t *testing.T, a, b string) {
		list := []string{strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")}
		var got []string
		if err := json.Unmarshal(appendList(nil, list), &got); err != nil || !slices.Equal(got, list) {
			t.Errorf("appendList(%q) = %s, which reads %q (%v)", list, appendList(nil, list), got, err)
		}
	})
}
