package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/ratelimit"
	"rddsd/server/config"
	"rddsd/server/lookup"
)

const (
	// limitsFile is the state of the limits in the data directory.
	limitsFile = "limits.state"

	// limitsSaveEach is how often it is written: a crash gives back what was charged
	// since, which with the time to write is less than 60 s.
	limitsSaveEach = 30 * time.Second

	// listsLookEach is how often the files of networks and AS numbers are looked at.
	listsLookEach = 10 * time.Second

	// zonesCountEach is how often the objects with contact values are counted, which
	// takes about a second for a million names.
	zonesCountEach = 10 * time.Minute
)

// LimitKeeper keeps the limiter's surroundings: its state on disk, the operator's
// lists, the sizes of the zones, what is withheld.
type LimitKeeper struct {
	Limiter *ratelimit.Limiter
	Finder  *lookup.Finder
	Cache   *cache.Cache
	Dir     string // the data directory
	Log     *slog.Logger

	failing  bool           // writing the state
	counted  cache.Position // of the zones
	mu       sync.Mutex     // held while lists or what is withheld change
	networks listFile
	systems  listFile
	withheld map[string]withholding
}

// listFile is a file that a list was read from.
type listFile struct {
	path string
	when time.Time // its modification time when it was read
	size int64
	bad  bool // it could not be read since
}

// OpenLimits makes the limiter that cfg describes go on from its state in the data
// directory. A damaged state is set aside, and the limits start careful.
func OpenLimits(cfg *config.Config, finder *lookup.Finder, data *cache.Cache, log *slog.Logger) (*LimitKeeper, error) {
	now := time.Now()
	k := &LimitKeeper{Limiter: ratelimit.New(cfg.Limits(), now), Finder: finder, Cache: data, Dir: cfg.Data.Dir, Log: log}
	if err := k.load(now); err != nil {
		return nil, err
	}
	if err := k.loadWithheld(); err != nil {
		return nil, err
	}
	return k, k.Use(cfg)
}

func (k *LimitKeeper) load(now time.Time) error {
	path := filepath.Join(k.Dir, limitsFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the state of the limits: %w", err)
	}
	defer f.Close()
	err = k.Limiter.Load(f, now)
	if errors.Is(err, ratelimit.ErrDamaged) {
		aside := path + ".damaged"
		if err := os.Rename(path, aside); err != nil {
			return fmt.Errorf("set the damaged state of the limits aside: %w", err)
		}
		k.Log.Error("the state of the limits is damaged and was set aside: for a day hardly any contact values are shown to clients without a listing; "+
			"`rddsd limits unblock ADDR` frees one", "file", path, "aside", aside, "error", err)
		return nil
	}
	return err
}

// Use puts the lists and canaries of cfg in force, all or none.
func (k *LimitKeeper) Use(cfg *config.Config) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	networks, n, err := readList(cfg.RateLimit.Networks, "[ratelimit] networks", ratelimit.ReadNetworks)
	if err != nil {
		return err
	}
	systems, s, err := readList(cfg.RateLimit.ASTable, "[ratelimit] as_table", ratelimit.ReadSystems)
	if err != nil {
		return err
	}
	k.networks, k.systems = n, s
	k.Limiter.SetNetworks(networks)
	k.Limiter.SetSystems(systems)
	canaries := lookup.Canaries{}
	for _, name := range cfg.RateLimit.Canaries {
		canaries[name] = struct{}{}
	}
	k.Finder.SetCanaries(canaries)
	return nil
}

// checkLists reports lists of cfg that cannot be read.
func checkLists(cfg *config.Config, report func(path, problem string)) {
	if _, _, err := readList(cfg.RateLimit.Networks, "the list cannot be read", ratelimit.ReadNetworks); err != nil {
		report("ratelimit.networks", err.Error())
	}
	if _, _, err := readList(cfg.RateLimit.ASTable, "the table cannot be read", ratelimit.ReadSystems); err != nil {
		report("ratelimit.as_table", err.Error())
	}
}

// readList reads the list at path, "" = none. What is wrong begins with key.
func readList[T any](path, key string, read func(io.Reader, string) (*T, error)) (*T, listFile, error) {
	if path == "" {
		return nil, listFile{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, listFile{}, fmt.Errorf("%s: %w; write the path of a file that the user may read who runs rddsd", key, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, listFile{}, fmt.Errorf("%s: %w", key, err)
	}
	list, err := read(f, path)
	if err != nil {
		return nil, listFile{}, fmt.Errorf("%s: %w", key, err)
	}
	return list, listFile{path: path, when: info.ModTime(), size: info.Size()}, nil
}

// Serve keeps until ctx ends, and writes the state a last time.
func (k *LimitKeeper) Serve(ctx context.Context) error {
	save, look, count := time.NewTicker(limitsSaveEach), time.NewTicker(listsLookEach), time.NewTicker(time.Second)
	defer save.Stop()
	defer look.Stop()
	defer count.Stop()
	for {
		select {
		case <-ctx.Done():
			return k.save()
		case <-save.C:
			k.saveOrTell()
		case <-look.C:
			k.look()
			k.applyWithheld()
		case <-count.C:
			if k.count(ctx) { // each second until there is something to count
				count.Reset(zonesCountEach)
			}
		}
	}
}

func (k *LimitKeeper) saveOrTell() {
	err := k.save()
	switch {
	case err != nil && !k.failing:
		k.Log.Error("the state of the limits cannot be written; charges since the last time are lost if the program dies", "error", err)
	case err == nil && k.failing:
		k.Log.Info("the state of the limits is written again")
	}
	k.failing = err != nil
}

// save writes the state beside the old one and puts it in its place.
func (k *LimitKeeper) save() error {
	var state bytes.Buffer
	if err := k.Limiter.Save(&state, time.Now()); err != nil {
		return err
	}
	return replaceFile(filepath.Join(k.Dir, limitsFile), state.Bytes())
}

// replaceFile writes data to path, whole or not at all.
func replaceFile(path string, data []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temporary, path)
	}
	return err
}

// look reads the lists again whose files have changed. A bad one keeps the old.
func (k *LimitKeeper) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	lookAt(k, &k.networks, "[ratelimit] networks", ratelimit.ReadNetworks, k.Limiter.SetNetworks)
	lookAt(k, &k.systems, "[ratelimit] as_table", ratelimit.ReadSystems, k.Limiter.SetSystems)
}

func lookAt[T any](k *LimitKeeper, file *listFile, key string, read func(io.Reader, string) (*T, error), use func(*T)) {
	if file.path == "" {
		return
	}
	info, err := os.Stat(file.path)
	if err == nil && info.ModTime().Equal(file.when) && info.Size() == file.size {
		return
	}
	list, next, err := readList(file.path, key, read)
	if err != nil {
		if !file.bad {
			k.Log.Error("a list of networks changed and cannot be read; the old one stays in force", "error", err)
		}
		file.bad = true
		if info != nil {
			file.when, file.size = info.ModTime(), info.Size()
		}
		return
	}
	use(list)
	*file = next
	k.Log.Info("a list of networks is in force", "key", key, "file", file.path)
}

// sampleAbove is how many names are counted one by one; of more, a part is.
const sampleAbove = 200_000

// count tells the limiter how many objects of each zone show contact values, if what
// is served has changed. It reports whether anything is served.
func (k *LimitKeeper) count(ctx context.Context) bool {
	view := k.Cache.Current()
	if view == nil {
		return false
	}
	if view.Position() == k.counted {
		return true
	}
	shown := map[string]int{}
	err := cache.GuardReads(func() error { return k.countIn(ctx, view, shown) })
	if err != nil { // the feed tells of what cannot be read, and replaces it
		return true
	}
	for tld, objects := range shown {
		k.Limiter.SetZone(tld, objects)
	}
	k.counted = view.Position()
	return true
}

// countIn sets in shown how many objects of each zone of view show contact values.
func (k *LimitKeeper) countIn(ctx context.Context, view *cache.View, shown map[string]int) error {
	every := view.Count(registry.KindDomain)/sampleAbove + 1
	for _, tld := range view.TLDs() {
		shown[tld.Name] = 0
	}
	var answer lookup.Answer
	n := 0
	for key := range view.All() {
		if key.Kind != registry.KindDomain {
			continue
		}
		if n++; n%every != 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		k.Finder.Find(view, &lookup.Query{Question: lookup.AskDomain, Name: key.Name}, time.Now(), &answer)
		if answer.Ask.Shows == ratelimit.Contact {
			shown[answer.Ask.TLD] += every
		}
	}
	return nil
}
