package inbox

type gathered struct {
	kind  string
	write func(tx *Tx, rows []any) error
	rows  []any
}

// Gather keeps a row back until the end of the transaction, so that rows of one
// kind are written in one piece: a full-text index, say, is flushed once a
// statement. Kinds are written in the order of their first row. Who reads such
// rows earlier calls Flush first.
func (tx *Tx) Gather(kind string, row any, write func(tx *Tx, rows []any) error) {
	for i := range tx.last {
		if tx.last[i].kind == kind {
			tx.last[i].rows = append(tx.last[i].rows, row)
			return
		}
	}
	tx.last = append(tx.last, gathered{kind, write, []any{row}})
}

// Gathered tells whether rows of a kind wait to be written.
func (tx *Tx) Gathered(kind string) bool {
	for _, g := range tx.last {
		if g.kind == kind {
			return true
		}
	}
	return false
}

// Flush writes everything that was gathered.
func (tx *Tx) Flush() error {
	for len(tx.last) > 0 {
		all := tx.last
		tx.last = nil
		for _, g := range all {
			if err := g.write(tx, g.rows); err != nil {
				return err
			}
		}
	}
	return nil
}
