package ratelimit

import (
	"bytes"
	"os"
)

// bootID returns what the kernel tells apart this boot of the machine by, 122 random
// bits that it holds in memory alone (random(4)); nil if it does not tell.
func bootID() []byte {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil
	}
	return bytes.TrimSpace(id)
}
