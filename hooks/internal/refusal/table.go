package refusal

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Row is one refusal of the table. Programs switch on the code, people read the
// sentence.
type Row struct {
	// Name is how it is called where it is said: a code, or a code and after a slash
	// which of its sentences.
	Name   string `json:"name"`
	Status int    `json:"status"`
	// English and French are the sentence without a full stop; {1} is what varies.
	English string `json:"en"`
	French  string `json:"fr"`
}

// Code is the word for programs. It stays what it is.
func (r Row) Code() string {
	code, _, _ := strings.Cut(r.Name, "/")
	return code
}

//go:embed table.json
var tableFile []byte

// table is every refusal, by status and then by code.
var table = sync.OnceValue(func() (rows []Row) {
	if err := json.Unmarshal(tableFile, &rows); err != nil {
		panic(fmt.Sprintf("refusal: table.json: %v", err))
	}
	return rows
})

// byName are the rows by how they are called.
var byName = sync.OnceValue(func() map[string]Row {
	rows := map[string]Row{}
	for _, r := range table() {
		rows[r.Name] = r
	}
	return rows
})

// Table is every refusal there is, by status and then by code.
func Table() []Row { return table() }

// codes are the words for a status alone: the first code of each in the table.
var codes = sync.OnceValue(func() map[int]string {
	all := map[int]string{}
	for _, r := range table() {
		if all[r.Status] == "" {
			all[r.Status] = r.Code()
		}
	}
	return all
})

// codeOf is the code of whatever is refused with a status and has none of its own.
func codeOf(status int) string {
	switch code := codes()[status]; {
	case code != "":
		return code
	case status >= http.StatusInternalServerError:
		return codes()[http.StatusInternalServerError]
	}
	return codes()[http.StatusBadRequest]
}

// gap is what varies in a sentence.
var gap = regexp.MustCompile(`\{\d+\}`)

// filled is a sentence with something in its gaps.
func filled(sentence string, with []any) string {
	return gap.ReplaceAllStringFunc(sentence, func(at string) string {
		if n, err := strconv.Atoi(at[1 : len(at)-1]); err == nil && n >= 1 && n <= len(with) {
			return fmt.Sprint(with[n-1])
		}
		return at
	})
}
