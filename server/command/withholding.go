package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/server/lookup"
)

// withheldFile is the list of what operators withhold, in the data directory.
const withheldFile = "withheld.json"

// withholding is one entry of it.
type withholding struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero = until it is taken back
}

// loadWithheld reads what is withheld. A damaged list is an error, not an empty list:
// somebody is in danger if it is forgotten.
func (k *LimitKeeper) loadWithheld() error {
	path := filepath.Join(k.Dir, withheldFile)
	k.withheld = map[string]withholding{}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &k.withheld)
	}
	if err != nil {
		return fmt.Errorf("read the list of what is withheld: %s: %w; repair it, or remove it to withhold nothing", path, err)
	}
	k.applyWithheld()
	return nil
}

// applyWithheld puts the list in force. The Finder looks at the time itself.
func (k *LimitKeeper) applyWithheld() {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make(lookup.Withheld, len(k.withheld))
	for name, w := range k.withheld {
		list[name] = w.Until
	}
	k.Finder.SetWithheld(list)
}

// Withhold has the contact values of a domain withheld from now on, until a time
// unless that is zero. It is written to disk before it is told to be done. A name that
// is not served is taken too, for it may come; note says so.
func (k *LimitKeeper) Withhold(name, reason string, until time.Time) (note string, err error) {
	if !registry.ValidName(name) {
		return "", fmt.Errorf("%q is not a domain name as registries write it; write lower-case letters, and an IDN as its A-label (xn--...)", name)
	}
	if !until.IsZero() && !until.After(time.Now()) {
		return "", fmt.Errorf("--until %s is over already; write a time to come", until.Format(time.RFC3339))
	}
	err = k.changeWithheld(func(list map[string]withholding) error {
		list[name] = withholding{Reason: reason, Since: time.Now().UTC().Truncate(time.Second), Until: until}
		return nil
	})
	if view := k.Cache.Current(); err == nil && view != nil && view.Domain(name, new(registry.Domain)) == cache.Absent {
		note = fmt.Sprintf("but no domain %s is served now: look how it is written", name)
	}
	return note, err
}

// Release ends the withholding of a domain.
func (k *LimitKeeper) Release(name string) error {
	return k.changeWithheld(func(list map[string]withholding) error {
		if _, ok := list[name]; !ok {
			return fmt.Errorf("nothing of %s is withheld", name)
		}
		delete(list, name)
		return nil
	})
}

func (k *LimitKeeper) changeWithheld(change func(map[string]withholding) error) error {
	k.mu.Lock()
	next := maps.Clone(k.withheld)
	err := change(next)
	var data []byte
	if err == nil {
		data, err = json.MarshalIndent(next, "", "  ")
	}
	if err == nil {
		err = replaceFile(filepath.Join(k.Dir, withheldFile), append(data, '\n'))
	}
	if err == nil {
		k.withheld = next
	}
	k.mu.Unlock()
	if err != nil {
		return err
	}
	k.applyWithheld()
	return nil
}

// Withheld returns what is withheld, by name.
func (k *LimitKeeper) Withheld() map[string]withholding {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.withheld)
}
