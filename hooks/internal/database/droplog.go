package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// Wipe overwrites whatever the statements of do delete, in the transaction tx is,
// whole pages as well: else those stay in the file until they are used again. The
// setting belongs to the connection, so it is taken back whatever happens.
func Wipe(tx core.App, do func() error) (err error) {
	set := func(mode string) error {
		if _, err := tx.NonconcurrentDB().NewQuery("PRAGMA secure_delete = " + mode).Execute(); err != nil {
			return fmt.Errorf("wipe what is deleted: %w", err)
		}
		return nil
	}
	if err := set("ON"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set(deleted)) }()
	return do()
}

// logPatience is how long DropLog waits for readers, in milliseconds: everybody
// who writes waits as long.
const logPatience = 200

var errLogRead = errors.New("somebody reads an older state of the database")

// DropLog overwrites pages that earlier changes left free (wipeFree), writes the
// write-ahead log into the database and empties it: both hold rows as they were
// before they were erased. Readers of an older state keep
// it from being emptied; then the error says so, and the log is written over as
// changes come.
func DropLog(ctx context.Context, app core.App) error {
	db, ok := app.NonconcurrentDB().(*dbx.DB)
	if !ok {
		return errors.New("drop the log: inside a transaction")
	}
	conn, err := db.DB().Conn(ctx)
	if err != nil {
		return fmt.Errorf("drop the log: %w", err)
	}
	defer conn.Close()
	var patience, busy, pages, moved int
	if err := conn.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&patience); err != nil {
		return fmt.Errorf("drop the log: %w", err)
	}
	set := func(ms int) error { // the connection is the others' as well: whatever became of the request
		_, err := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", ms))
		return err
	}
	if err := wipeFree(ctx, conn); err != nil {
		return fmt.Errorf("drop the log: %w", err)
	}
	if err := set(logPatience); err != nil {
		return fmt.Errorf("drop the log: %w", err)
	}
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errLogRead
	}
	if err = errors.Join(err, set(patience)); err != nil {
		return fmt.Errorf("drop the log: %w", err)
	}
	return nil
}

// freeAtOnce is how many free pages are overwritten, those that were left last:
// 64 MB, which keep writers waiting for about a second.
const freeAtOnce = 16_384

// wipeFree overwrites the pages nothing is in. Where changes are frequent a search
// index is merged, and rows as well as their words move, pages become free with
// their bytes (deleted). It takes them with a row of zeros, whose table goes
// before anybody sees it.
func wipeFree(ctx context.Context, conn *sql.Conn) (err error) {
	whole := context.WithoutCancel(ctx) // the connection is the others' as well
	if _, err := conn.ExecContext(whole, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("wipe free pages: %w", err)
	}
	end := "ROLLBACK"
	defer func() {
		_, failure := conn.ExecContext(whole, end)
		err = errors.Join(err, failure)
	}()
	var pages, size int
	if err := conn.QueryRowContext(whole, `SELECT min(f.freelist_count, ?), s.page_size
		FROM pragma_freelist_count f, pragma_page_size s`, freeAtOnce).Scan(&pages, &size); err != nil {
		return fmt.Errorf("wipe free pages: %w", err)
	}
	if pages < 2 { // the table itself takes one
		return nil
	}
	for _, statement := range []string{
		"CREATE TABLE free_pages (zeros BLOB)",
		fmt.Sprintf("INSERT INTO free_pages VALUES (zeroblob(%d))", (pages-1)*(size-4)),
		"DROP TABLE free_pages",
	} {
		if _, err := conn.ExecContext(whole, statement); err != nil {
			return fmt.Errorf("wipe free pages: %w", err)
		}
	}
	end = "COMMIT"
	return nil
}
