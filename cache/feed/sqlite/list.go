package sqlite

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// appendTexts appends the texts of a JSON array of strings to dst. ok is false
// for anything else; what dst holds then is not the list.
//
// The views write arrays without spaces, and their texts seldom need escapes:
// that form costs no copy, the texts share list's memory. Any other goes to
// encoding/json.
func appendTexts(dst []string, list string) (texts []string, ok bool) {
	if list == "[]" {
		return dst, true
	}
	start := len(dst)
	rest := list
	for open := byte('['); ; open = ',' {
		if len(rest) < 3 || rest[0] != open || rest[1] != '"' {
			break
		}
		rest = rest[2:]
		end := strings.IndexByte(rest, '"')
		if end < 0 || !plain(rest[:end]) {
			break
		}
		dst = append(dst, rest[:end])
		if rest = rest[end+1:]; rest == "]" {
			return dst, true
		}
	}
	return appendAnyTexts(dst[:start], list)
}

// plain reports whether a JSON string holds what it says: no escape, and no
// control character, which JSON forbids.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' || s[i] < ' ' {
			return false
		}
	}
	return true
}

func appendAnyTexts(dst []string, list string) ([]string, bool) {
	var values []*string // pointers, because null would pass as ""
	if !utf8.ValidString(list) || json.Unmarshal([]byte(list), &values) != nil || values == nil {
		return dst, false
	}
	for _, v := range values {
		if v == nil {
			return dst, false
		}
		dst = append(dst, *v)
	}
	return dst, true
}
