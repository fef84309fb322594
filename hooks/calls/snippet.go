package calls

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// snippetWords is how many words of a text a hit shows.
const snippetWords = 24

// term is a word or phrase somebody looks for, folded as the index folds.
type term struct {
	words  []string
	prefix bool // the last word is a beginning
}

// isWord tells whether the index takes a rune for part of a word.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

// fold makes a word comparable: small letters without accents.
func fold(word string) string {
	ascii := true
	for i := 0; i < len(word); i++ {
		if word[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	word = strings.ToLower(word)
	if ascii {
		return word
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(word))
}

// span is a word's place in a text.
type span struct{ from, to int }

// plain tells which ASCII characters are part of a word.
var plain = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = isWord(rune(c))
	}
	return t
}()

// words adds the words of a text.
func words(found []span, text string) []span {
	from := -1
	for i := 0; i < len(text); {
		is, size := false, 1
		if c := text[i]; c < utf8.RuneSelf {
			is = plain[c]
		} else {
			var r rune
			r, size = utf8.DecodeRuneInString(text[i:])
			is = isWord(r)
		}
		switch {
		case is && from < 0:
			from = i
		case !is && from >= 0:
			found = append(found, span{from, i})
			from = -1
		}
		i += size
	}
	if from >= 0 {
		found = append(found, span{from, len(text)})
	}
	return found
}

// spans are lists to use again: a page of hits looks at tens of thousands of
// words.
var spans = sync.Pool{New: func() any { return new([]span) }}

// hit is where a term stands: words first to last.
type hit struct{ term, first, last int }

func hits(text string, all []span, terms []term) (found []hit) {
	for i := 0; i < len(all); {
		next := i + 1
		for n, t := range terms {
			if matches(text, all[i:], t) {
				found = append(found, hit{n, i, i + len(t.words) - 1})
				next = i + len(t.words)
				break
			}
		}
		i = next
	}
	return found
}

func matches(text string, at []span, t term) bool {
	if len(at) < len(t.words) {
		return false
	}
	for k, want := range t.words {
		word := text[at[k].from:at[k].to]
		// Folding only shortens or keeps what is not plain letters; the first
		// letter of plain words decides most comparisons at once.
		if c := word[0]; c < utf8.RuneSelf && want[0] < utf8.RuneSelf && c|0x20 != want[0]|0x20 {
			return false
		}
		word = fold(word)
		if word != want && !(t.prefix && k == len(t.words)-1 && strings.HasPrefix(word, want)) {
			return false
		}
	}
	return true
}

// snippet is the stretch of a text that shows most of what was looked for, the
// matches between ‹ and ›. matched counts the different terms in it. SQLite's own
// snippet() does the same and takes longer than the whole search.
func snippet(text string, terms []term) (shown string, matched int) {
	space := spans.Get().(*[]span)
	defer spans.Put(space)
	*space = words((*space)[:0], text)
	all := *space
	found := hits(text, all, terms)
	if len(found) == 0 {
		return "", 0
	}
	best, start := 0, 0
	for i, h := range found {
		var seen uint64
		count := 0
		for _, o := range found[i:] {
			if o.last >= h.first+snippetWords {
				break
			}
			if bit := uint64(1) << (o.term % 64); seen&bit == 0 {
				seen |= bit
				count++
			}
		}
		if count > best {
			best, start = count, h.first
		}
	}
	if len(all) <= snippetWords {
		start = 0
	} else {
		start = max(0, min(start-4, len(all)-snippetWords)) // a few words before, to read it by
	}
	end := min(start+snippetWords, len(all)) - 1
	var b strings.Builder
	at := 0
	if start > 0 {
		b.WriteString("…")
		at = all[start].from
	}
	for _, h := range found {
		if h.first < start || h.last > end {
			continue
		}
		b.WriteString(text[at:all[h.first].from])
		b.WriteString("‹" + text[all[h.first].from:all[h.last].to] + "›")
		at = all[h.last].to
	}
	if end == len(all)-1 {
		b.WriteString(text[at:])
	} else {
		b.WriteString(text[at:all[end].to])
		b.WriteString("…")
	}
	return b.String(), best
}
