package synthetic

import (
	"embed"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

//go:embed data
var data embed.FS

// words is what labels and organisations are made of.
type words struct {
	plain     [][]string // by language, ASCII only; English first
	foreign   []script   // for internationalised labels
	countries []string   // ISO 3166-1 alpha-2
	weights   weights    // of countries
	idna      *idna.Profile
}

// script is the vocabulary of one language with letters beyond ASCII.
type script struct {
	table string // the IDN table's name: the language's code
	words []string
}

// plainLanguages come before foreign ones in labels: six in ten are English.
var plainLanguages = [...]string{"english", "french", "spanish", "italian", "portuguese", "czech"}

// foreignLanguages are the files of words beyond ASCII and their codes. Their
// order is part of what a seed means.
var foreignLanguages = [...]struct{ file, code string }{
	{"idn-german", "de"},
	{"idn-swedish", "sv"},
	{"idn-polish", "pl"},
	{"idn-turkish", "tr"},
	{"idn-vietnamese", "vi"},
	{"idn-russian", "ru"},
	{"idn-ukrainian", "uk"},
	{"idn-greek", "el"},
	{"idn-arabic", "ar"},
	{"idn-hebrew", "he"},
	{"idn-farsi", "fa"},
	{"idn-hindi", "hi"},
	{"idn-thai", "th"},
	{"bip39-japanese", "ja"},
	{"bip39-korean", "ko"},
	{"bip39-simplified-chinese", "zh"},
	{"bip39-french", "fr"},
	{"bip39-spanish", "es"},
}

func loadWords() (*words, error) {
	w := &words{idna: idna.New(
		idna.ValidateLabels(true), idna.CheckHyphens(true), idna.CheckJoiners(true), idna.BidiRule(),
		idna.StrictDomainName(true), idna.Transitional(false), idna.VerifyDNSLength(true))}
	for _, language := range plainLanguages {
		list, err := readWords("bip39-" + language)
		if err != nil {
			return nil, err
		}
		w.plain = append(w.plain, filter(list, isPlain))
	}
	for _, language := range foreignLanguages {
		list, err := readWords(language.file)
		if err != nil {
			return nil, err
		}
		list = filter(list, func(word string) bool { return !isPlain(word) && w.encode(word) != "" })
		w.foreign = append(w.foreign, script{language.code, list})
	}
	return w, w.loadCountries()
}

func readWords(name string) ([]string, error) {
	text, err := data.ReadFile("data/" + name + ".txt")
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text)), nil
}

func (w *words) loadCountries() error {
	text, err := data.ReadFile("data/countries.csv")
	if err != nil {
		return err
	}
	var shares []uint32
	for line := range strings.Lines(string(text)) {
		code, weight, _ := strings.Cut(strings.TrimSpace(line), ",")
		if len(code) != 2 {
			continue // the heading
		}
		x, err := strconv.ParseFloat(weight, 64)
		if err != nil {
			return fmt.Errorf("countries.csv: %s: %w", code, err)
		}
		w.countries = append(w.countries, code)
		shares = append(shares, uint32(math.Round(x*10)))
	}
	w.weights = weigh(shares...)
	return nil
}

func filter(list []string, keep func(string) bool) []string {
	kept := list[:0]
	for _, word := range list {
		if keep(word) {
			kept = append(kept, word)
		}
	}
	return kept
}

func isPlain(word string) bool {
	for i := range len(word) {
		if word[i] < 'a' || word[i] > 'z' {
			return false
		}
	}
	return word != ""
}

// english returns a word that begins with a capital.
func (w *words) english(s *stream) string {
	word := w.plain[0][s.below(len(w.plain[0]))]
	return string(word[0]-'a'+'A') + word[1:]
}
