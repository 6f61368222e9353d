package config

import (
	"strings"
	"testing"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "0B": 0, "1B": 1, "20GiB": 20 << 30, "1.5 GiB": 3 << 29, "512MiB": 512 << 20, "64KiB": 64 << 10, "2TiB": 2 << 40,
	} {
		c, err := Load(written(t, "[data]\nmemory_limit = \""+text+"\"\n"), nil)
		if want > 0 && want < minMemoryLimit {
			if err == nil || !strings.Contains(err.Error(), "memory_limit") {
				t.Errorf("%q: %v, want an error: nothing fits", text, err)
			}
			continue
		}
		if err != nil || c.Data.MemoryLimit != want {
			t.Errorf("%q is %d, %v; want %d", text, c.Data.MemoryLimit, err, want)
			continue
		}
		if again, ok := parseSize(want.String()); !ok || again != want {
			t.Errorf("%d is written as %q, which is %d", want, want, again)
		}
	}
	for _, text := range []string{`"20"`, `"20GB"`, `"-1GiB"`, `"GiB"`, `"1e30TiB"`, `"NaNGiB"`, `20`, `true`} {
		if _, err := Load(written(t, "[data]\nmemory_limit = "+text+"\n"), nil); err == nil || !strings.Contains(err.Error(), "20GiB") {
			t.Errorf("memory_limit = %s: %v, want an error with an example", text, err)
		}
	}
	c, err := Load("", []string{"RDDSD_DATA_MEMORY_LIMIT=3GiB"})
	if err != nil || c.Data.MemoryLimit != 3<<30 {
		t.Errorf("from the environment: %d, %v", c.Data.MemoryLimit, err)
	}
}
