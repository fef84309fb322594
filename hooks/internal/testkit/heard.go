package testkit

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/database"
)

// heard opens files as the product does, with an ear between database/sql and the
// driver: dbx's own log hears nothing of what goes around it.
func heard(hear func(statement string)) core.DBConnectFunc {
	return func(path string) (*dbx.DB, error) {
		plain, err := database.Connect(path)
		if err != nil {
			return nil, err
		}
		defer plain.Close()
		return dbx.NewFromDB(sql.OpenDB(ear{plain.DB().Driver(), database.DSN(path), hear}), "sqlite"), nil
	}
}

// ear opens connections whose statements are heard.
type ear struct {
	driver driver.Driver
	dsn    string
	hear   func(statement string)
}

func (e ear) Driver() driver.Driver { return e.driver }

func (e ear) Connect(context.Context) (driver.Conn, error) {
	c, err := e.driver.Open(e.dsn)
	if err != nil {
		return nil, err
	}
	return &heardConn{c.(conn), e.hear}, nil
}

// conn is what the driver's connections can do.
type conn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type heardConn struct {
	conn
	hear func(statement string)
}

func (c *heardConn) PrepareContext(ctx context.Context, statement string) (driver.Stmt, error) {
	c.hear(statement)
	return c.conn.PrepareContext(ctx, statement)
}

func (c *heardConn) ExecContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result,
	error) {
	c.hear(statement)
	return c.conn.ExecContext(ctx, statement, args)
}

func (c *heardConn) QueryContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	c.hear(statement)
	return c.conn.QueryContext(ctx, statement, args)
}
