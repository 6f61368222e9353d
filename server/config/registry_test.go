package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOneRegistryAndHowItIsReached(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret, empty := file("dsn", "host=db.example password=secret\n"), file("empty", " \n")
	for _, test := range []struct{ rule, text, want string }{
		{"PostgreSQL", `postgres = "host=db.example"`, ""},
		{"from a file", `postgres_file = "` + secret + `"`, ""},
		{"two registries", "postgres = \"host=db.example\"\nsqlite = \"a\"", "a second registry"},
		{"two ways to one", "postgres = \"host=db.example\"\npostgres_file = \"" + secret + "\"", "a second way"},
		{"nothing", `postgres = ""`, "is empty"},
		{"no file", `postgres_file = ""`, "is empty"},
		{"a file that is missing", `postgres_file = "` + dir + `/missing"`, "no such file"},
		{"a file without anything", `postgres_file = "` + empty + `"`, "the file is empty"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			c, err := Load(file("rddsd.toml", "[registry]\n"+test.text+"\n"), nil)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("%s: %v; want an error with %q", test.text, err, test.want)
				}
				return
			}
			if err != nil || !c.UsesPostgres() {
				t.Fatalf("%s: %v", test.text, err)
			}
			if dsn, err := c.PostgresDSN(); err != nil || !strings.HasPrefix(dsn, "host=db.example") || strings.HasSuffix(dsn, "\n") {
				t.Errorf("%s: the connection string is %q, %v", test.text, dsn, err)
			}
		})
	}
}
