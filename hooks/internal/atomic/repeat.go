package atomic

import (
	"context"

	"github.com/pocketbase/pocketbase/core"
)

// repeatBatch is how many rows one statement of Repeat changes: others wait for
// the write lock meanwhile.
const repeatBatch = 500

// Repeat repeats a statement that ends in LIMIT ? until it changes nothing more,
// each time by itself, and says how many rows it changed.
func Repeat(ctx context.Context, app core.App, query string, args ...any) (total int, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		result, err := Of(app).Exec(query, append(args, repeatBatch)...)
		if err != nil {
			return total, err
		}
		n, err := result.RowsAffected()
		total += int(n)
		if err != nil || n == 0 {
			return total, err
		}
	}
}
