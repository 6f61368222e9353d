package response

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a closed Cache leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCache(tb testing.TB, size int64) *Cache {
	tb.Helper()
	c, err := New(size)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// gunzip reads text by another hand than wrote it, to its last byte.
func gunzip(tb testing.TB, text []byte) string {
	tb.Helper()
	from := bytes.NewReader(text)
	r, err := gzip.NewReader(from)
	if err != nil {
		tb.Fatalf("not gzip: %v", err)
	}
	r.Multistream(false)
	body, err := io.ReadAll(r)
	if err != nil {
		tb.Fatalf("gzip that cannot be read: %v", err)
	}
	if from.Len() > 0 {
		tb.Fatalf("%d bytes behind the end", from.Len())
	}
	return string(body)
}

const (
	morning = "2026-11-23T09:00:00Z"
	evening = "2026-11-23T21:30:00Z"
)

// stamped is a body with its stamp in the middle, and where.
func stamped(stamp string) ([]byte, int) {
	before := `{"name":"example.coop","created":"2026-11-23T09:00:00Z","asOf":"`
	after := `","created":"2026-11-23T09:00:00Z",` + strings.Repeat(`"links":[{"href":"https://rdap.nic.coop/"}],`, 40) + `"name":"example.coop"}`
	return []byte(before + stamp + after), len(before)
}

// TestStampIsReplaced: a body that differs in its stamp alone is served from the
// cache, with its own stamp.
func TestStampIsReplaced(t *testing.T) {
	c := newCache(t, 1<<20)
	for i, stamp := range []string{morning, evening, morning} {
		body, at := stamped(stamp)
		want := string(body)
		if got := gunzip(t, c.AppendGzip(nil, body, at)); got != want {
			t.Errorf("the body at %s is %s, want %s", stamp, got, want)
		}
		if string(body) != want {
			t.Errorf("AppendGzip changed the body to %s", body)
		}
		c.packed.Wait()
		if n := c.Counts(); n.Misses != 1 || n.Hits != uint64(i) {
			t.Errorf("after %d bodies: %+v, want 1 miss and %d hits", i+1, n, i)
		}
	}
}

// TestAllElseMakesAnotherKey: one byte outside the stamp is another body.
func TestAllElseMakesAnotherKey(t *testing.T) {
	c := newCache(t, 1<<20)
	body, at := stamped(morning)
	c.AppendGzip(nil, body, at)
	c.packed.Wait()
	for _, i := range []int{0, at - 1, at + StampSize, len(body) - 1} {
		body[i]++
		if got := gunzip(t, c.AppendGzip([]byte("x"), body, at)[1:]); got != string(body) {
			t.Errorf("with byte %d changed the body is %s, want %s", i, got, body)
		}
		body[i]--
	}
	if n := c.Counts(); n.Hits != 0 {
		t.Errorf("%d bodies were taken for others", n.Hits)
	}
}

// TestMemoryIsBounded: more bodies than fit make others go.
func TestMemoryIsBounded(t *testing.T) {
	const size = 64 << 10
	c := newCache(t, size)
	for i := range 2000 {
		body, at := stamped(morning)
		c.AppendGzip(nil, append(body, fmt.Sprint(i)...), at)
	}
	c.packed.Wait()
	held := 0
	for i := range 2000 {
		body, at := stamped(morning)
		if p, ok := c.packed.Get(c.appendKey(nil, append(body, fmt.Sprint(i)...), at)); ok {
			held += len(p.data)
		}
	}
	if held == 0 || held > size {
		t.Errorf("the cache holds %d bytes, want some and at most %d", held, size)
	}
}

// FuzzGzip: whatever ASCII body and wherever its stamp, what was packed under one
// stamp reads as the body under another.
func FuzzGzip(f *testing.F) {
	f.Add("{}", 0, 1)
	f.Add(strings.Repeat("2026-11-23T09:00:00Z", 5), 40, 1)
	f.Add(strings.Repeat("abc", 20000), 50000, 300)
	f.Add("", 0, 0)
	c := newCache(f, 1<<20)
	f.Fuzz(func(t *testing.T, text string, at, repeat int) {
		text = strings.Map(func(r rune) rune { return r & 0x7f }, strings.Repeat(text, max(1, min(repeat, 1000))))
		text = text[:min(len(text), 1<<17)]
		at = max(0, min(at, len(text)))
		for _, stamp := range []string{morning, evening} {
			want := text[:at] + stamp + text[at:]
			if got := gunzip(t, c.AppendGzip(nil, []byte(want), at)); got != want {
				t.Fatalf("%q with its stamp at %d reads as %q", want, at, got)
			}
			c.packed.Wait()
		}
		if got := gunzip(t, c.AppendGzip(nil, []byte(text), NoStamp)); got != text {
			t.Fatalf("%q reads as %q", text, got)
		}
	})
}

func BenchmarkAppendGzip(b *testing.B) {
	c := newCache(b, 1<<20)
	body, at := stamped(morning)
	var dst []byte
	b.Run("hit", func(b *testing.B) {
		c.AppendGzip(nil, body, at)
		c.packed.Wait()
		b.ReportAllocs()
		for b.Loop() {
			dst = c.AppendGzip(dst[:0], body, at)
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for n := int64(0); b.Loop(); n++ {
			strconv.AppendInt(body[:at+StampSize], n, 10)
			dst = c.AppendGzip(dst[:0], body, at)
		}
	})
}
