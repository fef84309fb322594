package vapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

const maxKnowledgeName = 80

// KnowledgeBases is /v2/knowledge-base. Vapi added it in August 2026 and no
// guide mentions it yet, so it serves only bases that an organization pushes
// on purpose. Deleting a base deletes its tool.
// https://docs.vapi.ai/api-reference
type KnowledgeBases struct{ c *Client }

// KnowledgeBaseDTO names a base; Name is cut to 80 characters when sent.
type KnowledgeBaseDTO struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
}

// MarshalJSON cuts the texts to what Vapi takes.
func (d KnowledgeBaseDTO) MarshalJSON() ([]byte, error) {
	type plain KnowledgeBaseDTO
	return json.Marshal(plain{Name: cut(d.Name, maxKnowledgeName), Description: cut(d.Description, 1000)})
}

// KnowledgeBase is a base as Vapi has it. ToolID is what an assistant's
// model.toolIds takes.
type KnowledgeBase struct {
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Description string              `json:"description"`
	ToolID      string              `json:"toolId"`
	Files       []KnowledgeBaseFile `json:"files"`
	CreatedAt   Time                `json:"createdAt"`
	UpdatedAt   Time                `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// KnowledgeBaseFile is a file in a base. Status is indexing, ready or failed.
type KnowledgeBaseFile struct {
	FileID string `json:"fileId"`
	Status string `json:"status"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (k *KnowledgeBase) UnmarshalJSON(b []byte) (err error) {
	type plain KnowledgeBase
	k.Raw, err = keepRaw(b, (*plain)(k))
	return err
}

// Create makes a base.
func (s *KnowledgeBases) Create(ctx context.Context, d *KnowledgeBaseDTO) (*KnowledgeBase, error) {
	return create[KnowledgeBase](ctx, s.c, "/v2/knowledge-base", d)
}

// Get reads one base with its tool and files.
func (s *KnowledgeBases) Get(ctx context.Context, id string) (*KnowledgeBase, error) {
	return get[KnowledgeBase](ctx, s.c, "/v2/knowledge-base", id)
}

// Delete removes a base and its tool; one that is gone counts as removed.
func (s *KnowledgeBases) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/v2/knowledge-base", id)
}

// AddFile indexes a file that was uploaded with purpose knowledge-base-v2.
func (s *KnowledgeBases) AddFile(ctx context.Context, id, fileID string) (*KnowledgeBaseFile, error) {
	path, err := item("/v2/knowledge-base", id)
	if err != nil {
		return nil, err
	}
	return create[KnowledgeBaseFile](ctx, s.c, path+"/file", map[string]string{"fileId": fileID})
}

// RemoveFile takes a file out of a base.
func (s *KnowledgeBases) RemoveFile(ctx context.Context, id, fileID string) error {
	path, err := item("/v2/knowledge-base", id)
	if err != nil {
		return err
	}
	return remove(ctx, s.c, path+"/file", fileID)
}

// RetryFile indexes a failed file again.
func (s *KnowledgeBases) RetryFile(ctx context.Context, id, fileID string) (*KnowledgeBaseFile, error) {
	path, err := item("/v2/knowledge-base", id)
	if err != nil {
		return nil, err
	}
	if path, err = item(path+"/file", fileID); err != nil {
		return nil, err
	}
	return send[KnowledgeBaseFile](ctx, s.c, httpjson.Request{Method: http.MethodPost, Path: path + "/retry"})
}
