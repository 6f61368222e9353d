package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"rddsd/bench/target"
	"rddsd/cache"
	"rddsd/cache/registry"
	"rddsd/cache/registry/synthetic"
)

// buildBatch is how many rows are made before they are put into a View, so that
// making them is not measured.
const buildBatch = 4096

// feeder puts the objects of a generated registry into a View.
type feeder struct {
	ctx     context.Context
	builder *cache.Builder
	row     []byte
	batch   []cache.Change
	took    time.Duration // putting, processor time
	bytes   int64         // of rows
	now     registry.Time
}

// buildView makes the View of g, thin as of a registry that publishes no
// contacts. took is how long the View took, without the time to make the rows.
func buildView(ctx context.Context, g *synthetic.Registry, thin bool) (view *cache.View, f *feeder, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f = &feeder{ctx: ctx, builder: cache.NewBuilder(g.Names), now: registry.TimeOf(g.Now)}
	err = g.Each(synthetic.Sink{
		TLD: func(t *registry.TLD) error {
			return f.put(registry.KindTLD, t.Name, registry.AppendTLD(f.row[:0], t), t.Check())
		},
		Registrar: func(r *registry.Registrar) error {
			return f.put(registry.KindRegistrar, r.ClID, registry.AppendRegistrar(f.row[:0], r), r.Check())
		},
		Contact: func(c *synthetic.Contact) error {
			if c.AdminOnly || thin {
				return nil // not published
			}
			return f.put(registry.KindContact, c.ROID, registry.AppendContact(f.row[:0], &c.Contact), c.Check())
		},
		Host: func(n *registry.Nameserver) error {
			reject := n.Check() // which writes addresses in their canonical form
			return f.put(registry.KindHost, n.ROID, registry.AppendNameserver(f.row[:0], n), reject)
		},
		Domain: func(d *synthetic.Domain) error {
			p := d.Published(f.now)
			if thin {
				p.Registrant, p.Tech = "", nil
			}
			return f.put(registry.KindDomain, p.Name, registry.AppendDomain(f.row[:0], &p), p.Check())
		},
		Reserved: func(r *registry.Reserved) error {
			return f.put(registry.KindReserved, r.Name, registry.AppendReserved(f.row[:0], r), r.Check())
		},
	})
	if err == nil {
		err = f.flush()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("build a View of %d generated names: %w", g.Names, err)
	}
	id, epoch := g.Identity()
	begun := threadTime()
	view, err = f.builder.View(cache.Position{Registry: id, Epoch: epoch, Contract: registry.Contract, Serial: 1}, f.now, time.Now().Add(time.Hour))
	f.took += threadTime() - begun
	if err != nil {
		return nil, nil, fmt.Errorf("build a View of %d generated names: %w", g.Names, err)
	}
	if rejected := f.builder.Rejected(); len(rejected) > 0 {
		return nil, nil, fmt.Errorf("build a View of %d generated names: %d rows were not published, such as %s %q: %s",
			g.Names, len(rejected), rejected[0].Kind, rejected[0].Name, rejected[0].Reason)
	}
	f.builder, f.batch = nil, nil // or they would count as memory of the View
	return view, f, nil
}

// put takes one row; row is the feeder's own memory.
func (f *feeder) put(kind registry.Kind, name string, row []byte, reject registry.Reject) error {
	if reject != "" {
		return fmt.Errorf("%s %q was made with a fault: %s", kind, name, reject)
	}
	f.row = row
	f.bytes += int64(len(row))
	f.batch = append(f.batch, cache.Change{Key: cache.Key{Kind: kind, Name: name}, Row: string(row)})
	if len(f.batch) < buildBatch {
		return nil
	}
	if err := f.ctx.Err(); err != nil {
		return err
	}
	return f.flush()
}

func (f *feeder) flush() error {
	begun := threadTime()
	for _, c := range f.batch {
		if err := f.builder.Put(c); err != nil {
			return err
		}
	}
	f.took += threadTime() - begun
	clear(f.batch)
	f.batch = f.batch[:0]
	return nil
}

// memory is what this process uses, after a collection.
type memory struct {
	heap int64 // objects that are reachable, bytes
	rss  int64 // resident, bytes
}

func readMemory() (memory, error) {
	debug.FreeOSMemory() // collects first
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	p, err := target.OpenProcess("bench", os.Getpid())
	if err != nil {
		return memory{}, err
	}
	usage, err := p.Usage()
	return memory{heap: int64(sample[0].Value.Uint64()), rss: usage.RSS}, err
}

// collection is what one full garbage collection costs.
type collection struct {
	cpu   time.Duration // processor time
	took  time.Duration // from its beginning to its end
	pause time.Duration // the longest time that it stopped everything
}

// gcRuns is how many collections are measured; the middle one is taken.
const gcRuns = 5

// collect measures full collections and returns the middle of each figure.
func collect() collection {
	cpu := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	var cpus, walls, pauses []float64
	var stats debug.GCStats
	for range gcRuns {
		metrics.Read(cpu)
		before, begun := cpu[0].Value.Float64(), time.Now()
		runtime.GC()
		wall := time.Since(begun)
		metrics.Read(cpu)
		debug.ReadGCStats(&stats)
		cpus, walls, pauses = append(cpus, cpu[0].Value.Float64()-before), append(walls, wall.Seconds()), append(pauses, stats.Pause[0].Seconds())
	}
	middle := func(values []float64) time.Duration {
		return time.Duration(spreadOf(values).Median * float64(time.Second))
	}
	return collection{cpu: middle(cpus), took: middle(walls), pause: middle(pauses)}
}
