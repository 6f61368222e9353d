package e2e

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows is the table of imports inside the module: package -> what of ours it
// may import. Imports point from protocol to data and never back. Tests may
// import more; package main and the commands may import everything.
var arrows = map[string][]string{
	"cache/registry":               {},
	"cache/registry/synthetic":     {"cache/registry"},
	"cache":                        {"cache/registry"},
	"cache/response":               {},
	"cache/cachetest":              {"cache", "cache/registry", "cache/registry/synthetic"},
	"cache/feed":                   {"cache", "cache/registry"},
	"cache/feed/tables":            {"cache/registry"},
	"cache/feed/tables/tablestest": {"cache/feed/postgres", "cache/feed/postgres/pgtest", "cache/feed/rde", "cache/feed/sqlite", "cache/feed/tables", "cache/registry", "cache/registry/synthetic"},
	"cache/feed/churn":             {"cache/feed/tables", "cache/registry", "cache/registry/synthetic"},
	"cache/feed/sqlite":            {"cache", "cache/feed", "cache/feed/churn", "cache/feed/contract", "cache/feed/rde", "cache/feed/tables", "cache/registry", "cache/registry/synthetic", "deploy/schema"},
	"cache/feed/contract":          {"cache", "cache/feed", "cache/registry"},
	"cache/feed/postgres":          {"cache", "cache/feed", "cache/feed/contract", "cache/feed/rde", "cache/feed/tables", "cache/registry", "cache/registry/synthetic", "deploy/schema"},
	"cache/feed/postgres/pgtest":   {},
	"cache/feed/rde":               {"cache/feed/tables", "cache/registry", "cache/registry/synthetic"},
	"deploy/schema":                {},
	"ratelimit":                    {},
	"server":                       {},
	"server/listen":                {},
	"server/lookup":                {"cache", "cache/registry", "ratelimit"},
	"server/tally":                 {"ratelimit", "server/lookup"},
	"server/config":                {"cache/registry", "ratelimit", "server/lookup"},
	"server/whois":                 {"cache", "cache/registry", "ratelimit", "server/listen", "server/lookup", "server/tally"},
	"server/rdap":                  {"cache", "cache/registry", "cache/response", "ratelimit", "server/listen", "server/lookup", "server/tally"},
	"server/rdap/rdapcheck":        {},
	"server/admin":                 {"cache", "cache/feed", "cache/registry", "ratelimit", "server/listen", "server/tally"},
	"server/command":               {"*"},
	"server/e2e":                   {},
	".":                            {"*"},
	"bench":                        {"*"},
	"bench/load":                   {"cache/registry", "cache/registry/synthetic"},
	"bench/report":                 {"bench/load"},
	"bench/target":                 {},
}

// onlyTests are modules that tests and benchmarks use and that must not be in
// the binary.
var onlyTests = []string{
	"github.com/nats-io/nats-server", "github.com/chromedp", "github.com/HdrHistogram", "github.com/openrdap",
	"github.com/santhosh-tekuri/jsonschema", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/google/go-cmp",
}

// maxModules is how many modules the binary may hold, ours included.
const maxModules = 40

func TestImportArrows(t *testing.T) {
	for _, line := range goList(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "rddsd/...") {
		fields := strings.Fields(line)
		from := local(fields[0])
		allowed, known := arrows[from]
		if !known {
			t.Errorf("package %s is not in the table of allowed imports: give it a noun, a line in ARCHITECTURE.md and a row here", from)
			continue
		}
		for _, path := range fields[1:] {
			to := local(path)
			if path != "rddsd" && !strings.HasPrefix(path, "rddsd/") || slices.Contains(allowed, to) || slices.Contains(allowed, "*") {
				continue
			}
			t.Errorf("%s imports %s: the table of allowed imports has no such arrow", from, to)
		}
	}
}

func TestBinaryHoldsNoTestModules(t *testing.T) {
	modules := map[string]bool{}
	for _, line := range goList(t, "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "rddsd") {
		modules[line] = true
		for _, banned := range onlyTests {
			if strings.HasPrefix(line, banned) {
				t.Errorf("the binary links %s, which only tests may use", line)
			}
		}
	}
	delete(modules, "")
	t.Logf("%d modules", len(modules))
	if len(modules) > maxModules {
		t.Errorf("the binary links %d modules, at most %d are allowed", len(modules), maxModules)
	}
}

// local cuts the module's name off an import path; the root is ".".
func local(path string) string {
	if path == "rddsd" {
		return "."
	}
	return strings.TrimPrefix(path, "rddsd/")
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
