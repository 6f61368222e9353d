package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
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

func TestImportLeavesAFilledTargetAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), deposits+"example_full.xml", path, false); !errors.Is(err, synthetic.ErrNotEmpty) {
		t.Errorf("Import = %v, want ErrNotEmpty", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Errorf("the target holds %q now", b)
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
