package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rddsd/cache/registry"
)

const deposits = "../rde/testdata/"

func TestImport(t *testing.T) {
	tests := []struct {
		deposit string
		count   [registry.Kinds]int // tld, registrar, contact, host, domain, reserved
		skipped int
	}{
		{"example_full.xml", [...]int{1, 2, 2, 2, 4, 1}, 0},
		{"nomulus_deposit_full.xml", [...]int{1, 1, 0, 2, 2, 1}, 0},
		{"nomulus_deposit_full_out_of_order.xml", [...]int{1, 1, 0, 2, 2, 1}, 0},
		{"nomulus_rde_deposit_full.xml", [...]int{1, 1, 0, 1, 2, 1}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.deposit, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "registry.sqlite")
			done, err := Import(t.Context(), deposits+tt.deposit, path, false)
			if err != nil {
				t.Fatal(err)
			}
			if done.Count != tt.count || len(done.Skipped) != tt.skipped {
				t.Errorf("Import = %v, skipped %q; want %v and %d", done.Count, done.Skipped, tt.count, tt.skipped)
			}
			if left, _ := filepath.Glob(filepath.Dir(path) + "/.*"); len(left) > 0 {
				t.Errorf("temporary files are left: %q", left)
			}
			if got, want := query(t, path, "select count(*) from rdds_domain"), strconv.Itoa(tt.count[registry.KindDomain]); got != want {
				t.Errorf("%s domains are published, want %s", got, want)
			}
		})
	}
}

// TestImportRedacts finds nothing in the whole file of what a contact of the
// deposit did not disclose.
func TestImportRedacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	if _, err := Import(t.Context(), deposits+"example_full.xml", path, false); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// cid-0001 discloses its organisation, cid-0002 nothing.
	for _, secret := range []string{"Role Account", "Example Hosting", "2 Example Street", "10001", "5555550100", "role@example.test", "cid-0001", "cid-0002"} {
		if strings.Contains(string(file), secret) {
			t.Errorf("the file holds %q, which no contact disclosed", secret)
		}
	}
	got := query(t, path, "select org || '|' || redacted from rdds_contact where key = 'C0001-TEST'")
	if want := `Example Organisation|["city","email","id","name","pc","street","voice"]`; got != want {
		t.Errorf("contact C0001-TEST is %s, want %s", got, want)
	}
	if got := query(t, path, "select redacted from rdds_contact where key = 'C0002-TEST'"); !strings.Contains(got, `"org"`) {
		t.Errorf("contact C0002-TEST withholds %s, its organisation is missing", got)
	}
}

func TestImportRefusesABadDepositWhole(t *testing.T) {
	whole, err := os.ReadFile(deposits + "nomulus_deposit_full.xml")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"reference to a host that is no name", "<domain:hostObj>ns1.example.com</domain:hostObj>", "<domain:hostObj>ns1.LAFFO.com</domain:hostObj>", []string{"line 5", "example1.test", "ns1.LAFFO.com"}},
		{"reference to a missing host of the TLD", "<domain:hostObj>ns1.example1.test</domain:hostObj>", "<domain:hostObj>ns9.example1.test</domain:hostObj>", []string{"line 5", "example1.test", "ns9.example1.test"}},
		{"unknown registrar", "<rdeDom:clID>RegistrarX</rdeDom:clID>", "<rdeDom:clID>RegistrarY</rdeDom:clID>", []string{"example1.test", "RegistrarY"}},
		{"unknown status", `<rdeDom:status s="ok"/>`, `<rdeDom:status s="fine"/>`, []string{"example1.test", "fine"}},
		{"bad date", "<rdeDom:crDate>1999-04-03T22:00:00.0Z", "<rdeDom:crDate>1999-04-03 22:00", []string{"example1.test", "crDate"}},
		{"fewer objects than counted", `rdeDomain-1.0">2`, `rdeDomain-1.0">3`, []string{"counts 3", "domain", "holds 2"}},
		{"a name twice", "<rdeHost:name>ns1.example1.test</rdeHost:name>", "<rdeHost:name>ns1.example.com</rdeHost:name>", []string{"ns1.example.com", "twice"}},
		{"a DIFF", `type="FULL"`, `type="DIFF"`, []string{"DIFF", "FULL"}},
		{"entities", "<rde:deposit", "<!DOCTYPE d [<!ENTITY a \"aaaaaaaa\">]>\n<rde:deposit", []string{"line 2", "document type"}},
		{"cut", "<rdeEppParams:eppParams>", "\x00", []string{"line"}},
		{"not XML", "<?xml", "%PDF", []string{"line"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			deposit, path := filepath.Join(dir, "deposit.xml"), filepath.Join(dir, "registry.sqlite")
			bad := strings.Replace(string(whole), tt.old, tt.new, 1)
			if bad == string(whole) {
				t.Fatalf("%q is not in the deposit", tt.old)
			}
			if err := os.WriteFile(deposit, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Import(t.Context(), deposit, path, false)
			if err == nil {
				t.Fatal("it was imported")
			}
			for _, want := range append(tt.want, deposit) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, it lacks %q", err, want)
				}
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("files are left: %v", entries)
			}
		})
	}
	for n := 0; n < len(whole)-20; n += 97 {
		deposit, path := filepath.Join(t.TempDir(), "deposit.xml"), filepath.Join(t.TempDir(), "registry.sqlite")
		if err := os.WriteFile(deposit, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Import(t.Context(), deposit, path, false); err == nil {
			t.Fatalf("a deposit cut after %d bytes was imported", n)
		}
	}
}

func TestImportLeavesAFilledTargetAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), deposits+"example_full.xml", path, false); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("Import = %v, want ErrNotEmpty", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Errorf("the target holds %q now", b)
	}
}

func TestImportEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Import(ctx, deposits+"example_full.xml", filepath.Join(t.TempDir(), "registry.sqlite"), false); !errors.Is(err, context.Canceled) && (err == nil || !strings.Contains(err.Error(), "canceled")) {
		t.Errorf("Import = %v, want it to end with its context", err)
	}
}

// TestNextDepositIsTheSameRegistry lets an edge follow a registry from one
// deposit to the next.
func TestNextDepositIsTheSameRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	var ids, epochs [2]string
	for i := range ids {
		if _, err := Import(t.Context(), deposits+"example_full.xml", path, true); err != nil {
			t.Fatal(err)
		}
		ids[i] = query(t, path, "select registry from rdds_head")
		epochs[i] = query(t, path, "select epoch from rdds_head")
	}
	if ids[0] != ids[1] || epochs[0] == epochs[1] {
		t.Errorf("registry %v, epoch %v: want one registry and two epochs", ids, epochs)
	}
}

func query(t *testing.T, path, statement string) string {
	t.Helper()
	db, err := sql.Open("sqlite", fileURI(path, url.Values{"mode": {"ro"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var got string
	if err := db.QueryRowContext(ctx, statement).Scan(&got); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return got
}
