package table

import (
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
)

// record is a row by its columns.
type record map[string]string

func (r record) GetString(name string) string { return r[name] }

func TestSource_stands_in_the_column_of_its_provider(t *testing.T) {
	ours := fold.Source{Provider: collections.ProviderVapi, ID: "v1"}
	other := fold.Source{Provider: "line", ID: "CA1"}
	for _, step := range []struct {
		name   string
		source fold.Source
		held   string
	}{{"its own", ours, "v1"}, {"another provider's", other, ""}, {"none", fold.Source{}, ""}} {
		c := fold.Call{Source: step.source}
		column := Column{Name: IDColumn(ours.Provider), at: &c.Source, of: ours.Provider}
		if got := column.value(); got != step.held {
			t.Errorf("%s: the column holds %v, want %q", step.name, got, step.held)
		}
		same := Column{at: &fold.Source{Provider: ours.Provider, ID: step.held}, of: ours.Provider}
		if !column.same(same) {
			t.Errorf("%s: it differs from what it holds", step.name)
		}
	}
	if got := SourceOf(record{"vapi_call_id": "v1"}); got != ours {
		t.Errorf("the row is %v's", got)
	}
	if got := SourceOf(record{}); got != (fold.Source{}) {
		t.Errorf("a row without ids is %v's", got)
	}
}

// Of several columns the one that holds an id says whose the call is.
func TestSource_is_read_from_the_column_that_holds_an_id(t *testing.T) {
	var got fold.Source
	for _, read := range []struct{ provider, id string }{
		{collections.ProviderVapi, ""}, {"line", "CA1"}, {"third", ""},
	} {
		if err := (held{read.provider, &got}).Scan(read.id); err != nil {
			t.Fatal(err)
		}
	}
	if want := (fold.Source{Provider: "line", ID: "CA1"}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := (held{"line", &got}).Scan(int64(5)); err == nil {
		t.Error("a number was read as an id")
	}
}

func TestHas_finds_a_call_as_its_index_does(t *testing.T) {
	if got := Has("c.", collections.ProviderVapi); got != "c.vapi_call_id = ? AND c.vapi_call_id != ''" {
		t.Errorf("got %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a provider that holds no calls has a column")
		}
	}()
	IDColumn(collections.ProviderFlutterwave)
}
