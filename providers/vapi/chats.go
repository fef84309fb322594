package vapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// Chats is /chat: an assistant answering in writing.
// https://docs.vapi.ai/api-reference/chats
type Chats struct{ c *Client }

// ChatDTO is one message to an assistant. SessionID and PreviousChatID exclude
// each other, and SessionID excludes AssistantID.
type ChatDTO struct {
	// Input is text or a []ChatMessage.
	Input              any                 `json:"input"`
	AssistantID        string              `json:"assistantId,omitempty"`
	Assistant          *AssistantDTO       `json:"assistant,omitempty"`
	AssistantOverrides *AssistantOverrides `json:"assistantOverrides,omitempty"`
	SquadID            string              `json:"squadId,omitempty"`
	Squad              *SquadDTO           `json:"squad,omitempty"`
	SessionID          string              `json:"sessionId,omitempty"`
	PreviousChatID     string              `json:"previousChatId,omitempty"`
	// Name is cut to 40 characters when sent.
	Name  string         `json:"name,omitempty"`
	Extra map[string]any `json:"-"`
}

// MarshalJSON cuts the name and adds Extra.
func (c ChatDTO) MarshalJSON() ([]byte, error) {
	type plain ChatDTO
	p := plain(c)
	p.Name = Name(c.Name)
	return withExtra(p, c.Extra)
}

// Chat is one exchange.
type Chat struct {
	ID          string        `json:"id"`
	OrgID       string        `json:"orgId"`
	SessionID   string        `json:"sessionId"`
	AssistantID string        `json:"assistantId"`
	SquadID     string        `json:"squadId"`
	Output      []ChatMessage `json:"output"`
	Messages    []ChatMessage `json:"messages"`
	Cost        float64       `json:"cost"`
	CreatedAt   Time          `json:"createdAt"`
	UpdatedAt   Time          `json:"updatedAt"`

	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the whole answer in Raw.
func (c *Chat) UnmarshalJSON(b []byte) (err error) {
	type plain Chat
	c.Raw, err = keepRaw(b, (*plain)(c))
	return err
}

// Reply is what the assistant wrote: every assistant message of the output, one
// per line. Tool calls may stand between them.
func (c *Chat) Reply() string { return replyText(c.Output) }

func replyText(output []ChatMessage) string {
	var lines []string
	for _, m := range output {
		if m.Role == "assistant" && strings.TrimSpace(m.Content) != "" {
			lines = append(lines, m.Content)
		}
	}
	return strings.Join(lines, "\n")
}

// List gives one numbered page.
func (s *Chats) List(ctx context.Context, o *PageOptions) (*Page[Chat], error) {
	return page[Chat](ctx, s.c, "/chat", o)
}

// Create asks and waits for the answer, up to a minute. IsPaymentRequired holds
// for an account without card.
func (s *Chats) Create(ctx context.Context, chat *ChatDTO) (*Chat, error) {
	return send[Chat](ctx, s.c, httpjson.Request{Method: http.MethodPost, Path: "/chat", Body: chat,
		Timeout: httpjson.LongTimeout})
}

// Get reads one exchange.
func (s *Chats) Get(ctx context.Context, id string) (*Chat, error) {
	return get[Chat](ctx, s.c, "/chat", id)
}

// Delete removes an exchange; one that is gone already counts as removed.
func (s *Chats) Delete(ctx context.Context, id string) error {
	return remove(ctx, s.c, "/chat", id)
}
