package mirror

import (
	"encoding/json"
	"net/http"
	"time"
)

// RecordHeader carries a record's id in the server object of copies that have
// no metadata at the provider. It also comes with every message for them.
const RecordHeader = "X-Pocketline-Record"

// ClockSkew is how far a provider's clock may be behind ours when a lost copy
// is looked for by its time of creation.
const ClockSkew = time.Hour

// RecordOf is the record whose copy an object is, as the provider sent it: by
// metadata.recordId, or by RecordHeader among server.headers; "" for an object
// without our mark.
func RecordOf(raw json.RawMessage) string {
	var object struct {
		Server struct {
			Headers map[string]string `json:"headers"`
		} `json:"server"`
		Metadata map[string]any `json:"metadata"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	if id, _ := object.Metadata["recordId"].(string); id != "" {
		return id
	}
	for name, value := range object.Server.Headers {
		if http.CanonicalHeaderKey(name) == RecordHeader {
			return value
		}
	}
	return ""
}

// Marked tells whether an object is the copy of this record.
func Marked(raw json.RawMessage, record string) bool { return record != "" && RecordOf(raw) == record }

// JudgeStatus says what an HTTP answer means for the next try. A wrong key, a
// missing payment and a conflict are mended elsewhere, so they are tried again;
// what the provider read and refused is not. status is 0 without an answer;
// unclear means that the request may have been carried out all the same.
func JudgeStatus(status int, unclear bool, after time.Duration) Judgement {
	switch status {
	case http.StatusNotFound:
		return Judgement{Verdict: Missing}
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		if !unclear {
			return Judgement{Verdict: Refused}
		}
	}
	return Judgement{After: after}
}
