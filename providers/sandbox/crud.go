package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// resource is one kind of object with the usual five routes. A nil function
// means the default behaviour; a nil create or patch leaves the route out.
type resource struct {
	path, kind string
	paged      bool     // lists answer {results, metadata} instead of an array
	filters    []string // query parameters that must equal a field, beside limit and dates
	create     func(body object) error
	patch      func(old, body object) error
	prepare    func(body object) (object, error) // what is stored for a create; stamps are added after
	view       func(row object) object           // what is answered for a stored object
	created    func(row object)
	patched    func(row object)
	deleted    func(row object)
}

func (s *Server) resources() []resource {
	return []resource{
		{
			path: "/assistant", kind: "assistant",
			create: func(body object) error { return s.checkAssistant(body) },
			patch:  func(_, body object) error { return s.checkAssistant(body) },
		}, {
			path: "/squad", kind: "squad",
			create: func(body object) error { return s.checkSquad(body) },
			patch:  func(old, body object) error { return s.checkSquad(with(object{"members": old["members"]}, body)) },
		}, {
			path: "/tool", kind: "tool",
			create: func(body object) error { return validateChoice("type", toolVariants, body, "") },
			patch:  func(old, body object) error { return validateChoice("type", toolVariants, body, str(old, "type")) },
		},
		s.numbers(),
		{
			path: "/call", kind: "call", filters: []string{"id", "assistantId", "phoneNumberId"}, view: callView,
			patch: func(_, body object) error { return validate(callPatchRules, body) }, deleted: s.erased,
		},
		{path: "/chat", kind: "chat", paged: true,
			filters: []string{"id", "assistantId", "squadId", "sessionId", "previousChatId"}, deleted: s.chatDeleted},
		s.sessions(),
		{path: "/file", kind: "file", filters: []string{"purpose"},
			patch: func(_, body object) error { return validate(filePatchRules, body) }},
		s.bases(),
		{
			path: "/structured-output", kind: "structured-output", paged: true, filters: []string{"id", "name"},
			create: func(body object) error { return validate(structuredRules, body) },
			patch:  func(_, body object) error { return validate(optional(structuredRules), body) },
		},
	}
}

// validateChoice validates a body whose schema depends on one property. On a
// change the property may be left out, but not altered.
func validateChoice(by string, variants map[string]schema, body object, stored string) error {
	choice, given := body[by].(string)
	if !given && body[by] == nil {
		choice = stored
	}
	if stored != "" && choice != stored {
		return invalid(by + " cannot be changed")
	}
	rules, known := variants[choice]
	if !known {
		return invalid(by + " must be one of the following values: " + strings.Join(slices.Sorted(maps.Keys(variants)), ", "))
	}
	if stored != "" {
		rules = optional(rules)
	}
	return validate(rules, body)
}

// crud binds the routes of one resource.
func (s *Server) crud(route func(string, endpoint), r resource) {
	if r.view == nil {
		r.view = func(row object) object { return row }
	}
	if r.create != nil {
		route("POST "+r.path, func(w http.ResponseWriter, req *http.Request) error { return s.createRow(r, w, req) })
	}
	route("GET "+r.path, func(w http.ResponseWriter, req *http.Request) error {
		rows, err := s.listRows(r, req)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, rows)
		return nil
	})
	route("GET "+r.path+"/{id}", func(w http.ResponseWriter, req *http.Request) error {
		row := s.get(r.kind, req.PathValue("id"))
		if row == nil {
			return notFound(r.kind)
		}
		writeJSON(w, http.StatusOK, r.view(row))
		return nil
	})
	if r.patch != nil {
		route("PATCH "+r.path+"/{id}", func(w http.ResponseWriter, req *http.Request) error { return s.patchRow(r, w, req) })
	}
	route("DELETE "+r.path+"/{id}", func(w http.ResponseWriter, req *http.Request) error {
		row := s.remove(r.kind, req.PathValue("id"))
		if row == nil {
			return notFound(r.kind)
		}
		if r.deleted != nil {
			r.deleted(row)
		}
		writeJSON(w, http.StatusOK, r.view(row))
		return nil
	})
}

func (s *Server) createRow(r resource, w http.ResponseWriter, req *http.Request) error {
	body, err := readObject(w, req)
	if err == nil {
		err = r.create(body)
	}
	if err == nil && r.prepare != nil {
		body, err = r.prepare(body)
	}
	if err != nil {
		return err
	}
	row := s.stamped(body, newID())
	s.put(r.kind, row)
	if r.created != nil {
		r.created(row)
	}
	writeJSON(w, http.StatusCreated, r.view(row))
	return nil
}

func (s *Server) patchRow(r resource, w http.ResponseWriter, req *http.Request) error {
	old := s.get(r.kind, req.PathValue("id"))
	if old == nil {
		return notFound(r.kind)
	}
	body, err := readObject(w, req)
	if err == nil {
		err = r.patch(old, body)
	}
	if err != nil {
		return err
	}
	row := s.merge(r.kind, req.PathValue("id"), with(body, object{"updatedAt": stamp(s.tick())}))
	if row == nil {
		return notFound(r.kind)
	}
	if r.patched != nil {
		r.patched(row)
	}
	writeJSON(w, http.StatusOK, r.view(row))
	return nil
}

// dateFilters are the suffixes of createdAt and updatedAt in lists.
var dateFilters = map[string]func(row, bound time.Time) bool{
	"Gt": func(row, bound time.Time) bool { return row.After(bound) },
	"Lt": func(row, bound time.Time) bool { return row.Before(bound) },
	"Ge": func(row, bound time.Time) bool { return !row.Before(bound) },
	"Le": func(row, bound time.Time) bool { return !row.After(bound) },
}

// listRows answers a plain array, newest first, or a page, as the resource does.
// /file is the one list without limit and dates.
func (s *Server) listRows(r resource, req *http.Request) (any, error) {
	asked := listing{limit: 100, page: 1}
	query := req.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		asked.read(r, name, query.Get(name))
	}
	if asked.wrong != nil {
		return nil, invalid(asked.wrong...)
	}
	found := []object{}
	for _, row := range s.all(r.kind) {
		if !slices.ContainsFunc(asked.keep, func(ok func(object) bool) bool { return !ok(row) }) {
			found = append(found, r.view(row))
		}
	}
	if r.kind == "file" {
		return found, nil
	}
	if !r.paged {
		return found[:min(asked.limit, len(found))], nil
	}
	if asked.ascending {
		slices.Reverse(found)
	}
	return pageOf(found, asked.page, asked.limit), nil
}

// listing is what the query of a list asks for, and what is wrong with it.
type listing struct {
	limit, page int
	ascending   bool
	keep        []func(object) bool
	wrong       []string
}

func (l *listing) read(r resource, name, value string) {
	n, err := strconv.Atoi(value)
	switch {
	case slices.Contains(r.filters, name):
		l.keep = append(l.keep, func(row object) bool { return str(row, name) == value })
	case r.kind == "file":
		l.refuse("property " + name + " should not exist")
	case name == "limit" && err == nil && n >= 0 && n <= 1000:
		l.limit = n
	case name == "limit":
		l.refuse("limit must not be greater than 1000 and not be less than 0")
	case l.readDate(name, value) || r.paged && l.readPage(name, value):
	default:
		l.refuse("property " + name + " should not exist")
	}
}

func (l *listing) refuse(why string) { l.wrong = append(l.wrong, why) }

// readDate takes createdAtGt and its like, and tells whether it was one.
func (l *listing) readDate(name, value string) bool {
	suffix := name[max(len(name)-2, 0):]
	field, compare := strings.TrimSuffix(name, suffix), dateFilters[suffix]
	if compare == nil || field != "createdAt" && field != "updatedAt" {
		return false
	}
	bound, err := time.Parse(time.RFC3339, value)
	if err != nil {
		l.refuse(name + " must be a valid ISO 8601 date string")
	}
	l.keep = append(l.keep, func(row object) bool {
		at, err := time.Parse(time.RFC3339, str(row, field))
		return err == nil && compare(at, bound)
	})
	return true
}

// readPage takes what only paged lists know, and tells whether it was that.
func (l *listing) readPage(name, value string) bool {
	n, err := strconv.Atoi(value)
	ok := true
	switch name {
	case "page":
		l.page, ok = n, err == nil && n >= 1
	case "sortOrder":
		l.ascending, ok = value == "ASC", value == "ASC" || value == "DESC"
	case "sortBy":
		ok = value == "createdAt"
	default:
		return false
	}
	if !ok {
		l.refuse(name + " has a value that is not allowed")
	}
	return true
}

// pageOf is the {results, metadata} answer of the paged lists.
func pageOf(rows []object, page, limit int) object {
	from := min((page-1)*limit, len(rows))
	to := min(from+limit, len(rows))
	return object{"results": rows[from:to], "metadata": object{
		"itemsPerPage": limit, "totalItems": len(rows), "currentPage": page, "hasNextPage": to < len(rows),
	}}
}

// checkAssistant validates an assistant and the ids it names.
func (s *Server) checkAssistant(body object) error {
	if err := validate(assistantRules, body); err != nil {
		return err
	}
	return s.mustExist("tool", list(body, "model", "toolIds")...)
}

func (s *Server) checkSquad(body object) error {
	if err := validate(squadRules, body); err != nil {
		return err
	}
	members := list(body, "members")
	if len(members) == 0 {
		return invalid("members should not be empty")
	}
	for i, m := range members {
		member, _ := m.(object)
		if id := str(member, "assistantId"); id != "" {
			if err := s.mustExist("assistant", id); err != nil {
				return err
			}
		} else if obj(member, "assistant") == nil {
			return invalid("members." + strconv.Itoa(i) + " must have an assistantId or an assistant")
		}
	}
	return nil
}

// mustExist refuses ids in a body that name nothing.
func (s *Server) mustExist(kind string, ids ...any) error {
	for _, v := range ids {
		id, _ := v.(string)
		if id != "" && s.get(kind, id) == nil {
			e := notFound(kind).(*apiError)
			e.status = http.StatusBadRequest
			return e
		}
	}
	return nil
}
