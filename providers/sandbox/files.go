package sandbox

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	maxFile     = 20 << 20
	maxMetadata = 4096
)

// fileTypes are the endings Vapi reads text from.
var fileTypes = []string{".txt", ".pdf", ".docx", ".doc", ".csv", ".md", ".tsv", ".yaml", ".yml",
	".json", ".xml", ".log"}

// uploadFile is POST /file, multipart with the part "file".
func (s *Server) uploadFile(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxFile)
	if err := r.ParseMultipartForm(maxFile); err != nil {
		return refuse(http.StatusBadRequest, "the body must be multipart/form-data")
	}
	defer r.MultipartForm.RemoveAll()
	part, header, err := r.FormFile("file")
	if err != nil {
		return invalid("file should not be empty")
	}
	defer part.Close()
	content, err := io.ReadAll(part)
	if err != nil {
		return refuse(http.StatusBadRequest, "could not read the file")
	}
	row := object{}
	for name := range r.MultipartForm.Value {
		value := r.FormValue(name)
		switch name {
		case "purpose":
			if !slices.Contains(filePurposes, value) {
				return invalid("purpose must be one of the following values: " + strings.Join(filePurposes, ", "))
			}
			row["purpose"] = value
		case "metadata":
			var parsed object
			if len(value) > maxMetadata || json.Unmarshal([]byte(value), &parsed) != nil {
				return invalid("metadata must be a JSON object of at most 4096 characters")
			}
			row["metadata"] = parsed
		default:
			return invalid("property " + name + " should not exist")
		}
	}
	ending := strings.ToLower(path.Ext(header.Filename))
	if !slices.Contains(fileTypes, ending) {
		return refuse(http.StatusBadRequest, "File type "+ending+" is not supported.")
	}
	id := newID()
	name := []rune(header.Filename)
	row = s.stamped(with(row, object{
		"object": "file", "status": "done", "name": string(name[:min(len(name), nameLimit)]), "originalName": header.Filename,
		"bytes": len(content), "mimetype": orElse(mime.TypeByExtension(ending), "text/plain"),
		"url": s.signed(id, "file"+ending, time.Now().Add(365*24*time.Hour)),
	}), id)
	s.mu.Lock()
	s.blobs[id] = content
	s.mu.Unlock()
	s.put("file", row)
	writeJSON(w, http.StatusCreated, row)
	return nil
}
