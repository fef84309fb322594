package hooks_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestAccess_list_and_view(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			for _, organization := range organizations {
				id := b.want.rowID(b.c.Name, organization)
				if id == "" {
					continue
				}
				r := row{id: id, organization: organization}
				if slices.Contains([]string{collections.Users, collections.Memberships, collections.Sessions}, b.c.Name) {
					r.about = testkit.User(map[string]string{testkit.Acme: testkit.AcmeViewer, testkit.Bolt: testkit.BoltOwner,
						testkit.Void: testkit.Nobody}[organization])
				}
				b.list(a, organization, r)
				status := refused(b.c.ViewRule, 404)
				if a.maySee(b.c.Name, r) {
					status = 200
				}
				answer := b.api.Do("GET", b.path+"/"+id, a.email, nil).Outcome(status)
				if strings.Contains(string(answer.Body), testkit.SealedValue) && a.email != testkit.Superuser {
					b.Errorf("%s sees a sealed value of %s", a.email, id)
				}
			}
		}
	})
}

// list checks that the actor's list holds the row or not, and nothing else the
// actor may not see.
func (b *bench) list(a actor, organization string, r row) {
	b.Helper()
	answer := b.api.Do("GET", b.path+"?perPage=200&organization="+organization, a.email, nil)
	if answer.Status != 200 {
		forbidden := answer.Status == 403 || answer.Status == 404 || answer.Status == 401
		if !forbidden || a.maySee(b.c.Name, r) {
			b.Errorf("%s lists %s of %s: got %d: %.200s", a.email, b.c.Name, organization, answer.Status, answer.Body)
		}
		return
	}
	var list struct {
		Items []map[string]any `json:"items"`
	}
	answer.JSON(&list)
	found := false
	for _, item := range list.Items {
		got := rowOf(b.c.Name, item)
		found = found || got.id == r.id
		if !a.maySee(b.c.Name, got) {
			b.Errorf("%s lists %s %s of %s", a.email, b.c.Name, got.id, got.organization)
		}
	}
	if want := a.maySee(b.c.Name, r); found != want {
		b.Errorf("%s lists %s %s: %t, want %t", a.email, b.c.Name, r.id, found, want)
	}
	if strings.Contains(string(answer.Body), testkit.SealedValue) && a.email != testkit.Superuser {
		b.Errorf("%s sees a sealed value in a list of %s", a.email, b.c.Name)
	}
}

func TestAccess_create(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			for _, organization := range organizations {
				body := map[string]any{"organization": organization}
				if b.want.new != nil {
					body = b.want.new(organization, serial.Add(1))
				}
				status := refused(b.c.CreateRule, 400)
				if b.want.new != nil && b.want.create.admits(a, organization, "") {
					status = 200
				} else if a.email == testkit.Superuser {
					continue // valid rows are the server's business
				}
				before, _ := b.app.CountRecords(b.c.Name)
				b.api.Do("POST", b.path, a.email, body).Outcome(status)
				after, _ := b.app.CountRecords(b.c.Name)
				if made := after > before; made != (status == 200) {
					b.Errorf("%s creates in %s of %s: row made: %t", a.email, b.c.Name, organization, made)
				}
			}
		}
		for field, value := range b.want.claimed {
			body := b.want.new(testkit.Acme, serial.Add(1))
			body[field] = value
			b.api.Do("POST", b.path, testkit.AcmeOwner, body).Want(400).Nothing()
		}
		if b.c.Fields.GetByName("created_by") != nil && b.want.new != nil {
			body := b.want.new(testkit.Acme, serial.Add(1))
			body["created_by"] = testkit.User(testkit.AcmeViewer)
			b.api.Do("POST", b.path, testkit.AcmeOwner, body).Want(400).Nothing()
			body["created_by"] = testkit.User(testkit.AcmeOwner)
			b.api.Do("POST", b.path, testkit.AcmeOwner, body).Want(200)
		}
	})
}

func TestAccess_update(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			for _, organization := range organizations {
				id := b.want.rowID(b.c.Name, organization)
				if id == "" {
					continue
				}
				about := ""
				if b.c.Name == collections.Users {
					about = id
				}
				status := refused(b.c.UpdateRule, 404)
				if b.want.update.admits(a, organization, about) {
					status = 200
				}
				before := stored(b.T, b.app, b.c.Name, id)
				b.api.Do("PATCH", b.path+"/"+id, a.email, b.want.change).Outcome(status)
				after := stored(b.T, b.app, b.c.Name, id)
				for field, value := range b.want.change {
					if status == 200 && after[field].String != fmt.Sprint(value) {
						b.Errorf("%s changes %s %s: stored %q", a.email, b.c.Name, field, after[field].String)
					}
				}
				if status != 200 && !maps.Equal(before, after) {
					b.Errorf("%s was refused, but %s %s changed", a.email, b.c.Name, id)
				}
				b.restore(id, before)
			}
		}
	})
}

// restore puts a row back, so that the next actor's change is a change again.
func (b *bench) restore(id string, columns dbx.NullStringMap) {
	b.Helper()
	values := dbx.Params{}
	for field := range b.want.change {
		values[field] = columns[field].String
	}
	if _, err := b.app.DB().Update(b.c.Name, values, dbx.HashExp{"id": id}).Execute(); err != nil {
		b.Fatal(err)
	}
}

func TestAccess_fixed_fields_and_moving_to_another_organization(t *testing.T) {
	eachCollection(t, func(b *bench) {
		if b.c.UpdateRule == nil {
			return
		}
		id, who := b.want.rowID(b.c.Name, testkit.Acme), testkit.AcmeOwner
		if b.c.Name == collections.Users {
			who = testkit.AcmeViewer
		}
		before := stored(b.T, b.app, b.c.Name, id)
		for field, value := range b.want.fixed {
			b.api.Do("PATCH", b.path+"/"+id, who, map[string]any{field: value}).Want(404).Nothing()
		}
		if collections.Tenant(b.c) {
			bolts := b.want.rowID(b.c.Name, testkit.Bolt)
			boltBefore := stored(b.T, b.app, b.c.Name, bolts)
			for _, to := range []string{testkit.Bolt, testkit.Void, ""} {
				b.api.Do("PATCH", b.path+"/"+id, testkit.AcmeOwner, map[string]any{"organization": to}).Want(404).Nothing()
			}
			// Sam owns Bolt and only looks at Acme.
			b.api.Do("PATCH", b.path+"/"+bolts, testkit.Sam, map[string]any{"organization": testkit.Acme}).Want(404).Nothing()
			b.api.Do("PATCH", b.path+"/"+id, testkit.Sam, map[string]any{"organization": testkit.Bolt}).Want(404).Nothing()
			if !maps.Equal(boltBefore, stored(b.T, b.app, b.c.Name, bolts)) {
				b.Errorf("%s %s changed", b.c.Name, bolts)
			}
		}
		if !maps.Equal(before, stored(b.T, b.app, b.c.Name, id)) {
			b.Errorf("%s %s changed", b.c.Name, id)
		}
	})
}

func TestAccess_delete(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			if a.email == testkit.Superuser {
				continue // may delete whatever PocketBase allows
			}
			for _, organization := range organizations {
				id := b.want.rowID(b.c.Name, organization)
				if id == "" {
					continue
				}
				status := refused(b.c.DeleteRule, 404)
				if b.want.remove.admits(a, organization, "") {
					status = 204
					id = b.victim(organization)
				}
				b.api.Do("DELETE", b.path+"/"+id, a.email, nil).Outcome(status)
				left, err := b.app.CountRecords(b.c.Name, dbx.HashExp{"id": id})
				if err != nil {
					b.Fatal(err)
				}
				if gone := left == 0; gone != (status == 204) {
					b.Errorf("%s deletes %s %s: gone: %t", a.email, b.c.Name, id, gone)
				}
			}
		}
	})
}

// victim saves a row that can be deleted.
func (b *bench) victim(organization string) string {
	b.Helper()
	r := core.NewRecord(b.appCollection())
	for field, value := range b.want.new(organization, serial.Add(1)) {
		r.Set(field, value)
	}
	if err := b.app.Save(r); err != nil {
		b.Fatal(err)
	}
	return r.Id
}

func (b *bench) appCollection() *core.Collection {
	b.Helper()
	c, err := b.app.FindCollectionByNameOrId(b.c.Name)
	if err != nil {
		b.Fatal(err)
	}
	return c
}
