package collections

import "strings"

// CallSource is a provider that holds calls, and the column of calls with its ids. A
// call has one source at most: the columns of the others are empty.
type CallSource struct{ Provider, Column string }

// CallSources are all there are. Whether a call is at a provider, at which and under
// which id is asked of them, in no other way.
var CallSources = []CallSource{{ProviderVapi, "vapi_call_id"}}

// CallIDs are their columns.
func CallIDs() (columns []string) {
	for _, s := range CallSources {
		columns = append(columns, s.Column)
	}
	return columns
}

// SourceOfCall is the provider that holds a call, and its id there; both are empty when
// none does.
func SourceOfCall(call interface{ GetString(column string) string }) (provider, id string) {
	for _, s := range CallSources {
		if id := call.GetString(s.Column); id != "" {
			return s.Provider, id
		}
	}
	return "", ""
}

// AtProvider is the condition that a call is at a provider; calls is how the query names
// the table, with a dot, or "".
func AtProvider(calls string) string { return "(" + eachID(calls, " != ''", " OR ") + ")" }

// AtNoProvider is the condition that none holds a call.
func AtNoProvider(calls string) string { return "(" + eachID(calls, " = ''", " AND ") + ")" }

func eachID(calls, is, between string) string {
	terms := CallIDs()
	for i, column := range terms {
		terms[i] = calls + column + is
	}
	return strings.Join(terms, between)
}
