// Package table has what the intake writes of calls: for each table its columns, each
// name beside the place of its value, and the statements made of them.
package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Column is a column of a row and the place of its value in what stands for the row.
type Column struct {
	Name string
	at   any    // *string, *int64, *bool, *fold.Instant, *moment or *fold.Source
	as   string // what stands for its value in an insert, "?" when empty
	of   string // the provider whose ids it holds, of a *fold.Source
}

// moment is an fold.Instant in a column of times: text there, "" for none.
type moment fold.Instant

// Scan reads it.
func (s *moment) Scan(src any) error {
	text, is := src.(string)
	if !is {
		return fmt.Errorf("a time is stored as %T", src)
	}
	t, err := rows.Stamped(text)
	*s = moment(fold.At(t))
	return err
}

// value is what the column holds, as a statement takes it.
func (c Column) value() any {
	switch at := c.at.(type) {
	case *string:
		return *at
	case *int64:
		return *at
	case *bool:
		return *at
	case *fold.Instant:
		return int64(*at)
	case *moment:
		return fold.Instant(*at).Date()
	case *fold.Source:
		return idAt(*at, c.of)
	}
	panic("no kind of column: " + c.Name)
}

// Raw is what a record holds for the column: the field's own kind, so that setting it
// needs no reading.
func (c Column) Raw() any {
	if at, is := c.at.(*moment); is {
		return fold.Instant(*at).DateTime()
	}
	return c.value()
}

// same tells whether the column holds the same in another row.
func (c Column) same(o Column) bool {
	switch at := c.at.(type) {
	case *string:
		return *at == *o.at.(*string)
	case *int64:
		return *at == *o.at.(*int64)
	case *bool:
		return *at == *o.at.(*bool)
	case *fold.Instant:
		return *at == *o.at.(*fold.Instant)
	case *moment:
		return *at == *o.at.(*moment)
	case *fold.Source:
		return idAt(*at, c.of) == idAt(*o.at.(*fold.Source), o.of)
	}
	panic("no kind of column: " + c.Name)
}

// Family are the statements that write rows of one table. created and updated are
// columns of every table. The texts are built once: the writer knows its prepared
// statements by them.
type Family struct {
	table, key string // key is the column that finds a row to change
	// Insert writes one row.
	Insert string

	head, group, tail string // of an insert of many

	mu      sync.Mutex
	updates map[uint64]string // by the columns that change
}

// maxUpdates bounds the texts that are kept; few sets of columns occur.
const maxUpdates = 200

// familyOf makes the statements of a table with these columns, at most 64. conflict
// says what an insert does about a row that is there.
func familyOf(table, key, conflict string, parts ...[]Column) *Family {
	columns := slices.Concat(parts...)
	held := make([]string, len(columns))
	for i, c := range columns {
		held[i] = cmp.Or(c.as, "?")
	}
	f := &Family{
		table: table, key: key, updates: map[uint64]string{},
		head:  "INSERT INTO " + table + " (" + names(columns) + ", created, updated) VALUES ",
		group: "(" + strings.Join(held, ", ") + ", ?, ?)", tail: " " + conflict,
	}
	f.Insert = f.Inserts(1)
	return f
}

// Inserts writes n rows at once.
func (f *Family) Inserts(n int) string {
	if n == 1 && f.Insert != "" {
		return f.Insert
	}
	return f.head + strings.Repeat(f.group+", ", n-1) + f.group + f.tail
}

// names are the columns as a query lists them.
func names(columns []Column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.Name
	}
	return strings.Join(all, ", ")
}

// Values are the arguments of an insert: what the columns hold, then created and updated.
func Values(stamp string, parts ...[]Column) []any {
	n := 2
	for _, part := range parts {
		n += len(part)
	}
	all := make([]any, 0, n)
	for _, part := range parts {
		for _, c := range part {
			all = append(all, c.value())
		}
	}
	return append(all, stamp, stamp)
}

// Places are where a row that is read goes.
func Places(columns []Column) []any {
	all := make([]any, len(columns))
	for i, c := range columns {
		all[i] = c.at
		if source, is := c.at.(*fold.Source); is {
			all[i] = held{c.of, source}
		}
	}
	return all
}

// Change writes the columns that differ: an index whose column is named is written
// again even when the value is the same, and most messages change one column. key is
// the row's.
func (f *Family) Change(before, after []Column, stamp string, key any) (query string, args []any) {
	var differ uint64
	args = make([]any, 0, 8)
	for i, c := range after {
		if !c.same(before[i]) {
			differ |= 1 << i
			args = append(args, c.value())
		}
	}
	return f.update(differ, after), append(args, stamp, key)
}

func (f *Family) update(differ uint64, columns []Column) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, built := f.updates[differ]
	if built {
		return text
	}
	var set strings.Builder
	for i, c := range columns {
		if differ&(1<<i) != 0 {
			set.WriteString(c.Name + " = ?, ")
		}
	}
	text = "UPDATE " + f.table + " SET " + set.String() + "updated = ? WHERE " + f.key + " = ?"
	if len(f.updates) < maxUpdates {
		f.updates[differ] = text
	}
	return text
}
