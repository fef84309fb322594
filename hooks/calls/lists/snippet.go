package lists

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/pocketline/pocketline/collections/words"
)

// snippetWords is how many words of a text a hit shows.
const snippetWords = 24

// term is a word or phrase somebody looks for, folded as the index folds.
type term struct {
	words  []string
	joined string // the words as one, when they may be written so
	prefix bool   // the last word is a beginning
	char   bool   // the last word is one character of a script without spaces
}

// tokens are lists to use again: a page of hits looks at tens of thousands of
// words.
var tokens = sync.Pool{New: func() any { return new([]words.Token) }}

// hit is where a term stands: tokens first to last, and where the last one's part
// of it ends.
type hit struct {
	term, first, last int
	to                int32
}

func hits(text string, all []words.Token, terms []term) (found []hit) {
	first := beginnings(terms)
	for i := 0; i < len(all); {
		if c := text[all[i].From]; c < utf8.RuneSelf && !first[c] {
			i++
			continue
		}
		next := i + 1
		for n := range terms {
			if last, to, ok := terms[n].at(text, all, i); ok {
				found = append(found, hit{n, i, last, to})
				next = last + 1
				break
			}
		}
		i = next
	}
	return found
}

// beginnings are the ASCII characters that a term begins with: most words of a
// text begin otherwise.
func beginnings(terms []term) (first [utf8.RuneSelf]bool) {
	for _, t := range terms {
		if c := t.words[0][0]; c < utf8.RuneSelf {
			first[c] = true
			first[unicode.ToUpper(rune(c))] = true
		}
	}
	return first
}

// at tells whether the term begins at a token, and where it ends.
func (t *term) at(text string, all []words.Token, i int) (last int, to int32, ok bool) {
	if t.phraseAt(text, all[i:]) {
		last = i + len(t.words) - 1
		if to = all[last].To; t.char {
			to = all[last].First
		}
		return last, to, true
	}
	one := t.joined
	if one == "" && len(t.words) == 1 {
		one = t.words[0]
	}
	if last, ok = t.joinedAt(one, text, all, i); ok {
		return last, all[last].To, true
	}
	return 0, 0, false
}

// phraseAt compares the words with as many tokens.
func (t *term) phraseAt(text string, at []words.Token) bool {
	if len(at) < len(t.words) {
		return false
	}
	for k, want := range t.words {
		rest, ok := behind(text[at[k].From:at[k].To], want)
		if !ok || rest != "" && !((t.prefix || t.char) && k == len(t.words)-1) {
			return false
		}
	}
	return true
}

// joinedAt compares one word with tokens that may be written as one.
func (t *term) joinedAt(one, text string, all []words.Token, i int) (last int, ok bool) {
	if one == "" || t.char {
		return 0, false
	}
	for n := i; n < len(all) && (n == i || all[n].Link == words.Joined); n++ {
		word := text[all[n].From:all[n].To]
		if rest, ok := behind(word, one); ok { // the last of them
			return n, rest == "" || t.prefix
		}
		if !mayBegin(one[0], word[0]) {
			return 0, false
		}
		if one, ok = strings.CutPrefix(one, words.Fold(word)); !ok {
			return 0, false
		}
	}
	return 0, false
}

// behind is what follows a beginning in a folded word; ok is false when the word
// does not begin so.
func behind(word, beginning string) (rest string, ok bool) {
	if !mayBegin(word[0], beginning[0]) {
		return "", false
	}
	return strings.CutPrefix(words.Fold(word), beginning)
}

// mayBegin tells whether words with these first bytes can begin alike: most
// comparisons of plain letters end here.
func mayBegin(a, b byte) bool { return a >= utf8.RuneSelf || b >= utf8.RuneSelf || a|0x20 == b|0x20 }

// snippet is the stretch of a text that shows most of what was looked for, the
// matches between ‹ and ›. matched counts the different terms in it. SQLite's own
// snippet() does the same and takes longer than the whole search.
func snippet(text string, terms []term) (shown string, matched int) {
	space := tokens.Get().(*[]words.Token)
	defer tokens.Put(space)
	*space = words.Split((*space)[:0], text)
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
	at := int32(0)
	if start > 0 {
		b.WriteString("…")
		at = all[start].From
	}
	for _, h := range found {
		if h.first < start || h.last > end {
			continue
		}
		from := max(at, all[h.first].From) // pairs overlap
		if from >= h.to {
			continue
		}
		b.WriteString(text[at:from])
		b.WriteString("‹" + text[from:h.to] + "›")
		at = h.to
	}
	if end == len(all)-1 {
		b.WriteString(text[at:])
	} else {
		b.WriteString(text[at:max(at, all[end].To)])
		b.WriteString("…")
	}
	return b.String(), best
}
