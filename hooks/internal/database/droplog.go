package database

import (
	"context"
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

// DropLog writes the write-ahead log into the database and empties it: the log
// holds rows as they were before they were erased. Readers of an older state keep
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
