package hooks_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// relation is a field of one collection that points at another.
type relation struct {
	from  *core.Collection
	field *core.RelationField
	to    *core.Collection
}

func relations() []relation {
	byID := map[string]*core.Collection{}
	for _, c := range collections.All() {
		byID[c.Id] = c
	}
	var found []relation
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if r, ok := f.(*core.RelationField); ok {
				found = append(found, relation{c, r, byID[r.CollectionId]})
			}
		}
	}
	return found
}

// point makes a row point at another one, past every check.
func (b *bench) point(r relation, id, target string) {
	b.Helper()
	for _, index := range r.from.Indexes {
		if name, _, ok := strings.Cut(strings.TrimPrefix(index, "CREATE UNIQUE INDEX `"), "`"); ok &&
			strings.HasPrefix(name, "uq_") {
			if _, err := b.app.DB().NewQuery("DROP INDEX IF EXISTS " + name).Execute(); err != nil {
				b.Fatal(err)
			}
		}
	}
	value := target
	if r.field.IsMultiple() {
		value = `["` + target + `"]`
	}
	if _, err := b.app.DB().Update(r.from.Name, dbx.Params{r.field.Name: value},
		dbx.HashExp{"id": id}).Execute(); err != nil {
		b.Fatal(err)
	}
}

// items are the rows of a list with what was expanded.
type item map[string]any

func (b *bench) items(collection, email string, query url.Values) []item {
	b.Helper()
	var list struct {
		Items []item `json:"items"`
	}
	answer := b.api.Do("GET", "/api/collections/"+collection+"/records?"+query.Encode(), email, nil)
	switch answer.Status {
	case 200:
		answer.JSON(&list)
	case 400, 401, 403, 404: // refused: nothing seen
	default:
		b.Errorf("list %s as %s: got %d: %.200s", collection, email, answer.Status, answer.Body)
	}
	return list.Items
}

// expanded are the rows below expand, one or many.
func (i item) expanded(name string) []map[string]any {
	expand, _ := i["expand"].(map[string]any)
	switch v := expand[name].(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var rows []map[string]any
		for _, e := range v {
			rows = append(rows, e.(map[string]any))
		}
		return rows
	}
	return nil
}

// Relations that point out of the organization should not exist; when one
// does, nobody may look through it.
func TestAccess_relations_show_nothing_foreign(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(harnesses)) {
		for _, r := range relations() {
			if r.field.Name == "organization" || !collections.Tenant(r.from) || matrix[r.from.Name].row == "" {
				continue
			}
			t.Run(name+"/"+r.from.Name+"."+r.field.Name, func(t *testing.T) {
				t.Parallel()
				b := benchOf(t, r.from, harnesses[name])
				own, foreign := matrix[r.to.Name].rowID(r.to.Name, testkit.Acme), matrix[r.to.Name].rowID(r.to.Name, testkit.Bolt)
				id := b.want.rowID(r.from.Name, testkit.Acme)
				for _, target := range []string{own, foreign} {
					b.point(r, id, target)
					for _, a := range actors {
						b.lookThrough(r, a, id, target)
					}
				}
			})
		}
	}
}

// lookThrough expands and filters by a relation that points at target.
func (b *bench) lookThrough(r relation, a actor, id, target string) {
	b.Helper()
	organization, about := testkit.Acme, ""
	if strings.HasPrefix(target, "bolt") {
		organization = testkit.Bolt
	}
	if r.to.Name == collections.Users {
		about, organization = target, ""
	}
	seesTarget := a.maySee(r.to.Name, row{target, organization, about})
	seesRow := a.maySee(r.from.Name, row{id: id, organization: testkit.Acme})
	has := func(items []item) bool {
		return slices.ContainsFunc(items, func(i item) bool { return i["id"] == id })
	}

	query := url.Values{"expand": {r.field.Name}, "organization": {testkit.Acme}, "perPage": {"200"}}
	for _, i := range b.items(r.from.Name, a.email, query) {
		if i["id"] == id {
			if shown := len(i.expanded(r.field.Name)) > 0; shown != seesTarget {
				b.Errorf("%s expands %s of %s to %s: %t, want %t", a.email, r.field.Name, id, target, shown, seesTarget)
			}
		}
	}
	// The condition is true of every row, if it may be looked at.
	query.Set("filter", r.field.Name+".created ?> '2000-01-01'")
	want := seesRow && seesTarget && (b.offers(r.from, r.to) || a.email == testkit.Superuser)
	if found := has(b.items(r.from.Name, a.email, query)); found != want {
		b.Errorf("%s filters %s through %s at %s: found %t, want %t", a.email, r.from.Name, r.field.Name, target, found, want)
	}
}

// offers tells whether a filter of one collection may speak of another: the
// rules alone let it, the product only where whoever sees the one sees the
// other, in the same organization.
func (b *bench) offers(from, to *core.Collection) bool {
	if !b.narrowed {
		return true
	}
	return collections.Tenant(from) && collections.Tenant(to) && from.Name != collections.Memberships &&
		from.ListRule != nil && to.ListRule != nil &&
		(*to.ListRule == *from.ListRule || *to.ListRule == collections.Member("organization"))
}

func TestAccess_back_relations_show_only_visible_rows(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(harnesses)) {
		for _, r := range relations() {
			t.Run(name+"/"+r.from.Name+"_via_"+r.field.Name, func(t *testing.T) {
				t.Parallel()
				b := benchOf(t, r.to, harnesses[name])
				from := matrix[r.from.Name]
				own, foreign := from.rowID(r.from.Name, testkit.Acme), from.rowID(r.from.Name, testkit.Bolt)
				target := b.want.rowID(r.to.Name, testkit.Acme)
				if r.field.Name != "organization" && r.from.Name != collections.Memberships {
					b.point(r, own, target)
					b.point(r, foreign, target)
				}
				expand := r.from.Name + "_via_" + r.field.Name
				shown := map[string]bool{}
				for _, a := range actors {
					for _, organization := range organizations[:2] {
						query := url.Values{"expand": {expand}, "organization": {organization}, "perPage": {"200"}}
						for _, i := range b.items(r.to.Name, a.email, query) {
							for _, e := range i.expanded(expand) {
								got := rowOf(r.from.Name, e)
								shown[a.email] = true
								if !a.maySee(r.from.Name, got) {
									b.Errorf("%s sees %s %s of %s below %s", a.email, r.from.Name, got.id, got.organization, r.to.Name)
								}
							}
						}
					}
				}
				b.filterBack(r, target)
				if !shown[testkit.Superuser] {
					b.Errorf("nothing was expanded at all: the test proves nothing")
				}
			})
		}
	}
}

// filterBack asks for the target by its back relation: the answer would tell
// that rows exist, and what is in them.
func (b *bench) filterBack(r relation, target string) {
	b.Helper()
	rows, err := b.app.FindRecordsByFilter(r.from.Name, r.field.Name+".id ?= {:target}", "", 0, 0,
		dbx.Params{"target": target})
	if err != nil || len(rows) == 0 {
		b.Fatalf("no %s points at %s (%v)", r.from.Name, target, err)
	}
	goal := row{id: target, organization: testkit.Acme}
	if b.c.Name == collections.Users {
		goal.about, goal.organization = target, ""
	}
	query := url.Values{"organization": {testkit.Acme},
		"filter": {r.from.Name + "_via_" + r.field.Name + ".created ?> '2000-01-01'"}}
	for _, a := range actors {
		offered := b.offers(b.c, r.from) || a.email == testkit.Superuser
		want := offered && a.maySee(b.c.Name, goal) && slices.ContainsFunc(rows, func(record *core.Record) bool {
			return a.maySee(r.from.Name, rowOf(r.from.Name, record.FieldsData()))
		})
		found := slices.ContainsFunc(b.items(b.c.Name, a.email, query), func(i item) bool { return i["id"] == target })
		if found != want {
			b.Errorf("%s finds %s %s by its %s: %t, want %t", a.email, b.c.Name, target, r.from.Name, found, want)
		}
	}
}

// Sorting by a field behind a foreign relation would tell its order.
func TestAccess_sorting_through_a_foreign_relation_tells_nothing(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(harnesses)) {
		t.Run(name, func(t *testing.T) {
			b := benchOf(t, collections.ByName(collections.Functions), harnesses[name])
			b.c = collections.ByName(collections.Assistants)
			first, second := testkit.AcmeAssistant, b.copyOf(testkit.AcmeAssistant, map[string]any{"vapi_assistant_id": ""})
			lower := b.copyOf(testkit.BoltFunction, map[string]any{"name": "aaa", "vapi_tool_id": ""})
			higher := b.copyOf(testkit.BoltFunction, map[string]any{"name": "zzz", "vapi_tool_id": ""})
			r := relation{b.c, b.c.Fields.GetByName("functions").(*core.RelationField),
				collections.ByName(collections.Functions)}
			order := func(a, z string) string {
				b.point(r, first, a)
				b.point(r, second, z)
				var ids []string
				for _, i := range b.items(collections.Assistants, testkit.AcmeOwner,
					url.Values{"sort": {"functions.name"}, "organization": {testkit.Acme}}) {
					ids = append(ids, fmt.Sprint(i["id"]))
				}
				return strings.Join(ids, ",")
			}
			if one, other := order(lower, higher), order(higher, lower); one != other {
				t.Errorf("sorted %s, and with the foreign rows exchanged %s", one, other)
			}
		})
	}
}

// copyOf saves a copy of a row of any collection with some columns changed.
func (b *bench) copyOf(id string, change map[string]any) string {
	b.Helper()
	for _, collection := range []string{collections.Assistants, collections.Functions} {
		r, err := b.app.FindRecordById(collection, id)
		if err != nil {
			continue
		}
		twin := core.NewRecord(r.Collection())
		for field, value := range r.FieldsData() {
			if field != "id" {
				twin.Set(field, value)
			}
		}
		for field, value := range change {
			twin.Set(field, value)
		}
		if err := b.app.Save(twin); err != nil {
			b.Fatal(err)
		}
		return twin.Id
	}
	b.Fatalf("no row %s", id)
	return ""
}

func TestAccess_hidden_fields_cannot_be_asked_about_or_written(t *testing.T) {
	eachCollection(t, func(b *bench) {
		who := testkit.AcmeOwner
		if b.c.Name == collections.Users {
			who = testkit.AcmeViewer
		}
		id := b.want.rowID(b.c.Name, testkit.Acme)
		for _, f := range b.c.Fields {
			if !f.GetHidden() {
				continue
			}
			want := refused(b.c.ListRule, 400)
			for _, query := range []url.Values{{"filter": {f.GetName() + " != ''"}}, {"sort": {f.GetName()}}} {
				query.Set("organization", testkit.Acme)
				b.api.Do("GET", b.path+"?"+query.Encode(), who, nil).Outcome(want)
			}
			if b.c.UpdateRule == nil || f.Type() == core.FieldTypePassword {
				continue
			}
			before := stored(b.T, b.app, b.c.Name, id)[f.GetName()]
			b.api.Do("PATCH", b.path+"/"+id, who, map[string]any{f.GetName(): `"written"`}).Want(200)
			if after := stored(b.T, b.app, b.c.Name, id)[f.GetName()]; after != before {
				b.Errorf("%s wrote the hidden field %s.%s", who, b.c.Name, f.GetName())
			}
		}
	})
}

// A row without an organization, or of one without members, is nobody's: an
// empty relation must not equal a guest's empty id.
func TestAccess_rows_without_an_organization_are_nobodys(t *testing.T) {
	eachCollection(t, func(b *bench) {
		if !collections.Tenant(b.c) || b.want.row == "" {
			return
		}
		id := b.want.rowID(b.c.Name, testkit.Void)
		if _, err := b.app.DB().Update(b.c.Name, dbx.Params{"organization": ""},
			dbx.HashExp{"id": id}).Execute(); err != nil {
			b.Fatal(err)
		}
		for _, a := range actors {
			if a.email == testkit.Superuser {
				continue
			}
			b.api.Do("GET", b.path+"/"+id, a.email, nil).Want(refused(b.c.ViewRule, 404)).Nothing()
			for _, query := range []url.Values{{}, {"organization": {""}}} {
				for _, i := range b.items(b.c.Name, a.email, query) {
					if i["id"] == id {
						b.Errorf("%s lists %s %s, which belongs to nobody", a.email, b.c.Name, id)
					}
				}
			}
		}
	})
}

// The one rule that compares a relation with the caller.
func TestAccess_a_membership_without_a_person_is_not_a_guests(t *testing.T) {
	b := benchOf(t, collections.ByName(collections.Memberships), nil)
	id := testkit.UserMembership(testkit.BoltOwner, testkit.Bolt)
	if _, err := b.app.DB().Update(b.c.Name, dbx.Params{"user": "", "organization": testkit.Void},
		dbx.HashExp{"id": id}).Execute(); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{testkit.Guest, testkit.Nobody, testkit.AcmeOwner} {
		b.api.Do("GET", b.path+"/"+id, email, nil).Want(404).Nothing()
		for _, i := range b.items(b.c.Name, email, url.Values{"perPage": {"200"}}) {
			if i["id"] == id {
				t.Errorf("%q lists a membership of nobody", email)
			}
		}
	}
}

// Superusers may switch the batch API on; it must not open anything.
func TestAccess_batch_obeys_the_same_rules(t *testing.T) {
	eachCollection(t, func(b *bench) {
		b.app.Settings().Batch.Enabled = true
		id := b.want.rowID(b.c.Name, testkit.Acme)
		before := stored(b.T, b.app, b.c.Name, id)
		count, _ := b.app.CountRecords(b.c.Name)
		requests := []map[string]any{
			{"method": "PATCH", "url": b.path + "/" + id, "body": b.want.change},
			{"method": "PATCH", "url": b.path + "/" + id, "body": map[string]any{"organization": testkit.Bolt}},
			{"method": "DELETE", "url": b.path + "/" + id},
		}
		body := map[string]any{"organization": testkit.Acme}
		if b.want.new != nil {
			body = b.want.new(testkit.Acme, serial.Add(1))
		}
		requests = append(requests,
			map[string]any{"method": "POST", "url": b.path, "body": body},
			map[string]any{"method": "PUT", "url": b.path, "body": merge(b.want.change, map[string]any{"id": id})})
		for _, email := range []string{testkit.Guest, testkit.Nobody, testkit.AcmeSuspended, testkit.BoltOwner} {
			for _, r := range requests {
				// A header may not lend an organization to anybody either.
				r["headers"] = map[string]string{"X-Organization": testkit.Acme}
				b.api.Do("POST", "/api/batch", email, map[string]any{"requests": []any{r}}).Want(400).Nothing()
			}
		}
		if collections.Tenant(b.c) && b.c.UpdateRule != nil {
			b.api.Do("POST", "/api/batch", testkit.AcmeOwner, map[string]any{"requests": []any{requests[1]}}).Want(400).Nothing()
		}
		if after, _ := b.app.CountRecords(b.c.Name); after != count || !maps.Equal(before, stored(b.T, b.app, b.c.Name, id)) {
			b.Errorf("%s changed through refused batches", b.c.Name)
		}
		if b.want.new != nil {
			b.api.Do("POST", "/api/batch", testkit.AcmeOwner, map[string]any{"requests": []any{requests[3]}}).Want(200)
		}
	})
}

func merge(a, b map[string]any) map[string]any {
	c := maps.Clone(a)
	maps.Copy(c, b)
	return c
}

func TestAccess_recordings_open_only_with_a_token_of_somebody_who_may_see_them(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(harnesses)) {
		t.Run(name, func(t *testing.T) {
			b := benchOf(t, collections.ByName(collections.Recordings), harnesses[name])
			recording, err := b.app.FindRecordById(collections.Recordings, testkit.AcmeRecording)
			if err != nil {
				t.Fatal(err)
			}
			path := "/api/files/recordings/" + recording.Id + "/" + recording.GetString("file")
			b.api.Do("GET", path, testkit.AcmeOwner, nil).Want(404).Nothing() // a header is not a file token
			for _, a := range actors {
				if a.email == testkit.Guest {
					b.api.Do("GET", path, a.email, nil).Want(404).Nothing()
					continue
				}
				var token struct {
					Token string `json:"token"`
				}
				b.api.Do("POST", "/api/files/token", a.email, nil).Want(200).JSON(&token)
				want := 404
				if a.maySee(collections.Recordings, row{id: recording.Id, organization: testkit.Acme}) {
					want = 200
				}
				b.api.Do("GET", path+"?token="+token.Token, a.email, nil).Outcome(want)
			}
		})
	}
}
