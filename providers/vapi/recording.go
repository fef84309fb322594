package vapi

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// MaxRecording bounds a download in bytes: about four hours of stereo sound
// without compression.
const MaxRecording = 512 << 20

// downloadTimeout is for the whole of a recording over a slow line.
const downloadTimeout = 10 * time.Minute

// Kinds of artifact that [Calls.Recording] can fetch.
const (
	RecordingMono      = "mono-recording"
	RecordingStereo    = "stereo-recording"
	RecordingCustomer  = "customer-recording"
	RecordingAssistant = "assistant-recording"
	RecordingVideo     = "video-recording"
	CallLogs           = "call-logs"
)

// Recording is a download in progress. Close Body.
type Recording struct {
	// Body fails when it grows past MaxRecording.
	Body io.ReadCloser
	// ContentType is sound, video, gzip or application/octet-stream, never
	// anything a browser would run.
	ContentType string
	// Size in bytes, -1 when not announced.
	Size int64
}

// Recording opens a recording or another artifact of a call. Vapi answers with
// a redirect to a short-lived address, which is followed here and never shown
// to anybody. A call without recording gives an error for which IsNotFound
// holds.
// https://docs.vapi.ai/assistants/call-recording
func (s *Calls) Recording(ctx context.Context, id, kind string) (*Recording, error) {
	switch kind {
	case RecordingMono, RecordingStereo, RecordingCustomer, RecordingAssistant, RecordingVideo, CallLogs:
	case "mono", "stereo", "customer", "assistant", "video":
		kind += "-recording"
	default:
		return nil, &Error{Method: http.MethodGet, Path: "/call", Code: "invalid_kind",
			Messages: []string{"no such kind of recording"}}
	}
	path, err := item("/call", id)
	if err != nil {
		return nil, err
	}
	path += "/" + kind
	resp, err := s.c.do(ctx, httpjson.Request{Method: http.MethodGet, Path: path, Redirect: true, Stream: true,
		MaxStream: MaxRecording, Timeout: downloadTimeout}, nil)
	if err != nil {
		return nil, err
	}
	if resp.Stream != nil {
		return &Recording{Body: resp.Stream, ContentType: soundType(resp.Header.Get("Content-Type")), Size: resp.Size}, nil
	}
	return s.c.follow(ctx, path, resp.Header.Get("Location"))
}

// follow fetches the target of a redirect without our key.
func (c *Client) follow(ctx context.Context, path, location string) (*Recording, error) {
	failed := func(status int, err error) error {
		e := &Error{Method: http.MethodGet, Path: path, Status: status, cause: err}
		if err != nil {
			reason := httpjson.Reason(err)
			if reason == "" {
				reason = "the recording cannot be read"
			}
			e.Messages, e.cause = []string{reason}, unwrapURL(err)
		} else {
			e.Messages = []string{fmt.Sprintf("the recording's store answered %d", status)}
		}
		return e
	}
	base, err := url.Parse(c.api.BaseURL() + path)
	if err != nil {
		return nil, failed(0, httpjson.ErrBlocked)
	}
	target, err := base.Parse(location)
	if err != nil || location == "" {
		return nil, failed(0, httpjson.ErrBlocked)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, failed(0, httpjson.ErrBlocked)
	}
	res, err := c.download.Do(req)
	if err != nil {
		return nil, failed(0, err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, failed(res.StatusCode, nil)
	}
	if res.ContentLength > MaxRecording {
		res.Body.Close()
		return nil, failed(0, httpjson.ErrTooLarge)
	}
	return &Recording{Body: res.Body, ContentType: soundType(res.Header.Get("Content-Type")), Size: res.ContentLength}, nil
}

// unwrapURL drops the layer of an error that repeats the signed address.
func unwrapURL(err error) error {
	if u, ok := err.(*url.Error); ok {
		return u.Err
	}
	return err
}

// soundType passes sound, video and archives on and nothing a browser could
// execute.
func soundType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err == nil && (strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/") ||
		kind == "application/gzip") {
		return kind
	}
	return "application/octet-stream"
}
