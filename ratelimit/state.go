package ratelimit

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// The state of a Limiter as a file: magic, when it was written, by the wall clock
// and by the limiter's own, the secret of the hashes, then what is charged: the
// cells of the table, the filter of free objects, canaries, guards, how much each
// source asks for, what clients have seen; a hash of all that at the end. Cells hold parts
// of keyed hashes of prefixes, nothing of names; what clients have seen is encrypted with
// a key that is in no file (saveRepeats). A state without an entry of some kind is one of
// an earlier release.
const stateMagic = "rddsd limits 1\n\x00"

// ErrDamaged marks a state that is not one that Save has written whole.
var ErrDamaged = errors.New("the state of the limits is damaged")

// Kinds of entries in a state.
const (
	entryLoad uint32 = iota + 1
	entryData
	entryFree
	entryCanary
	entryZone
	entryEnd
	entryDemand
	entryQuiet
	entrySalt
	entryRepeats
)

// maxZoneName is the longest name of a TLD in bytes (RFC 1035 §2.3.4).
const maxZoneName = 255

// Save writes what is charged at now to w. It may run beside Decide: what is charged
// meanwhile may or may not be part of it.
func (l *Limiter) Save(w io.Writer, now time.Time) error {
	sum := xxhash.New()
	buffer := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	s := stateWriter{w: buffer}
	nanos := l.nanos(now)
	s.text(stateMagic)
	s.number(uint64(now.UnixNano()))
	s.number(nanos)
	s.number(l.cautious.Load())
	for _, part := range l.secret {
		s.number(part)
	}
	load, data := loadAt(nanos), dataAt(nanos)
	for i := range l.table {
		line := &l.table[i]
		fresh := nanos-line.touched.Load()<<touchStep <= farLoadSlow*uint64(loadSlow)
		for j := range line.load {
			if word := line.load[j].Load(); fresh && load.held(word) != (ticks{}) {
				s.entry(entryLoad, uint64(i*len(line.load)+j), word)
			}
		}
		for j := range line.data {
			if word := line.data[j].Load(); data.held(word) != (ticks{}) {
				s.entry(entryData, uint64(i*len(line.data)+j), word)
			}
		}
	}
	g := generation(nanos)
	for half := range l.free.words[0] {
		for i := range l.free.words {
			if word := l.free.words[i][half].Load(); of(word, g)|of(word, before(g)) != 0 {
				s.entry(entryFree, uint64(half*freeWords+i), word)
			}
		}
	}
	for i := range l.canaries {
		if empty := l.canaries[i].Load(); empty > int64(nanos) {
			s.entry(entryCanary, uint64(i), uint64(empty))
		}
	}
	hour := hours(nanos)
	for i := range l.demands.buckets {
		bucket := &l.demands.buckets[i]
		for j := range bucket {
			word := bucket[j].Load()
			if _, stale := demandOf(word, hour); !stale {
				s.entry(entryDemand, uint64(i*len(bucket)+j), word)
			}
		}
	}
	l.saveRepeats(&s, nanos)
	all := *l.zones.Load()
	for _, tld := range slices.Sorted(maps.Keys(all)) {
		z := all[tld]
		s.entry(entryZone, uint64(len(tld)), uint64(z.day.Load()))
		s.number(uint64(z.month.Load()))
		s.text(tld)
		s.entry(entryQuiet, uint64(len(tld)), uint64(z.quiet.Load()))
		s.text(tld)
	}
	s.entry(entryEnd, 0, 0)
	if s.err == nil {
		s.err = buffer.Flush()
	}
	if s.err == nil {
		_, s.err = w.Write(binary.BigEndian.AppendUint64(nil, sum.Sum64()))
	}
	if s.err != nil {
		return fmt.Errorf("write the state of the limits: %w", s.err)
	}
	return nil
}

// stateWriter writes until its first error.
type stateWriter struct {
	w   *bufio.Writer
	err error
}

func (s *stateWriter) text(text string) {
	if s.err == nil {
		_, s.err = s.w.WriteString(text)
	}
}

func (s *stateWriter) bytes(data []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(data)
	}
}

func (s *stateWriter) number(n uint64) {
	if s.err == nil {
		_, s.err = s.w.Write(binary.BigEndian.AppendUint64(s.w.AvailableBuffer(), n))
	}
}

// entry writes a kind, where, and a word.
func (s *stateWriter) entry(kind uint32, at, word uint64) {
	s.number(uint64(kind)<<32 | at)
	s.number(word)
}

// Load makes l, which New has just returned, go on from the state in r: its clock
// goes on where it stood, plus the time that has passed since by the wall clock. A
// wall clock set back counts as none. An error that is ErrDamaged leaves l as
// Distrust does.
func (l *Limiter) Load(r io.Reader, now time.Time) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read the state of the limits: %w", err)
	}
	if err := l.load(data, now); err != nil {
		l.Distrust(now)
		return err
	}
	return nil
}

func (l *Limiter) load(data []byte, now time.Time) error {
	head := len(stateMagic) + 8*(3+len(l.secret))
	switch {
	case len(data) < head+16+8:
		return fmt.Errorf("%w: it has %d bytes, which is less than its head", ErrDamaged, len(data))
	case string(data[:len(stateMagic)]) != stateMagic:
		return fmt.Errorf("%w: it does not begin as one of this release", ErrDamaged)
	}
	body, trailer := data[:len(data)-8], binary.BigEndian.Uint64(data[len(data)-8:])
	if sum := xxhash.Sum64(body); sum != trailer {
		return fmt.Errorf("%w: its hash is %x, its end says %x", ErrDamaged, sum, trailer)
	}
	s := stateReader{rest: body[len(stateMagic):]}
	saved, nanos, cautious := s.number(), s.number(), s.number()
	if nanos > math.MaxInt64/2 {
		return fmt.Errorf("%w: its clock stands at %d", ErrDamaged, nanos)
	}
	for i := range l.secret {
		l.secret[i] = s.number()
	}
	passed := max(now.UnixNano()-int64(saved), 0)
	s.away = time.Duration(passed)
	l.before.Store(nanos + uint64(passed) - uint64(max(now.Sub(l.epoch), 0)))
	l.cautious.Store(cautious)
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		kind, at, word := s.entry()
		if kind == entryEnd && len(s.rest) == 0 {
			break
		}
		if !l.put(kind, at, word, &s) {
			return fmt.Errorf("%w: it has an entry of kind %d at %d that cannot be", ErrDamaged, kind, at)
		}
	}
	return nil
}

// put takes one entry of a state; false says that there is no such place.
func (l *Limiter) put(kind uint32, at, word uint64, s *stateReader) bool {
	switch {
	case kind == entryLoad && at < tableLines*uint64(len(line{}.load)):
		line := &l.table[at/uint64(len(line{}.load))]
		line.load[at%uint64(len(line.load))].Store(word)
		line.touched.Store(l.nanos(l.epoch) >> touchStep)
	case kind == entryData && at < tableLines*uint64(len(line{}.data)):
		line := &l.table[at/uint64(len(line{}.data))]
		line.data[at%uint64(len(line.data))].Store(word)
	case kind == entryFree && at < 2*freeWords:
		l.free.words[at%freeWords][at/freeWords].Store(word)
	case kind == entryCanary && at < canaryCells:
		l.canaries[at].Store(int64(word))
	case kind == entryDemand && at < demandBuckets*8:
		l.demands.buckets[at/8][at%8].Store(word)
	case kind == entryQuiet && at <= maxZoneName:
		l.makeZone(s.text(int(at))).quiet.Store(int64(word))
	case kind == entryZone && at <= maxZoneName:
		inMonth := int64(s.number())
		z := l.makeZone(s.text(int(at)))
		z.day.Store(int64(word))
		z.month.Store(inMonth)
	case kind == entrySalt && word == saltSize:
		s.salt = []byte(s.text(saltSize))
	case kind == entryRepeats && at < repeatBuckets/sealedBuckets && word <= uint64(len(s.rest)):
		l.putRepeats(at, []byte(s.text(int(word))), s.salt, s.away)
	default:
		return false
	}
	return true
}

// stateReader reads numbers from what its hash has shown to be whole; behind the
// end it reads zeros.
type stateReader struct {
	rest []byte
	salt []byte        // of the repeats
	away time.Duration // since the state was written
}

func (s *stateReader) number() uint64 {
	if len(s.rest) < 8 {
		s.rest = nil
		return 0
	}
	n := binary.BigEndian.Uint64(s.rest)
	s.rest = s.rest[8:]
	return n
}

func (s *stateReader) text(n int) string {
	n = min(n, len(s.rest))
	text := string(s.rest[:n])
	s.rest = s.rest[n:]
	return text
}

func (s *stateReader) entry() (kind uint32, at, word uint64) {
	n := s.number()
	return uint32(n >> 32), n & math.MaxUint32, s.number()
}

// What Distrust takes of the guard of 30 days, and for how long nothing is free.
const (
	distrustMonth = 0.8
	distrustFor   = day
)

// Distrust makes l careful because charges are lost that it should know: the guard
// of a day is full in every zone and that of 30 days nearly so, and nothing is free
// for a day. So a lost file gives nobody a second helping; those who ask little lose
// contact values for a day.
func (l *Limiter) Distrust(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	nanos := int64(l.nanos(now))
	l.cautious.Store(uint64(nanos + int64(distrustFor)))
	for _, z := range *l.zones.Load() {
		z.distrust(nanos)
	}
}

func (z *zone) distrust(nanos int64) {
	share := distrustMonth // of a constant duration
	z.day.Store(max(z.day.Load(), nanos+int64(dayDrain)))
	z.month.Store(max(z.month.Load(), nanos+int64(share*float64(monthDrain))))
}
