package tenant

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ganigeorgiev/fexpr"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// everyMember is the rule of what all members see.
var everyMember = collections.Member("organization")

// backward is a step to the rows that point here, as PocketBase writes it.
var backward = regexp.MustCompile(`^(\w+)_via_(\w+)$`)

// checkPaths refuses filters and sorts that would tell of rows the caller may
// not see: by what matches, by what does not, by the order. A path may take one
// step, along a relation or back along one, to rows of the same organization
// which whoever sees the row sees as well. PocketBase itself follows paths
// through six collections, and asks no rule in conditions on all related rows
// (those without the ?).
//
// The answer depends on the collections alone, never on what is stored.
func checkPaths(app core.App, c *core.Collection, names ...[]string) error {
	for _, list := range names {
		for _, name := range list {
			if strings.Contains(name, ".") && !reaches(app, c, strings.Split(name, ".")) {
				return fmt.Errorf("Filters and sorts of %s cannot use %s.", c.Name, strings.ToValidUTF8(name, ""))
			}
		}
	}
	return nil
}

func reaches(app core.App, c *core.Collection, path []string) bool {
	if strings.HasPrefix(path[0], "@") {
		return true // PocketBase refuses what is not a macro, in its own words
	}
	if back := backward.FindStringSubmatch(path[0]); back != nil && c.Fields.GetByName(path[0]) == nil {
		target, err := app.FindCachedCollectionByNameOrId(back[1])
		return err == nil && seenWith(c, target) && within(target, path[1:])
	}
	switch field := c.Fields.GetByName(path[0]).(type) {
	case *core.JSONField, *core.GeoPointField:
		return true // the rest of the path stays in the field
	case *core.RelationField:
		if len(path) == 2 && path[1] == "id" && !field.IsMultiple() {
			return true // the column itself
		}
		target, err := app.FindCachedCollectionByNameOrId(field.CollectionId)
		return err == nil && seenWith(c, target) && within(target, path[1:])
	}
	return false
}

// seenWith tells whether whoever sees a row of one collection sees the rows of
// the same organization in the other.
func seenWith(c, target *core.Collection) bool {
	return c.ListRule != nil && target.ListRule != nil && collections.Tenant(c) && collections.Tenant(target) &&
		c.Name != collections.Memberships && (*target.ListRule == everyMember || *target.ListRule == *c.ListRule)
}

// within tells whether the path ends in the collection.
func within(c *core.Collection, path []string) bool {
	if len(path) == 1 {
		return true
	}
	switch c.Fields.GetByName(path[0]).(type) {
	case *core.JSONField, *core.GeoPointField:
		return true
	}
	return false
}

// namesIn adds the fields and paths of a filter to names, those inside
// functions too.
func namesIn(groups []fexpr.ExprGroup, names []string) []string {
	for _, g := range groups {
		switch item := g.Item.(type) {
		case []fexpr.ExprGroup:
			names = namesIn(item, names)
		case fexpr.Expr:
			names = tokenNames(item.Right, tokenNames(item.Left, names))
		}
	}
	return names
}

func tokenNames(t fexpr.Token, names []string) []string {
	if t.Type == fexpr.TokenIdentifier {
		return append(names, t.Literal)
	}
	arguments, _ := t.Meta.([]fexpr.Token)
	for _, a := range arguments {
		names = tokenNames(a, names)
	}
	return names
}

func sortNames(sort string) []string {
	var names []string
	for _, term := range strings.Split(sort, ",") {
		names = append(names, strings.TrimLeft(strings.TrimSpace(term), "+-"))
	}
	return names
}

// checkStreamFilters holds filters of record streams to what lists may ask.
func checkStreamFilters(e *core.RealtimeSubscribeRequestEvent) error {
	if e.HasSuperuserAuth() {
		return e.Next()
	}
	masked := maskedSomewhere(e.App, e.Auth)
	read := subscriptions.NewDefaultClient() // reads options as PocketBase will
	read.Subscribe(e.Subscriptions...)
	for subscription, options := range read.Subscriptions() {
		filter := options.Query["filter"]
		if filter == "" {
			continue
		}
		topic, _, _ := strings.Cut(subscription, "?")
		name, _, _ := strings.Cut(topic, "/")
		c, err := e.App.FindCachedCollectionByNameOrId(name)
		if err != nil {
			continue // nothing is sent there
		}
		conds, err := conditionsOf(filter)
		if err != nil {
			return refusal.Of("invalid_request/filter").For(err)
		}
		err = checkPaths(e.App, c, conds.names)
		if err == nil && masked {
			err = checkMasked(e.App, c, conds.names)
		}
		if err != nil {
			return refusal.Saying("invalid_request/filter", err.Error())
		}
	}
	return e.Next()
}
