package vapicopy

import (
	"encoding/json"
	"net/http"

	"github.com/pocketline/pocketline/hooks/internal/mirror"
)

// RecordHeader, OrganizationHeader and InstallationHeader carry our mark in the
// server object of copies that have no metadata at Vapi. They also come with every
// message for them.
const (
	RecordHeader       = "X-Pocketline-Record"
	OrganizationHeader = "X-Pocketline-Organization"
	InstallationHeader = "X-Pocketline-Installation"
)

// Headers are a mark for the server object of a copy.
func Headers(k mirror.Mark) map[string]string {
	return map[string]string{
		RecordHeader: k.Record, OrganizationHeader: k.Organization, InstallationHeader: k.Installation,
	}
}

// Metadata is a mark for a copy that has metadata.
func Metadata(k mirror.Mark) map[string]any {
	return map[string]any{"recordId": k.Record, "organizationId": k.Organization, "installationId": k.Installation}
}

// MarkOf reads our mark from an object as Vapi sent it: from its metadata, else
// from the headers of its server object. Record is "" for an object without our
// mark.
func MarkOf(raw json.RawMessage) mirror.Mark {
	var object struct {
		Server struct {
			Headers map[string]string `json:"headers"`
		} `json:"server"`
		Metadata map[string]any `json:"metadata"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return mirror.Mark{}
	}
	word := func(name string) string { text, _ := object.Metadata[name].(string); return text }
	if id := word("recordId"); id != "" {
		return mirror.Mark{Record: id, Organization: word("organizationId"), Installation: word("installationId")}
	}
	var mark mirror.Mark
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
