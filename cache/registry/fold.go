package registry

import (
	"strings"
	"unicode"
)

// FoldName returns the key under which a registrar is found by name: its
// letters and digits alone, case folded (whois.md Q-05).
func FoldName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
