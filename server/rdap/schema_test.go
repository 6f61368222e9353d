package rdap

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rddsd/cache/registry"
)

// schemas are ICANN's JSON schemas, one for each kind of body.
type schemas struct {
	domain, nameserver, nameservers, entity, help, failure *jsonschema.Schema
	properties                                             map[string]*jsonschema.Schema // of jCards
}

// readSchemas compiles testdata/schema. It changes two things: nested $ids,
// which break the references, go, and the member redacted, which is younger than
// the schemas, is allowed where RFC 9537 puts it. The formats that the schemas
// name and JSON Schema does not know hold the values that may be used.
func readSchemas(tb testing.TB) schemas {
	tb.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	for name, values := range map[string][]string{
		"eventAction":     {"registration", "last changed", "expiration", "transfer", "last update of RDAP database"},
		"linkRelations":   {"self", "related", "about", "terms-of-service", "glossary", "help"},
		"mediaTypes":      {"application/rdap+json", "text/html"},
		"noticeAndRemark": {"object redacted due to authorization", "result set truncated due to excessive load"},
		"role":            {"registrar", "registrant", "technical", "administrative", "abuse", "reseller"},
	} {
		c.RegisterFormat(oneOf(name, func(s string) bool { return slices.Contains(values, s) }))
	}
	c.RegisterFormat(oneOf("status", isStatus))
	c.RegisterFormat(oneOf("ipv4-validation", func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }))
	c.RegisterFormat(oneOf("ipv6-validation", func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() }))
	c.RegisterFormat(oneOf("hostname-in-uri", func(s string) bool { return strings.Contains(s, ".") }))

	files, err := filepath.Glob(filepath.Join("testdata", "schema", "*.json"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no schemas in testdata/schema: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var schema map[string]any
		if err := json.Unmarshal(text, &schema); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		dropIDs(schema)
		name := filepath.Base(file)
		if name == "rdap_domain.json" {
			schema["properties"].(map[string]any)["redacted"] = map[string]any{"type": "array", "minItems": 1}
		}
		if err := c.AddResource(name, schema); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
	}
	compile := func(name string) *jsonschema.Schema {
		s, err := c.Compile(name)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
	byName := map[string]*jsonschema.Schema{}
	for _, name := range []string{"version", "kind", "fn", "org", "adr", "tel", "email"} {
		byName[name] = compile("jcard_categories.json#/definitions/" + name)
	}
	return schemas{
		compile("rdap_domain.json"), compile("rdap_nameserver.json"), compile("rdap_nameservers.json"),
		compile("rdap_entity.json"), compile("rdap_help.json"), compile("rdap_error.json"),
		byName,
	}
}

func oneOf(name string, valid func(string) bool) *jsonschema.Format {
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		if s, ok := v.(string); ok && !valid(s) {
			return fmt.Errorf("%q is not allowed as %s", s, name)
		}
		return nil
	}}
}

// isStatus reports whether s is what RDAP calls a status of EPP, or of a registrar.
func isStatus(s string) bool {
	for bit := registry.ClientDeleteProhibited; bit <= registry.TransferPeriod; bit <<= 1 {
		if bit.RDAP() == s {
			return true
		}
	}
	return s == "locked"
}

// dropIDs removes every $id: the name of the file takes its place.
func dropIDs(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "$id")
		for _, element := range v {
			dropIDs(element)
		}
	case []any:
		for _, element := range v {
			dropIDs(element)
		}
	}
}

// check returns what the schema of its kind says against v, a decoded body.
func (s schemas) check(v any) error {
	if err := s.cards(v); err != nil {
		return err
	}
	top, _ := v.(map[string]any)
	switch {
	case top["errorCode"] != nil:
		return s.failure.Validate(v)
	case top["nameserverSearchResults"] != nil:
		return s.nameservers.Validate(v)
	case top["objectClassName"] == "domain":
		return s.domain.Validate(v)
	case top["objectClassName"] == "nameserver":
		return s.nameserver.Validate(v)
	case top["objectClassName"] == "entity":
		return s.entity.Validate(v)
	}
	return s.help.Validate(v)
}

// cards checks each property of each jCard in v by the schema of its name.
func (s schemas) cards(v any) error {
	switch v := v.(type) {
	case map[string]any:
		for name, element := range v {
			if name != "vcardArray" {
				if err := s.cards(element); err != nil {
					return err
				}
				continue
			}
			for _, property := range element.([]any)[1].([]any) {
				schema := s.properties[property.([]any)[0].(string)]
				if schema == nil {
					return fmt.Errorf("jCard property %v is none of ours", property)
				}
				if err := schema.Validate(property); err != nil {
					return fmt.Errorf("jCard property %v: %w", property, err)
				}
			}
		}
	case []any:
		for _, element := range v {
			if err := s.cards(element); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestGoldensMeetSchemas(t *testing.T) {
	s := readSchemas(t)
	for _, g := range goldens {
		body, err := os.ReadFile(filepath.Join("testdata", "golden", g.name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.check(decode(t, body)); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
	}
}

// TestSchemasRefuse shows that the schemas still say something after what
// readSchemas did to them.
func TestSchemasRefuse(t *testing.T) {
	s := readSchemas(t)
	good, err := os.ReadFile(filepath.Join("testdata", "golden", "published.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`{"cc":"ES"}`, `{"cc":"es"}`},
		{`"uri","tel:`, `"uri","call:`},
		{`"client transfer prohibited"`, `"clientTransferProhibited"`},
		{`"roles":["abuse"]`, `"roles":["desk"]`},
		{`"delegationSigned":false`, `"delegationSigned":"no"`},
		{`"eventAction":"expiration"`, `"eventAction":"end"`},
		{`["email",{},`, `["x-email",{},`},
		{`"ldhName":"published.coop",`, ``},
	} {
		body := strings.Replace(string(good), change[0], change[1], 1)
		if body == string(good) {
			t.Errorf("the golden has no %s", change[0])
		}
		if err := s.check(decode(t, []byte(body))); err == nil {
			t.Errorf("the schemas let %s pass in place of %s", change[1], change[0])
		}
	}
}
