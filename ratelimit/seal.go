package ratelimit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// What is remembered for repeats outlasts the process, or else who looks after a
// portfolio would pay for all of it after each crash, as who harvests does. It does not
// outlast the boot of the machine: in the state it is encrypted with a key that is
// derived from the kernel's name of this boot, which no file of ours holds. So the
// state, or a copy of it, tells nobody who asked for what, and a reboot makes
// it unreadable for good. Where the kernel names no boot, nothing of it is written.

const (
	// sealedBuckets is how many buckets of repeats are encrypted at once, 80 KiB at most.
	sealedBuckets = 1 << 10

	// sealedWord is what one word takes in it: its place among the words, 2 bytes, and
	// the word.
	sealedWord = 2 + 8

	saltSize = 16 // bytes
)

// sealOf returns the cipher for the repeats of one state: each has a salt and so a key
// of its own, hence the number of a part serves as its nonce. nil if boot is unknown.
func sealOf(boot, salt []byte) cipher.AEAD {
	if len(boot) == 0 {
		return nil
	}
	key, err := hkdf.Key(sha256.New, boot, salt, "rddsd limits: repeats", 32)
	if err != nil {
		return nil // no length but a far longer key is refused
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	return seal
}

func sealNonce(part uint64) []byte {
	nonce := make([]byte, 12) // of GCM (NIST SP 800-38D §5.2.1.1)
	binary.BigEndian.PutUint64(nonce[4:], part)
	return nonce
}

// saveRepeats writes what clients have seen at nanos, encrypted, and forgets for good
// what is out of its window.
func (l *Limiter) saveRepeats(s *stateWriter, nanos uint64) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	seal, now := sealOf(l.boot, salt), minutes(nanos)
	if seal != nil {
		s.entry(entrySalt, 0, saltSize)
		s.bytes(salt)
	}
	var plain, sealed []byte
	for part := range uint64(repeatBuckets / sealedBuckets) {
		plain = plain[:0]
		for i := range sealedBuckets {
			bucket := &l.repeats.buckets[part*sealedBuckets+uint64(i)]
			for j := range bucket {
				switch word := bucket[j].Load(); {
				case word == 0:
				case stale(word, now):
					bucket[j].CompareAndSwap(word, 0) // one that was renewed meanwhile stays
				default:
					plain = binary.BigEndian.AppendUint16(plain, uint16(i*len(bucket)+j))
					plain = binary.BigEndian.AppendUint64(plain, word)
				}
			}
		}
		if seal == nil || len(plain) == 0 {
			continue
		}
		sealed = seal.Seal(sealed[:0], sealNonce(part), plain, nil)
		s.entry(entryRepeats, part, uint64(len(sealed)))
		s.bytes(sealed)
	}
}

// putRepeats takes one part of what clients have seen, if it was written in this boot
// and its window is not over. away is how long ago it was written.
func (l *Limiter) putRepeats(part uint64, sealed, salt []byte, away time.Duration) {
	seal := sealOf(l.boot, salt)
	if seal == nil || away > repeatWindow {
		return
	}
	plain, err := seal.Open(nil, sealNonce(part), sealed, nil)
	if err != nil {
		return // another boot, or another machine: each name is new once
	}
	now := minutes(l.nanos(l.epoch))
	for ; len(plain) >= sealedWord; plain = plain[sealedWord:] {
		at, word := uint64(binary.BigEndian.Uint16(plain)), binary.BigEndian.Uint64(plain[2:])
		bucket := &l.repeats.buckets[part*sealedBuckets+at/8%sealedBuckets]
		if !stale(word, now) {
			bucket[at%8].Store(word)
		}
	}
}
