package vapi

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// maxPage is the largest page Vapi gives.
const maxPage = 1000

// defaultPage keeps a page of calls, whose rows carry whole transcripts, well
// under the size limit of an answer.
const defaultPage = 100

// ListOptions narrow a plain list. Zero values ask for nothing.
// https://docs.vapi.ai/api-reference/assistants/list
type ListOptions struct {
	// Limit is at most 1000; Vapi's default is 100.
	Limit       int
	CreatedAtGt time.Time
	CreatedAtLt time.Time
	CreatedAtGe time.Time
	CreatedAtLe time.Time
	UpdatedAtGt time.Time
	UpdatedAtLt time.Time
}

func (o *ListOptions) query() url.Values {
	q := url.Values{}
	if o == nil {
		return q
	}
	if o.Limit > 0 {
		q.Set("limit", strconv.Itoa(min(o.Limit, maxPage)))
	}
	for _, f := range []struct {
		name string
		at   time.Time
	}{
		{"createdAtGt", o.CreatedAtGt}, {"createdAtLt", o.CreatedAtLt}, {"createdAtGe", o.CreatedAtGe},
		{"createdAtLe", o.CreatedAtLe}, {"updatedAtGt", o.UpdatedAtGt}, {"updatedAtLt", o.UpdatedAtLt},
	} {
		if !f.at.IsZero() {
			q.Set(f.name, f.at.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
	}
	return q
}

// PageOptions narrow a numbered list.
type PageOptions struct {
	// Page counts from 1.
	Page  int
	Limit int
	// SortOrder is ASC or DESC.
	SortOrder string
	// Filter holds further query parameters of the resource.
	Filter url.Values
}

func (o *PageOptions) query() url.Values {
	q := url.Values{}
	if o == nil {
		return q
	}
	for k, v := range o.Filter {
		q[k] = v
	}
	if o.Page > 0 {
		q.Set("page", strconv.Itoa(o.Page))
	}
	if o.Limit > 0 {
		q.Set("limit", strconv.Itoa(min(o.Limit, maxPage)))
	}
	if o.SortOrder != "" {
		q.Set("sortOrder", o.SortOrder)
	}
	return q
}

// Page is one page of a numbered list.
type Page[T any] struct {
	Results  []T `json:"results"`
	Metadata struct {
		ItemsPerPage int `json:"itemsPerPage"`
		TotalItems   int `json:"totalItems"`
		CurrentPage  int `json:"currentPage"`
	} `json:"metadata"`
}

// stamped is what paging needs to know of a row.
type stamped interface {
	stamp() (id string, created time.Time)
}

func list[T any](ctx context.Context, c *Client, path string, q url.Values) ([]T, error) {
	var rows []json.RawMessage
	if _, err := c.do(ctx, httpjson.Request{Method: http.MethodGet, Path: path, Query: q}, &rows); err != nil {
		return nil, err
	}
	out := make([]T, len(rows))
	for i, raw := range rows {
		if err := lenient(json.Unmarshal(raw, &out[i])); err != nil {
			return nil, &Error{Method: http.MethodGet, Path: path, cause: err}
		}
	}
	return out, nil
}

func page[T any](ctx context.Context, c *Client, path string, o *PageOptions) (*Page[T], error) {
	return send[Page[T]](ctx, c, httpjson.Request{Method: http.MethodGet, Path: path, Query: o.query()})
}

// all walks a plain list backwards in time. Vapi has no page number: the next
// page is what was created before the oldest row seen. Rows that share that
// moment would be lost, so the cut is made one millisecond later and rows seen
// before are skipped.
func all[T any, P interface {
	*T
	stamped
}](ctx context.Context, c *Client, path string, o *ListOptions, more url.Values) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		var opts ListOptions
		if o != nil {
			opts = *o
		}
		if opts.Limit <= 0 {
			opts.Limit = defaultPage
		}
		opts.Limit = min(opts.Limit, maxPage)
		seen := map[string]bool{}
		for {
			q := opts.query()
			maps.Copy(q, more)
			rows, err := list[T](ctx, c, path, q)
			if err != nil {
				yield(nil, err)
				return
			}
			oldest := oldestOf[T, P](rows)
			fresh := map[string]bool{}
			for i := range rows {
				id, _ := P(&rows[i]).stamp()
				if seen[id] {
					continue
				}
				fresh[id] = true
				if !yield(&rows[i], nil) {
					return
				}
			}
			if len(rows) < opts.Limit || oldest.IsZero() {
				return
			}
			next := oldest.Add(time.Millisecond)
			if len(fresh) == 0 || !earlier(next, opts.CreatedAtLt) {
				// A whole page within one millisecond: step over it.
				next = oldest
			}
			if !earlier(next, opts.CreatedAtLt) {
				return
			}
			opts.CreatedAtLt = next
			for id := range fresh {
				seen[id] = true
			}
		}
	}
}

// oldestOf is when the first of some rows was created; zero when none says it.
func oldestOf[T any, P interface {
	*T
	stamped
}](rows []T) (oldest time.Time) {
	for i := range rows {
		if _, created := P(&rows[i]).stamp(); !created.IsZero() && (oldest.IsZero() || created.Before(oldest)) {
			oldest = created
		}
	}
	return oldest
}

// earlier tells whether an instant lies before a bound; before none all do.
func earlier(at, bound time.Time) bool { return bound.IsZero() || at.Before(bound) }

// lenient forgives a field of an unexpected kind: the decoder has filled the
// rest of the value.
func lenient(err error) error {
	if isKindMismatch(err) {
		return nil
	}
	return err
}
