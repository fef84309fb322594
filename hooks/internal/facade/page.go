package facade

import (
	"strconv"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// limitMax is the most rows one page has, whatever the caller asks for.
const limitMax = 100

// pageMax keeps page × limit far inside what SQLite counts with.
const pageMax = 1_000_000

// Pagination is the documented form of a page's place in its list.
type Pagination struct {
	Page       int `json:"page"`
	Limit      int `json:"limit"`
	Total      int `json:"total"`
	TotalPages int `json:"totalPages"`
}

// NewPagination counts the pages.
func NewPagination(page, limit, total int) Pagination {
	return Pagination{Page: page, Limit: limit, Total: total, TotalPages: (total + limit - 1) / limit}
}

// Page reads the query parameters page (from 1, default 1) and limit (1 to
// 100, more is 100). Anything else is a 400 that names the parameter.
func Page(e *core.RequestEvent, defaultLimit int) (page, limit int, err error) {
	query := e.Request.URL.Query()
	reasons := map[string]string{}
	read := func(name string, otherwise, most int) int {
		raw := query.Get(name)
		if raw == "" {
			return otherwise
		}
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 {
			reasons[name] = "Must be a whole number from 1"
			return otherwise
		}
		return min(n, most)
	}
	page, limit = read("page", 1, pageMax), read("limit", defaultLimit, limitMax)
	if len(reasons) > 0 {
		return 0, 0, refusal.Of("invalid_request/query").With(reasons)
	}
	return page, limit, nil
}
