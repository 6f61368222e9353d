package cache

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// Texts that many records share stand once, in a dictionary: registrars,
// countries, provinces. Tails of names (".coop"), forms of ROIDs ("D…-COOP") and
// shapes of domains are so few that a start reads them.
type texts struct {
	words part // one after the other
	ends  part // where each word ends, 4 bytes a word
	affixes
}

// affixes are those parts of a dictionary that a start reads.
type affixes struct {
	tails  []string
	forms  []form
	shapes []shape
}

// form is what stands around the number in a ROID.
type form struct{ before, after string }

// maxAffixes is how many tails and forms a base holds at most; the last number
// says that a name has no tail.
const (
	maxAffixes = 255
	noTail     = 255
)

func (t *texts) tail(number byte) (string, bool) {
	if int(number) < len(t.tails) {
		return t.tails[number], true
	}
	return "", number == noTail
}

// word returns the text with the number id.
func (t *texts) word(id uint64) (string, bool) {
	if id >= uint64(len(t.ends.text)/4) || !t.ends.good(max(0, 4*int(id)-4), 4*int(id)+4) {
		return "", false
	}
	from, to := 0, int(uint32At(t.ends.text, 4*int(id)))
	if id > 0 {
		from = int(uint32At(t.ends.text, 4*int(id)-4))
	}
	if from > to || to > len(t.words.text) || !t.words.good(from, to) {
		return "", false
	}
	return t.words.text[from:to], true
}

// shared returns the next text, which stands in the dictionary or here.
func (c *scanner) shared(t *texts) string {
	n := c.uvarint()
	if n&1 == 0 {
		return c.take(n >> 1)
	}
	word, ok := t.word(n >> 1)
	c.bad = c.bad || !ok
	return word
}

// textsMaker makes the dictionary as texts come.
type textsMaker struct {
	texts
	ids   map[string]uint32
	words []byte
	ends  []byte
	last  [256]struct { // the newest ids: most texts come again soon
		text string
		id   uint32
	}
	once [1 << 12]uint32 // hashes of texts that came once

	numbers map[uint64]byte  // of shapes, by key
	counts  map[uint64]uint8 // of those that have no number, among the last shapeWindow domains
	newest  [1 << 10]struct {
		key    uint64
		number byte
		there  bool
	}
	counted int
}

// What the dictionary holds at most, so that it stays small beside the records
// and near the processor. What finds no place stands in its record.
const (
	maxWords = 1 << 16
	maxWord  = 128 // bytes
)

func newTextsMaker() *textsMaker {
	return &textsMaker{ids: make(map[string]uint32), numbers: make(map[uint64]byte), counts: make(map[uint64]uint8)}
}

// appendShared appends text as scanner.shared reads it.
func (m *textsMaker) appendShared(dst []byte, text string) []byte {
	if id, ok := m.id(text); ok {
		return appendNumber(dst, uint64(id)<<1|1)
	}
	return append(appendNumber(dst, uint64(len(text))<<1), text...)
}

func (m *textsMaker) id(text string) (id uint32, ok bool) {
	if text == "" || len(text) > maxWord {
		return 0, false
	}
	newest := &m.last[(uint32(text[len(text)-1])+uint32(text[len(text)/2])*7+uint32(len(text))*31)%uint32(len(m.last))]
	if newest.text == text {
		return newest.id, true
	}
	if id, ok = m.ids[text]; !ok {
		// What comes but once is not shared, and would only push out what is.
		hash := hashText(0, text)
		if once := &m.once[hash%uint64(len(m.once))]; len(m.ids) == maxWords || *once != uint32(hash>>32) {
			*once = uint32(hash >> 32)
			return 0, false
		}
		text = strings.Clone(text)
		id = uint32(len(m.ids))
		m.ids[text] = id
		m.words = append(m.words, text...)
		m.ends = binary.LittleEndian.AppendUint32(m.ends, uint32(len(m.words)))
	}
	if ok {
		text = strings.Clone(text)
	}
	newest.text, newest.id = text, id
	return id, true
}

// A shape is given a number once shapeOften of shapeWindow domains have had it: so
// the 255 numbers do not go to what is rare.
const (
	shapeWindow = 4096
	shapeOften  = 4
)

// shapeOf returns the number of s, if it has one.
func (m *textsMaker) shapeOf(s shape) (number byte, ok bool) {
	key := s.key()
	newest := &m.newest[key*0x9e3779b97f4a7c15>>54]
	if newest.key == key && newest.there {
		return newest.number, true
	}
	if number, ok = m.numbers[key]; ok {
		newest.key, newest.number, newest.there = key, number, true
	}
	if ok || len(m.shapes) == rareShape {
		return number, ok
	}
	if m.counted++; m.counted%shapeWindow == 0 {
		clear(m.counts)
	}
	if m.counts[key]++; m.counts[key] < shapeOften {
		return 0, false
	}
	number = byte(len(m.shapes))
	m.numbers[key] = number
	m.shapes = append(m.shapes, s)
	return number, true
}

// tailOf returns the number of the tail of name, which stands under the zone tld
// or under none, "".
func (m *textsMaker) tailOf(name, tld string) (number byte, head string) {
	if tld == "" {
		return noTail, name
	}
	tail := name[len(name)-len(tld)-1:]
	for i, t := range m.tails {
		if t == tail {
			return byte(i), name[:len(name)-len(tail)]
		}
	}
	if len(m.tails) == maxAffixes {
		return noTail, name
	}
	m.tails = append(m.tails, strings.Clone(tail))
	return byte(len(m.tails) - 1), name[:len(name)-len(tail)]
}

// formOf returns the number of the form of a ROID and the number in it.
func (m *textsMaker) formOf(roid string) (number byte, serial uint64, ok bool) {
	before, serial, after, ok := splitROID(roid)
	if !ok {
		return 0, 0, false
	}
	for i, f := range m.forms {
		if f.before == before && f.after == after {
			return byte(i), serial, true
		}
	}
	if len(m.forms) == maxAffixes {
		return 0, 0, false
	}
	m.forms = append(m.forms, form{strings.Clone(before), strings.Clone(after)})
	return byte(len(m.forms) - 1), serial, true
}

// splitROID takes roid apart at its first number. ok is false where putting it
// together again would give another text.
func splitROID(roid string) (before string, serial uint64, after string, ok bool) {
	from := 0
	for from < len(roid) && (roid[from] < '0' || roid[from] > '9') {
		from++
	}
	to := from
	for to < len(roid) && roid[to] >= '0' && roid[to] <= '9' && to-from < 19 {
		serial = serial*10 + uint64(roid[to]-'0')
		to++
	}
	digits := to - from
	if digits == 0 || digits == 19 || digits > 1 && roid[from] == '0' || len(roid)-digits > 64 {
		return "", 0, "", false
	}
	return roid[:from], serial, roid[to:], true
}

func (f form) append(dst []byte, serial uint64) []byte {
	return append(strconv.AppendUint(append(dst, f.before...), serial, 10), f.after...)
}
