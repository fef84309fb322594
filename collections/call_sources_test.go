package collections

import "testing"

// row is a call by its columns.
type row map[string]string

func (r row) GetString(column string) string { return r[column] }

// With a second provider every question asks for both.
func TestCallSources_are_asked_for_all_of_them(t *testing.T) {
	before := CallSources
	t.Cleanup(func() { CallSources = before })
	CallSources = append(before[:len(before):len(before)], CallSource{ProviderTwilio, "line_id"})
	if got, want := AtProvider("c."), "(c.vapi_call_id != '' OR c.line_id != '')"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := AtNoProvider(""), "(vapi_call_id = '' AND line_id = '')"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, c := range []struct {
		row          row
		provider, id string
	}{
		{row{"vapi_call_id": "v"}, ProviderVapi, "v"}, {row{"line_id": "t"}, ProviderTwilio, "t"}, {row{}, "", ""},
	} {
		if provider, id := SourceOfCall(c.row); provider != c.provider || id != c.id {
			t.Errorf("%v is %q of %q, want %q of %q", c.row, id, provider, c.id, c.provider)
		}
	}
}

// Each column is one of calls, which only the provider's messages write.
func TestCallSources_are_columns_of_calls(t *testing.T) {
	calls := ByName(Calls)
	for _, s := range CallSources {
		if calls.Fields.GetByName(s.Column) == nil {
			t.Errorf("calls have no column %s", s.Column)
		}
	}
}
