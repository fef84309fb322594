package lists

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Numbered are the ids of a page by number of what a request's query string asks
// for, and how many there are in all. Deep pages cost what OFFSET costs, over one
// index; the dashboard pages by key.
func (l *Lists) Numbered(r *http.Request, t *tenant.Tenant, pageNumber, limit int) (ids []string,
	count int, err error) {
	q, err := parseQuery(r, t.Organization)
	if err != nil {
		return nil, 0, badField(err)
	}
	q.Masked = t.Masked()
	ctx := r.Context()
	terms, args := q.conditions()
	from := "calls c"
	if q.Search != "" {
		found, more := l.searching(q).found()
		if found == "" {
			return nil, 0, nil
		}
		from, args = "("+found+") f CROSS JOIN calls c ON c.id = f.id", append(more, args...)
	}
	where := " FROM " + from + " WHERE " + strings.Join(terms, " AND ")
	key := fmt.Sprint(where, args)
	count, err = l.totals.Get(ctx, key, func() (n int, _ time.Duration, err error) {
		err = l.reads.QueryRowContext(ctx, "SELECT count(*)"+where, args...).Scan(&n)
		return n, fresh(int64(n)), err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count calls: %w", err)
	}
	rows, err := l.reads.QueryContext(ctx, "SELECT c.id"+where+" ORDER BY c.started_at DESC, c.id DESC LIMIT ? OFFSET ?",
		append(args, limit, (pageNumber-1)*limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list calls: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, 0, err
		}
		ids = append(ids, id)
	}
	return ids, count, rows.Err()
}
