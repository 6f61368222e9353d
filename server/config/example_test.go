package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example is the file that documents every key.
const example = "../../deploy/rddsd.toml"

// uncommented returns the example with its defaults put in force: lines that
// begin with # and no blank.
func uncommented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(example))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^#([^ #\n])`).ReplaceAllString(string(text), "$1")
}

func TestExampleAsItStandsIsTheDefault(t *testing.T) {
	c, err := Load(filepath.FromSlash(example), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.origins = Default().origins
	if diff := cmp.Diff(Default(), c, comparers()...); diff != "" {
		t.Errorf("the example changes what it should only explain (-default +example):\n%s", diff)
	}
}

func TestExampleTellsTheDefaults(t *testing.T) {
	text := uncommented(t)
	l := &loader{file: example, config: Default(), reported: map[string]bool{}}
	l.decode([]byte(text))
	if len(l.problems) > 0 {
		t.Fatalf("the uncommented example cannot be used:\n%v\n%s", &Error{l.problems}, text)
	}
	c := l.config
	sqlite, _ := Default().SQLite()
	if got, _ := c.SQLite(); got != sqlite || c.AdminSocket() != Default().AdminSocket() {
		t.Errorf("paths are %q and %q, the defaults are %q and %q", got, c.AdminSocket(), sqlite, Default().AdminSocket())
	}
	if len(c.TLDs) != 1 || len(c.Certificates) != 1 {
		t.Fatalf("%d [[tld]] and %d [[certificate]], want one of each as an example", len(c.TLDs), len(c.Certificates))
	}
	if c.TLDs[0].Profile != Default().WHOIS.Profile || c.TLDs[0].HideReserved {
		t.Errorf("[[tld]] has other defaults: %+v", c.TLDs[0])
	}
	// What has no default in the struct is an example, and checked above.
	c.Registry, c.Admin.Socket, c.TLDs, c.Certificates, c.origins = Registry{}, "", nil, nil, Default().origins
	if diff := cmp.Diff(Default(), c, comparers()...); diff != "" {
		t.Errorf("the example tells other defaults than the code has (-code +example):\n%s", diff)
	}
}

func TestExampleTellsEveryKey(t *testing.T) {
	l := &loader{file: example, config: Default(), reported: map[string]bool{}}
	l.decode([]byte(uncommented(t)))
	for name, field := range fieldsOf(reflect.ValueOf(Default()).Elem()) {
		path := name
		if field.Kind() == reflect.Slice {
			path += "[0]"
		}
		for key := range fieldsOf(element(field)) {
			if !l.config.Explicit(path + "." + key) {
				t.Errorf("deploy/rddsd.toml does not tell of %s", KeyName(path+"."+key))
			}
		}
	}
}

func TestExampleExplainsEveryKey(t *testing.T) {
	var before string
	for line := range strings.Lines(uncommented(t)) {
		key, _, isKey := strings.Cut(line, " = ")
		if isKey && !strings.HasPrefix(line, "#") && strings.TrimSpace(before) == "" {
			t.Errorf("nothing stands above %s to explain it", key)
		}
		before = line
	}
}
