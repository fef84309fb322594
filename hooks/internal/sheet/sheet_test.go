package sheet

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

func TestWriter_nothing_in_a_file_is_run(t *testing.T) {
	cells := []string{
		"=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\r\n=1", "＝1", "＋1", "－1", "＠SUM(1)",
		" =1", "\u00a0=1", "\ufeff=1", "\u200b+1", "\u202e=1",
		"\x00=1", "\x1b=1", "\u3000＝1", "−1", "﹦1", "+12025550170", `"=1`, `x","=1`, "two\nlines", "Zoë", "",
	}
	var file bytes.Buffer
	w := New(&file, "a", "b")
	for _, cell := range cells {
		w.Row(cell, "plain")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(file.String(), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked || len(rows) != len(cells)+1 {
		t.Fatalf("%d rows, marked %v, %v", len(rows), marked, err)
	}
	for i, row := range rows[1:] {
		cell := strings.TrimLeft(row[0], " \u00a0\ufeff\u200b\u202e\u3000")
		if strings.ContainsAny(row[0], "\x00\x1b\r") || cell != "" &&
			strings.ContainsRune("=+-@＝＋－＠−﹦\t\n", []rune(cell)[0]) {
			t.Errorf("%q became %q", cells[i], row[0])
		}
	}
	for text, want := range map[string]string{"+12025550170": "'+12025550170", "Zoë": "Zoë", "two\nlines": "two\nlines",
		"a=1": "a=1", "1-2": "1-2"} {
		if got := Cell(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
