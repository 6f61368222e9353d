package tally

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// File is the name that the counts have in the data directory.
	File = "queries.json"

	// Keep is how many months are kept apart, the current one included. Older
	// ones are added up, so that the totals never fall.
	Keep = 24

	fileFormat  = 1
	maxFileSize = 64 << 20 // bytes; MaxTLDs and Keep give far less
)

// file is the JSON form of a Tally. The innermost keys are
// "service object class audience".
type file struct {
	Format  int                                     `json:"format"`
	Earlier map[string]map[string]uint64            `json:"earlier,omitempty"` // by TLD
	Months  map[string]map[string]map[string]uint64 `json:"months"`            // by month and TLD
}

// Open returns the Tally whose counts are kept in dir, which must exist, and
// goes on from those that are there. A file that is damaged or cannot be read is set
// aside with a log line and the counts begin anew, for counting must not keep the
// program from answering. now tells in which month a query is counted.
func Open(dir string, now func() time.Time, log *slog.Logger) *Tally {
	path := filepath.Join(dir, File)
	t := &Tally{path: path, log: log, now: now, month: MonthOf(now()), months: map[Month]map[string]sheet{}, earlier: map[string]sheet{}}
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return t
	}
	if err == nil {
		err = t.load(data)
	}
	if err != nil {
		aside := path + ".damaged"
		if failed := os.Rename(path, aside); failed != nil {
			err = fmt.Errorf("%w; and it cannot be set aside: %w", err, failed)
		}
		log.Error("the query counts cannot be read; counting begins anew, and the file is set aside where that is possible", "file", path, "aside", aside, "error", err)
	}
	return t
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileSize {
		return nil, nil // which no JSON text is
	}
	return os.ReadFile(path)
}

// load fills an empty t with data, or leaves it empty and returns an error.
func (t *Tally) load(data []byte) error {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f.Format != fileFormat {
		return fmt.Errorf("its format is %d, this release reads %d", f.Format, fileFormat)
	}
	earlier, err := sheets(f.Earlier)
	if err != nil {
		return err
	}
	months := make(map[Month]map[string]sheet, len(f.Months))
	all := []map[string]sheet{earlier}
	for name, byTLD := range f.Months {
		month, err := ParseMonth(name)
		if err != nil {
			return err
		}
		if months[month], err = sheets(byTLD); err != nil {
			return fmt.Errorf("month %s: %w", name, err)
		}
		all = append(all, months[month])
	}
	entries := map[string]*entry{}
	for _, byTLD := range all {
		for tld, counts := range byTLD {
			e := entries[tld]
			if e == nil {
				e = new(entry)
				entries[tld] = e
			}
			for i, n := range counts {
				e.counts[i].Add(n)
				e.booked[i] += n
			}
		}
	}
	t.earlier, t.months = earlier, months
	t.byTLD.Store(&entries)
	return nil
}

func sheets(byTLD map[string]map[string]uint64) (map[string]sheet, error) {
	out := make(map[string]sheet, len(byTLD))
	for tld, counts := range byTLD {
		out[tld] = make(sheet, len(counts))
		for key, n := range counts {
			i, ok := placeNames[key]
			if !ok {
				return nil, fmt.Errorf("TLD %s: there is no counter %q", tld, key)
			}
			out[tld][i] = n
		}
	}
	return out, nil
}

// placeNames has the number of each counter by its key in the file.
var placeNames = func() map[string]int {
	names := make(map[string]int, places)
	for i := range places {
		names[placeName(i)] = i
	}
	return names
}()

func placeName(i int) string {
	c := counter("", i, 0)
	return strings.Join([]string{c.Service.String(), c.Object.String(), c.Class.String(), c.Audience.String()}, " ")
}

// book adds what was counted since the last booking to the month that was
// current then. The caller holds t.mu.
func (t *Tally) book(now time.Time) {
	if byTLD := t.byTLD.Load(); byTLD != nil {
		for tld, e := range *byTLD {
			for i := range e.counts {
				n := e.counts[i].Load()
				if n == e.booked[i] {
					continue
				}
				if t.months[t.month] == nil {
					t.months[t.month] = map[string]sheet{}
				}
				add(t.months[t.month], tld, i, n-e.booked[i])
				e.booked[i], t.dirty = n, true
			}
		}
	}
	t.month = MonthOf(now)
	for month, byTLD := range t.months {
		if month > t.month-Keep {
			continue
		}
		for tld, counts := range byTLD {
			for i, n := range counts {
				add(t.earlier, tld, i, n)
			}
		}
		delete(t.months, month)
		t.dirty = true
	}
}

func add(byTLD map[string]sheet, tld string, i int, n uint64) {
	if byTLD[tld] == nil {
		byTLD[tld] = sheet{}
	}
	byTLD[tld][i] += n
}

// Save writes the counts to the file, unless nothing was counted since the last
// time. The old file is there until the new one is whole.
func (t *Tally) Save() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path == "" {
		return nil
	}
	t.book(t.now())
	if !t.dirty {
		return nil
	}
	data, err := json.MarshalIndent(t.file(), "", " ")
	if err != nil {
		return fmt.Errorf("write the query counts: %w", err)
	}
	if err := replace(t.path, append(data, '\n')); err != nil {
		return fmt.Errorf("write the query counts: %w", err)
	}
	t.dirty = false
	return nil
}

func (t *Tally) file() file {
	f := file{Format: fileFormat, Earlier: named(t.earlier), Months: make(map[string]map[string]map[string]uint64, len(t.months))}
	for month, byTLD := range t.months {
		f.Months[month.String()] = named(byTLD)
	}
	return f
}

func named(byTLD map[string]sheet) map[string]map[string]uint64 {
	out := make(map[string]map[string]uint64, len(byTLD))
	for tld, counts := range byTLD {
		out[tld] = make(map[string]uint64, len(counts))
		for i, n := range counts {
			out[tld][placeName(i)] = n
		}
	}
	return out
}

// replace makes data the content of path, in one step that a crash cannot halve.
func replace(path string, data []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Months returns the months that have counts and are still kept apart, oldest
// first, up to date with what was counted until now.
func (t *Tally) Months() []Month {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path == "" {
		return nil
	}
	t.book(t.now())
	months := make([]Month, 0, len(t.months))
	for month := range t.months {
		months = append(months, month)
	}
	slices.Sort(months)
	return months
}

// InMonth returns each counter that was counted up in month, in no order.
func (t *Tally) InMonth(month Month) []Counter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path == "" {
		return nil
	}
	t.book(t.now())
	var counters []Counter
	for tld, counts := range t.months[month] {
		for i, n := range counts {
			counters = append(counters, counter(tld, i, n))
		}
	}
	return counters
}
