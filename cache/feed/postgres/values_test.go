package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"rddsd/cache"
	"rddsd/cache/feed/contract"
	"rddsd/cache/registry"
)

func array(texts ...string) []byte {
	b := binary.BigEndian.AppendUint32(nil, 1)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 25)
	b = binary.BigEndian.AppendUint32(b, uint32(len(texts)))
	b = binary.BigEndian.AppendUint32(b, 1)
	for _, text := range texts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return b
}

func TestLists(t *testing.T) {
	empty := make([]byte, 12)
	for _, test := range []struct {
		rule  string
		value []byte
		want  []string
		ok    bool
	}{
		{"empty", empty, nil, true},
		{"one", array("a"), []string{"a"}, true},
		{"an empty text is one", array("", "b"), []string{"", "b"}, true},
		{"null", nil, nil, false},
		{"cut", array("abc")[:22], nil, false},
		{"more than it says", append(array("a"), 0), nil, false},
		{"a null in it", append(array("a")[:20], 0xff, 0xff, 0xff, 0xff), nil, false},
		{"two dimensions", append([]byte{0, 0, 0, 2}, array("a")[4:]...), nil, false},
	} {
		v := values{row: [][]byte{test.value}}
		got, ok := v.List(nil)
		if ok != test.ok || ok && !slices.Equal(got, test.want) {
			t.Errorf("%s: List = %q, %v; want %q, %v", test.rule, got, ok, test.want, test.ok)
		}
	}
}

func TestTimesAndNumbers(t *testing.T) {
	eight := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	for _, test := range []struct {
		value []byte
		want  registry.Time
		ok    bool
	}{
		{eight(0), postgresEpoch, true},
		{eight(-946684800e6 + 1), 1, true},
		{nil, 0, true},
		{eight(1<<63 - 1), 0, false}, // infinity
		{eight(-1 << 63), 0, false},
		{[]byte{1, 2, 3, 4}, 0, false}, // a date
	} {
		v := values{row: [][]byte{test.value}}
		if got, ok := v.Time(); ok != test.ok || ok && got != test.want {
			t.Errorf("Time of %x = %d, %v; want %d, %v", test.value, got, ok, test.want, test.ok)
		}
	}
	for _, test := range []struct {
		value []byte
		want  int64
		ok    bool
	}{{[]byte{0xff, 0xff}, -1, true}, {[]byte{0, 0, 1, 0}, 256, true}, {eight(7), 7, true}, {nil, 0, true}, {[]byte{}, 0, false}, {[]byte{1}, 0, false}} {
		v := values{row: [][]byte{test.value}}
		if got, ok := v.Number(); ok != test.ok || ok && got != test.want {
			t.Errorf("Number of %x = %d, %v; want %d, %v", test.value, got, ok, test.want, test.ok)
		}
	}
}

// copied returns rows of the view of reserved names as COPY sends them.
func copied(rows ...[]string) []byte {
	b := append([]byte(copySignature), 0, 0, 0, 0, 0, 0, 0, 0)
	for _, row := range rows {
		b = binary.BigEndian.AppendUint16(b, uint16(len(row)))
		for _, value := range row {
			if value == "null" {
				b = binary.BigEndian.AppendUint32(b, 1<<32-1)
				continue
			}
			b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
			b = append(b, value...)
		}
	}
	return append(b, 0xff, 0xff)
}

// read gives data to a viewReader in pieces that end where cuts say.
func read(data []byte, cuts ...int) ([]cache.Change, error) {
	ctx, watch, stop := newWatch(context.Background(), time.Minute)
	defer stop()
	queue := make(chan []cache.Change, 100)
	r := &viewReader{ctx: ctx, watch: watch, limit: time.Minute, kind: registry.KindReserved, queue: queue}
	last := 0
	for _, cut := range append(cuts, len(data)) {
		if _, err := r.Write(data[last:cut]); err != nil {
			return nil, err
		}
		last = cut
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	close(queue)
	var all []cache.Change
	for changes := range queue {
		all = append(all, changes...)
	}
	return all, nil
}

// However COPY cuts what it sends, the rows are the same.
func TestCopyIsReadInWhateverPieces(t *testing.T) {
	data := copied([]string{"a.coop", "reserved", "null", "null", "null"}, []string{"b.coop", "variant", "a.coop", "latn", "Not for sale"})
	want, err := read(data)
	if err != nil || len(want) != 2 || want[0].Name != "a.coop" || want[1].Name != "b.coop" || want[1].Row == "" {
		t.Fatalf("read whole: %v, %v", want, err)
	}
	for first := range data {
		for second := first; second < len(data); second += 7 {
			if got, err := read(data, first, second); err != nil || !slices.Equal(got, want) {
				t.Fatalf("cut at %d and %d: %v, %v", first, second, got, err)
			}
		}
	}
	for cut := range data {
		if got, err := read(data[:cut]); !errors.Is(err, errCopy) {
			t.Fatalf("the first %d bytes of %d are taken for all: %v, %v", cut, len(data), got, err)
		}
	}
}

// FuzzCopy holds that no bytes make a viewReader fail in another way than by an
// error, and that rows do not depend on where the bytes are cut.
func FuzzCopy(f *testing.F) {
	f.Add(copied([]string{"a.coop", "reserved", "null", "null", "null"}), 30)
	f.Add(copied(), 1)
	f.Add([]byte("PGCOPY"), 3)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		whole, err := read(data)
		if len(data) == 0 {
			return
		}
		cut = int(uint(cut) % uint(len(data)))
		parts, err2 := read(data, cut)
		if (err == nil) != (err2 == nil) || !slices.Equal(whole, parts) {
			t.Errorf("whole: %v, %v; cut at %d: %v, %v", whole, err, cut, parts, err2)
		}
	})
}

// Every column of the contract has a form, so that a wrong type is noticed.
func TestFormsAreOfColumns(t *testing.T) {
	known := make(map[string]bool)
	for _, columns := range contract.Columns {
		for _, column := range columns {
			known[column] = true
		}
	}
	for column := range forms {
		if !known[column] {
			t.Errorf("forms tells of %s, which no view has", column)
		}
	}
}
