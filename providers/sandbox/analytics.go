package sandbox

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// analytics is POST /analytics: counts and sums over the calls in memory.
func (s *Server) analytics(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r)
	if err == nil {
		err = validate(analyticsRules, body)
	}
	if err != nil {
		return err
	}
	answers := []any{}
	for _, v := range list(body, "queries") {
		answers = append(answers, s.analyse(v.(object)))
	}
	writeJSON(w, http.StatusCreated, answers)
	return nil
}

func (s *Server) analyse(query object) object {
	end := time.Now().UTC()
	if at, err := time.Parse(time.RFC3339, str(query, "timeRange", "end")); err == nil {
		end = at
	}
	start := end.AddDate(0, 0, -7)
	if at, err := time.Parse(time.RFC3339, str(query, "timeRange", "start")); err == nil {
		start = at
	}
	zone, err := time.LoadLocation(orElse(str(query, "timeRange", "timezone"), "UTC"))
	if err != nil {
		zone = time.UTC
	}
	step := str(query, "timeRange", "step")
	within := func(made time.Time) bool { return !made.Before(start) && made.Before(end) }
	groups, keys := s.grouped(within, zone, step, list(query, "groupBy"))
	if len(groups) == 0 && step == "" && len(list(query, "groupBy")) == 0 {
		groups[""], keys[""] = nil, object{}
	}
	ids := make([]string, 0, len(groups))
	for id := range groups {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(str(keys[a], "date"), str(keys[b], "date")), cmp.Compare(a, b))
	})
	result := []any{}
	for _, id := range ids {
		row := with(keys[id])
		for _, o := range list(query, "operations") {
			operation := o.(object)
			kind, column := str(operation, "operation"), str(operation, "column")
			row[orElse(str(operation, "alias"), kind+strings.ToUpper(column[:1])+column[1:])] = operate(kind, column, groups[id])
		}
		result = append(result, row)
	}
	return object{
		"name": str(query, "name"), "result": result,
		"timeRange": object{"start": stamp(start), "end": stamp(end), "step": step, "timezone": zone.String()},
	}
}

// grouped are the calls of a time by what they have in common, and that for each group.
func (s *Server) grouped(within func(time.Time) bool, zone *time.Location, step string, by []any) (map[string][]object,
	map[string]object) {
	groups, keys := map[string][]object{}, map[string]object{}
	for _, call := range slices.Backward(s.all("call")) {
		made, err := time.Parse(time.RFC3339, str(call, "createdAt"))
		if err != nil || !within(made) {
			continue
		}
		key := object{}
		if step != "" {
			key["date"] = stamp(truncate(made.In(zone), step))
		}
		for _, g := range by {
			name := g.(string)
			key[name] = dig(call, strings.Split(name, ".")...)
		}
		id := fmt.Sprint(key)
		groups[id], keys[id] = append(groups[id], call), key
	}
	return groups, keys
}

func operate(kind, column string, calls []object) any {
	if kind == "count" {
		return len(calls)
	}
	var values []float64
	for _, call := range calls {
		values = append(values, columnOf(call, column))
	}
	if kind == "history" {
		history := []any{}
		for i, call := range calls {
			history = append(history, object{"date": call["createdAt"], "value": values[i]})
		}
		return history
	}
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch kind {
	case "avg":
		return rounded(sum / float64(len(values)))
	case "min":
		return slices.Min(values)
	case "max":
		return slices.Max(values)
	}
	return rounded(sum)
}

// columnOf reads a number from a call; durations are minutes, as Vapi counts them.
func columnOf(call object, column string) float64 {
	switch column {
	case "duration", "minutesUsed":
		from, err1 := time.Parse(time.RFC3339, str(call, "startedAt"))
		to, err2 := time.Parse(time.RFC3339, str(call, "endedAt"))
		if err1 != nil || err2 != nil {
			return 0
		}
		return rounded(to.Sub(from).Minutes())
	case "concurrency":
		return 1
	case "costBreakdown.transcriber":
		column = "costBreakdown.stt"
	case "costBreakdown.analysisBreakdown.summary":
		column = "costBreakdown.analysisCostBreakdown.summary"
	}
	return num(call, strings.Split(column, ".")...)
}

// truncate goes back to the beginning of the step a time lies in.
func truncate(t time.Time, step string) time.Time {
	y, m, d := t.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	switch step {
	case "second", "minute", "hour":
		return t.Truncate(map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour}[step])
	case "week":
		return day.AddDate(0, 0, -(int(t.Weekday())+6)%7)
	case "month":
		return time.Date(y, m, 1, 0, 0, 0, 0, t.Location())
	case "quarter":
		return time.Date(y, m-(m-1)%3, 1, 0, 0, 0, 0, t.Location())
	case "year", "decade", "century", "millennium":
		span := map[string]int{"year": 1, "decade": 10, "century": 100, "millennium": 1000}[step]
		return time.Date(int(math.Floor(float64(y)/float64(span)))*span, 1, 1, 0, 0, 0, 0, t.Location())
	}
	return day
}
