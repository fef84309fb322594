// Package sheet writes tables as CSV files that spreadsheets open without
// running anything in them: the one writer of every export.
package sheet

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"

	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

// mark tells spreadsheets that the file is UTF-8.
const mark = "\ufeff"

// Writer writes rows. It keeps its first error: Err after the last row.
type Writer struct {
	out *csv.Writer
	err error
}

// New begins a file with the names of its columns.
func New(w io.Writer, columns ...string) *Writer {
	s := &Writer{out: csv.NewWriter(w)}
	if _, s.err = io.WriteString(w, mark); s.err == nil {
		s.err = s.out.Write(columns)
	}
	return s
}

// Row adds a row.
func (s *Writer) Row(cells ...string) {
	if s.err != nil {
		return
	}
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = Cell(cell)
	}
	s.err = s.out.Write(safe)
}

// Flush sends what was written so far and tells the first error.
func (s *Writer) Flush() error {
	s.out.Flush()
	if s.err == nil {
		s.err = s.out.Error()
	}
	return s.err
}

// Cell is a text as a cell that is never taken for a formula (security.md S49):
// an apostrophe stands before what a spreadsheet would run, also when blanks
// it skips come first. Control characters other than line feed and tab are
// left out.
func Cell(text string) string {
	text = untrusted.CleanText(text)
	if text == "" {
		return ""
	}
	seen := strings.TrimLeftFunc(text,
		func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Mn) })
	if strings.ContainsRune("\t\n", rune(text[0])) || runs(seen) {
		return "'" + text
	}
	return text
}

// runs tells of a text that begins like a formula: full-width signs too, which
// spreadsheets in East Asia read alike.
func runs(text string) bool {
	for _, r := range text {
		return strings.ContainsRune("=+-@＝＋－＠﹢﹣﹦﹫−", r)
	}
	return false
}
