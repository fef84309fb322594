// Command floor is what Pocketline is measured against: a bare PocketBase app
// with stock settings and the webhook handler one usually writes for it (find
// the rows, Save the records), on the same tables, rules and rows. A second
// address serves a plain net/http handler that only verifies the signature.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
)

const maxBody = 5 << 20

func main() {
	app := pocketbase.NewWithConfig(pocketbase.Config{HideStartBanner: true})
	secret := []byte(os.Getenv("BENCH_SECRET"))
	f := &floor{app: app, secret: secret}
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.POST("/hook/save", f.save)
		se.Router.POST("/hook/request", f.assistantRequest)
		if address := os.Getenv("BENCH_BARE_ADDR"); address != "" {
			go f.bare(address)
		}
		return se.Next()
	})
	if err := app.Start(); err != nil {
		log.Fatal(err)
	}
}

type floor struct {
	app    *pocketbase.PocketBase
	secret []byte
}

func (f *floor) verified(h http.Header, body []byte) bool {
	mac := hmac.New(sha256.New, f.secret)
	mac.Write([]byte(h.Get("X-Timestamp")))
	mac.Write([]byte{'.'})
	mac.Write(body)
	given, err := hex.DecodeString(h.Get("X-Signature"))
	return err == nil && hmac.Equal(mac.Sum(nil), given)
}

// bare is the least a webhook can do.
func (f *floor) bare(address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /bare", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil || !f.verified(r.Header, body) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"data":{"received":true}}`))
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

type message struct {
	Message struct {
		Type           string  `json:"type"`
		Timestamp      int64   `json:"timestamp"`
		Status         string  `json:"status"`
		Role           string  `json:"role"`
		TranscriptType string  `json:"transcriptType"`
		Transcript     string  `json:"transcript"`
		EndedReason    string  `json:"endedReason"`
		StartedAt      string  `json:"startedAt"`
		EndedAt        string  `json:"endedAt"`
		Cost           float64 `json:"cost"`
		Analysis       struct {
			Summary string `json:"summary"`
		} `json:"analysis"`
		Call struct {
			ID            string `json:"id"`
			Type          string `json:"type"`
			PhoneNumberID string `json:"phoneNumberId"`
			Customer      struct {
				Number string `json:"number"`
			} `json:"customer"`
		} `json:"call"`
	} `json:"message"`
}

func (f *floor) read(e *core.RequestEvent) (m message, body []byte, err error) {
	body, err = io.ReadAll(http.MaxBytesReader(e.Response, e.Request.Body, maxBody))
	if err != nil {
		return m, nil, e.BadRequestError("", err)
	}
	if !f.verified(e.Request.Header, body) {
		return m, nil, e.UnauthorizedError("", nil)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, nil, e.BadRequestError("", err)
	}
	return m, body, nil
}

// key is the same for every copy of a message.
func (m message) key() string {
	return m.Message.Call.ID + ":" + m.Message.Type + ":" +
		time.UnixMilli(m.Message.Timestamp).UTC().Format("150405.000") + ":" + m.Message.Status + m.Message.Role
}

// save is the usual handler: look for the event, save it, find or make the
// call, change it, save it, save the line that was said; one transaction.
func (f *floor) save(e *core.RequestEvent) error {
	m, body, err := f.read(e)
	if err != nil {
		return err
	}
	err = e.App.RunInTransaction(func(tx core.App) error { return store(tx, m, body) })
	if err != nil {
		return e.InternalServerError("", err)
	}
	return e.JSON(http.StatusOK, map[string]any{"data": map[string]any{"received": true}})
}

var statuses = map[string]string{"queued": "queued", "ringing": "ringing", "in-progress": "in_progress",
	"forwarding": "forwarding", "ended": "completed"}

func store(tx core.App, m message, body []byte) error {
	key := m.key()
	if _, err := tx.FindFirstRecordByData("provider_events", "event_key", key); err == nil {
		return nil // a repeat
	}
	call, err := tx.FindFirstRecordByData("calls", "vapi_call_id", m.Message.Call.ID)
	if err != nil {
		number, err := tx.FindFirstRecordByData("phone_numbers", "vapi_phone_id", m.Message.Call.PhoneNumberID)
		if err != nil {
			return err
		}
		if call, err = record(tx, "calls"); err != nil {
			return err
		}
		call.Load(map[string]any{
			"organization": number.GetString("organization"), "phone_number": number.Id,
			"assistant":    number.GetString("assistant"),
			"vapi_call_id": m.Message.Call.ID, "call_type": "inbound", "channel": "phone",
			"caller_number": m.Message.Call.Customer.Number,
			"started_at":    time.UnixMilli(m.Message.Timestamp),
		})
	}
	changed := call.IsNew()
	switch m.Message.Type {
	case "status-update":
		if s := statuses[m.Message.Status]; s != "" && call.GetString("status") != "completed" {
			call.Set("status", s)
			changed = true
		}
	case "end-of-call-report":
		call.Load(map[string]any{
			"status": "completed", "outcome": "completed", "ended_reason": m.Message.EndedReason,
			"summary":    m.Message.Analysis.Summary,
			"started_at": m.Message.StartedAt, "ended_at": m.Message.EndedAt, "cost_micros": int64(m.Message.Cost * 1e6),
			"reported_at": time.Now(),
		})
		changed = true
	}
	if changed {
		if err := tx.Save(call); err != nil {
			return err
		}
	}
	event, err := record(tx, "provider_events")
	if err != nil {
		return err
	}
	event.Load(map[string]any{
		"organization": call.GetString("organization"), "provider": "vapi", "event_key": key, "type": m.Message.Type,
		"status": "applied", "payload": string(body),
	})
	if err := tx.Save(event); err != nil {
		return err
	}
	if m.Message.Type != "transcript" {
		return nil
	}
	line, err := record(tx, "messages")
	if err != nil {
		return err
	}
	role := "assistant"
	if m.Message.Role == "user" {
		role = "user"
	}
	line.Load(map[string]any{
		"organization": call.GetString("organization"), "call": call.Id, "role": role, "content": m.Message.Transcript,
		"position": m.Message.Timestamp,
	})
	return tx.Save(line)
}

func record(tx core.App, collection string) (*core.Record, error) {
	c, err := tx.FindCachedCollectionByNameOrId(collection)
	if err != nil {
		return nil, err
	}
	return core.NewRecord(c), nil
}

// assistantRequest answers who takes a call: two records are looked up.
func (f *floor) assistantRequest(e *core.RequestEvent) error {
	m, _, err := f.read(e)
	if err != nil {
		return err
	}
	number, err := e.App.FindFirstRecordByData("phone_numbers", "vapi_phone_id", m.Message.Call.PhoneNumberID)
	if err != nil {
		return e.NotFoundError("", err)
	}
	assistant, err := e.App.FindRecordById("assistants", number.GetString("assistant"))
	if err != nil {
		return e.NotFoundError("", errors.Join(err))
	}
	return e.JSON(http.StatusOK, map[string]any{"assistantId": assistant.GetString("vapi_assistant_id")})
}
