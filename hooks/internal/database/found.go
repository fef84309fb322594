package database

import (
	"database/sql"
	"errors"
)

// Found tells a row that is not there, nil, from a read that failed, an error.
// Whoever takes every error for "not there" signs people out, keeps what was to
// be erased and orphans what was to be deleted while the database is busy.
//
// Example: user, err := database.Found(app.FindRecordById(collections.Users, id))
func Found[T any](row *T, err error) (*T, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return row, nil
}
