package vapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// Analytics is /analytics; Pocketline uses it to compare minutes and cost with
// its own books.
// https://docs.vapi.ai/api-reference/analytics
type Analytics struct{ c *Client }

// AnalyticsQuery asks for figures. Name is cut to 40 characters when sent;
// Table is call or subscription.
type AnalyticsQuery struct {
	Name       string               `json:"name"`
	Table      string               `json:"table"`
	Operations []AnalyticsOperation `json:"operations"`
	// GroupBy takes type, assistantId, endedReason, status and
	// analysis.successEvaluation.
	GroupBy   []string            `json:"groupBy,omitempty"`
	TimeRange *AnalyticsTimeRange `json:"timeRange,omitempty"`
}

// MarshalJSON cuts the name.
func (q AnalyticsQuery) MarshalJSON() ([]byte, error) {
	type plain AnalyticsQuery
	p := plain(q)
	p.Name = Name(q.Name)
	return json.Marshal(p)
}

// AnalyticsOperation is sum, avg, count, min, max or history of a column.
type AnalyticsOperation struct {
	Operation string `json:"operation"`
	Column    string `json:"column"`
	Alias     string `json:"alias,omitempty"`
}

// AnalyticsTimeRange defaults to the last seven days.
type AnalyticsTimeRange struct {
	Start    time.Time `json:"start,omitzero"`
	End      time.Time `json:"end,omitzero"`
	Step     string    `json:"step,omitempty"`
	Timezone string    `json:"timezone,omitempty"`
}

// AnalyticsResult is the answer to one query: rows of date, group and aliases.
type AnalyticsResult struct {
	Name      string             `json:"name"`
	TimeRange AnalyticsTimeRange `json:"timeRange"`
	Result    []map[string]any   `json:"result"`
}

// Get runs the queries. It reads only, yet is a POST, so it is not repeated.
func (s *Analytics) Get(ctx context.Context, queries ...AnalyticsQuery) ([]AnalyticsResult, error) {
	var out []AnalyticsResult
	_, err := s.c.do(ctx, httpjson.Request{Method: http.MethodPost, Path: "/analytics",
		Body: map[string]any{"queries": queries}}, &out)
	return out, err
}
