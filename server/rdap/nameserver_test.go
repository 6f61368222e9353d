package rdap

import (
	"fmt"
	"net/http"
	"testing"

	"rddsd/cache/cachetest"
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// TestCutSearch: a search with too many results says that it was cut (RFC 9083
// §9), one that has just enough does not.
func TestCutSearch(t *testing.T) {
	for _, hosts := range []int{lookup.MaxNameservers, lookup.MaxNameservers + 1} {
		objects := []any{&registry.TLD{Name: "coop"}}
		for i := range hosts {
			objects = append(objects, &registry.Nameserver{ROID: fmt.Sprintf("H%d-CNIC", i), Name: fmt.Sprintf("ns%d.example.coop", i), V4: []string{"198.41.0.4"}})
		}
		const target = "nameservers?ip=198.41.0.4"
		body, status := newAsker(cachetest.Build(objects...)).ask(t, target)
		for _, fault := range check(body, status, testBase+target) {
			t.Error(fault)
		}
		top := decode(t, body).(map[string]any)
		if got := len(top["nameserverSearchResults"].([]any)); status != http.StatusOK || got != lookup.MaxNameservers {
			t.Errorf("of %d hosts %d are told, status %d", hosts, got, status)
		}
		cut := false
		for _, notice := range top["notices"].([]any) {
			cut = cut || notice.(map[string]any)["type"] == "result set truncated due to excessive load"
		}
		if cut != (hosts > lookup.MaxNameservers) {
			t.Errorf("of %d hosts some were left out, says the answer: %v", hosts, cut)
		}
		// Nobody knows who sponsors them, or since when they are there.
		for _, result := range top["nameserverSearchResults"].([]any) {
			if host := result.(map[string]any); host["entities"] != nil || host["events"] != nil {
				t.Fatalf("entities %v, events %v", host["entities"], host["events"])
			}
		}
	}
}
