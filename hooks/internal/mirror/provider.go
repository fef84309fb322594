package mirror

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"
)

// RecordHeader, OrganizationHeader and InstallationHeader carry our mark in the
// server object of copies that have no metadata at the provider. They also come
// with every message for them.
const (
	RecordHeader       = "X-Pocketline-Record"
	OrganizationHeader = "X-Pocketline-Organization"
	InstallationHeader = "X-Pocketline-Installation"
)

// ClockSkew is how far a provider's clock may be behind ours when a lost copy
// is looked for by its time of creation.
const ClockSkew = time.Hour

// Mark is what we write into a copy to know it again.
type Mark struct{ Record, Organization, Installation string }

// MarkOf reads our mark from an object as the provider sent it: from its
// metadata, else from the headers of its server object. Record is "" for an
// object without our mark.
func MarkOf(raw json.RawMessage) Mark {
	var object struct {
		Server struct {
			Headers map[string]string `json:"headers"`
		} `json:"server"`
		Metadata map[string]any `json:"metadata"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return Mark{}
	}
	word := func(name string) string { text, _ := object.Metadata[name].(string); return text }
	if id := word("recordId"); id != "" {
		return Mark{id, word("organizationId"), word("installationId")}
	}
	var mark Mark
	for name, value := range object.Server.Headers {
		switch http.CanonicalHeaderKey(name) {
		case RecordHeader:
			mark.Record = value
		case OrganizationHeader:
			mark.Organization = value
		case InstallationHeader:
			mark.Installation = value
		}
	}
	return mark
}

// Mark is what the copy of a record bears. A nil Mirror knows no installation:
// tests look at copies alone.
func (m *Mirror) Mark(record *core.Record) (mark Mark, err error) {
	mark = Mark{Record: record.Id, Organization: record.GetString("organization")}
	if m != nil {
		mark.Installation, err = m.InstallationID()
	}
	return mark, err
}

// Headers are a mark for the server object of a copy.
func (k Mark) Headers() map[string]string {
	return map[string]string{RecordHeader: k.Record, OrganizationHeader: k.Organization, InstallationHeader: k.Installation}
}

// Metadata is a mark for a copy that has metadata.
func (k Mark) Metadata() map[string]any {
	return map[string]any{"recordId": k.Record, "organizationId": k.Organization, "installationId": k.Installation}
}

// Marked tells whether an object is the copy of this record.
func Marked(raw json.RawMessage, record string) bool {
	return record != "" && MarkOf(raw).Record == record
}

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
