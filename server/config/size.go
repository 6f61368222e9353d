package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// sizeUnits are the units of a Size, the largest first: those of memory, which
// are powers of two (IEC 80000-13).
var sizeUnits = [...]struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseSize reads a size such as "20GiB". 0 needs no unit.
func parseSize(s string) (Size, bool) {
	if s == "0" {
		return 0, true
	}
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(s, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		bytes := n * float64(unit.bytes)
		return Size(bytes), err == nil && bytes >= 0 && bytes < math.MaxInt64
	}
	return 0, false
}

// String returns s as the configuration writes it.
func (s Size) String() string {
	for _, unit := range sizeUnits {
		if s > 0 && int64(s)%unit.bytes == 0 {
			return fmt.Sprintf("%d%s", int64(s)/unit.bytes, unit.name)
		}
	}
	return "0"
}
