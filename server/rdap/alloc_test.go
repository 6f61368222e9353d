package rdap

import "testing"

// shapes are the answers that must cost no garbage.
var shapes = []struct{ name, target string }{
	{"redacted", "domain/example.coop"},
	{"published", "domain/published.coop"},
	{"IDN", "domain/xn--caf-dma.coop"},
	{"miss", "domain/nosuchname.coop"},
	{"host", "nameserver/ns1.example.coop"},
	{"IDN host", "nameserver/ns1.xn--caf-dma.coop"},
	{"registrar", "entity/900001"},
	{"address", "nameservers?ip=198.41.0.4"},
	{"help", "help"},
}

// render returns what makes the body of target over and over.
func render(tb testing.TB, target string) func() int {
	k := fixture()
	a := k.find(tb, target)
	return func() int {
		k.url = AppendURL(k.url[:0], a.Policy.BaseURL, []byte(target))
		k.body, _, _ = k.prebuilt.appendBody(k.body[:0], a, k.url)
		return len(k.body)
	}
}

func TestBodiesDoNotAllocate(t *testing.T) {
	for _, shape := range shapes {
		body := render(t, shape.target)
		if n := testing.AllocsPerRun(1000, func() { body() }); n != 0 {
			t.Errorf("%s (%s): %v allocations a body, want 0", shape.name, shape.target, n)
		}
	}
}

func BenchmarkBody(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			body := render(b, shape.target)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = body()
			}
			b.ReportMetric(float64(n), "bytes")
		})
	}
}
