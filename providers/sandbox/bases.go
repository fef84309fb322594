package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// bases is /v2/knowledge-base: a base has a query tool made and deleted with it,
// and files that are indexed.
func (s *Server) bases() resource {
	return resource{
		path: "/v2/knowledge-base", kind: "knowledge-base",
		create: func(body object) error { return validate(baseRules, body) },
		patch:  func(_, body object) error { return validate(optional(baseRules), body) },
		prepare: func(body object) (object, error) {
			tool := s.stamped(object{"type": "query", "knowledgeBases": []any{}}, newID())
			s.put("tool", tool)
			return with(body, object{"toolId": tool["id"], "files": []any{}}), nil
		},
		deleted: func(row object) { s.remove("tool", str(row, "toolId")) },
	}
}

func (s *Server) baseFiles(w http.ResponseWriter, r *http.Request) error {
	base := s.get("knowledge-base", r.PathValue("id"))
	if base == nil {
		return notFound("knowledge-base")
	}
	writeJSON(w, http.StatusOK, base["files"])
	return nil
}

// attachFile indexes an uploaded file: ready when it is text, failed otherwise.
func (s *Server) attachFile(w http.ResponseWriter, r *http.Request) error {
	base := s.get("knowledge-base", r.PathValue("id"))
	if base == nil {
		return notFound("knowledge-base")
	}
	body, err := readObject(w, r)
	if err == nil {
		err = validate(attachRules, body)
	}
	if err != nil {
		return err
	}
	id := str(body, "fileId")
	file := s.get("file", id)
	if file == nil {
		return notFound("file")
	}
	if indexOfFile(base, id) >= 0 {
		return refuse(http.StatusBadRequest, "The file is attached already.")
	}
	entry := s.stamped(object{
		"knowledgeBaseV2Id": base["id"], "fileId": id, "fileName": file["name"], "mimetype": file["mimetype"],
		"bytes":  file["bytes"],
		"status": s.indexing(id),
	}, newID())
	s.saveFiles(base, append(slices.Clone(list(base, "files")), entry))
	writeJSON(w, http.StatusCreated, entry)
	return nil
}

// indexing is how reading a file ends.
func (s *Server) indexing(id string) string {
	content := s.fileContent(id)
	if strings.TrimSpace(content) == "" || !utf8.ValidString(content) {
		return "failed"
	}
	return "ready"
}

func indexOfFile(base object, id string) int {
	return slices.IndexFunc(list(base, "files"), func(v any) bool { return str(v.(object), "fileId") == id })
}

// saveFiles stores a base's files and keeps its tool pointing at them.
func (s *Server) saveFiles(base object, files []any) {
	s.merge("knowledge-base", str(base, "id"), object{"files": files, "updatedAt": stamp(s.tick())})
	ids := []any{}
	for _, v := range files {
		ids = append(ids, v.(object)["fileId"])
	}
	s.merge("tool", str(base, "toolId"), object{"knowledgeBases": []any{object{
		"provider": "google", "name": base["name"], "description": orElse(str(base, "description"), str(base, "name")),
		"fileIds": ids,
	}}})
}

func (s *Server) detachFile(w http.ResponseWriter, r *http.Request) error {
	base := s.get("knowledge-base", r.PathValue("id"))
	at := indexOfFile(base, r.PathValue("file"))
	if base == nil || at < 0 {
		return notFound("file")
	}
	files := slices.Clone(list(base, "files"))
	entry := files[at]
	s.saveFiles(base, slices.Delete(files, at, at+1))
	writeJSON(w, http.StatusOK, entry)
	return nil
}

func (s *Server) retryFile(w http.ResponseWriter, r *http.Request) error {
	base := s.get("knowledge-base", r.PathValue("id"))
	at := indexOfFile(base, r.PathValue("file"))
	if base == nil || at < 0 {
		return notFound("file")
	}
	files := slices.Clone(list(base, "files"))
	files[at] = with(files[at].(object), object{"status": s.indexing(r.PathValue("file")), "updatedAt": stamp(s.tick())})
	s.saveFiles(base, files)
	writeJSON(w, http.StatusCreated, files[at])
	return nil
}
