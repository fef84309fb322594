package vapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// MaxFile bounds an upload in bytes. Vapi advises 300 KB or less.
const MaxFile = 20 << 20

// Files is /file: documents for knowledge bases.
// https://docs.vapi.ai/api-reference/files
type Files struct{ c *Client }

// FileParam is a file to upload.
type FileParam struct {
	Reader      io.Reader
	Name        string
	ContentType string
	// Purpose is assistant, composer-attachment or knowledge-base-v2; empty
	// leaves it to Vapi.
	Purpose string
	// Metadata is at most 4096 characters once encoded.
	Metadata map[string]any
}

// NewFileParam describes a file to upload.
func NewFileParam(r io.Reader, name, contentType string) *FileParam {
	return &FileParam{Reader: r, Name: name, ContentType: contentType}
}

// File is a file as Vapi has it. Status is processing, done or failed.
type File struct {
	ID           string `json:"id"`
	OrgID        string `json:"orgId"`
	Name         string `json:"name"`
	OriginalName string `json:"originalName"`
	Bytes        int64  `json:"bytes"`
	MIMEType     string `json:"mimetype"`
	Status       string `json:"status"`
	Purpose      string `json:"purpose"`
	CreatedAt    Time   `json:"createdAt"`
	UpdatedAt    Time   `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (f *File) UnmarshalJSON(b []byte) (err error) {
	type plain File
	f.Raw, err = keepRaw(b, (*plain)(f))
	return err
}

// List gives all files; Vapi takes neither limit nor dates here.
func (s *Files) List(ctx context.Context) ([]File, error) {
	return list[File](ctx, s.c, "/file", nil)
}

// Create uploads a file of up to MaxFile bytes.
func (s *Files) Create(ctx context.Context, f *FileParam) (*File, error) {
	data, contentType, err := f.encode()
	if err != nil {
		return nil, &Error{Method: http.MethodPost, Path: "/file", cause: err}
	}
	return send[File](ctx, s.c, httpjson.Request{Method: http.MethodPost, Path: "/file", Raw: data,
		ContentType: contentType, Timeout: httpjson.LongTimeout})
}

// Get reads what Vapi knows of a file.
func (s *Files) Get(ctx context.Context, id string) (*File, error) {
	return get[File](ctx, s.c, "/file", id)
}

// Update renames a file; the name is cut to 40 characters.
func (s *Files) Update(ctx context.Context, id, name string) (*File, error) {
	return update[File](ctx, s.c, "/file", id, map[string]string{"name": Name(name)})
}

// Delete removes a file; one that is gone already counts as removed.
func (s *Files) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/file", id)
}

func (f *FileParam) encode() ([]byte, string, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range map[string]string{"purpose": f.Purpose, "metadata": encodeMetadata(f.Metadata)} {
		if value == "" {
			continue
		}
		if err := w.WriteField(name, value); err != nil {
			return nil, "", err
		}
	}
	contentType := f.ContentType
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, headerName(f.Name))},
		"Content-Type":        {strings.NewReplacer("\r", "", "\n", "").Replace(contentType)},
	})
	if err != nil {
		return nil, "", err
	}
	n, err := io.Copy(part, io.LimitReader(f.Reader, MaxFile+1))
	if err != nil {
		return nil, "", fmt.Errorf("read the file: %w", err)
	}
	if n > MaxFile {
		return nil, "", fmt.Errorf("the file is larger than %d MB", MaxFile>>20)
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return body.Bytes(), w.FormDataContentType(), nil
}

func encodeMetadata(m map[string]any) string {
	if len(m) == 0 {
		return ""
	}
	data, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return string(data)
}

// headerName makes a name fit for a quoted header value.
func headerName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		if r == '"' || r == '\\' || r == '/' {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "file"
	}
	return s
}
