package vapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

const (
	// soundRate and soundChannels are how a call sounds unless the stream says otherwise: both
	// parties in one lane, at the rate of Vapi's websocket transport.
	soundRate, soundChannels = 16_000, 1
	// soundDial is how long the address of a call's sound may take to answer.
	soundDial = 10 * time.Second
	// soundSilence is how long a call may send nothing at all: silence is sent too.
	soundSilence = 60 * time.Second
	// soundMessage bounds one message: two seconds of two lanes at 48 kHz are less.
	soundMessage = 512 << 10
)

// Sound is what is heard of a running call: PCM of 16 bits, little-endian, its lanes
// interleaved. Rate (samples a second) and Channels are known once Next has answered.
type Sound struct {
	Rate, Channels int

	conn *websocket.Conn
}

// Listen opens the sound of a call by its listen URL. The URL alone opens the call, so it
// is a secret: it appears in no error, and the account's key is not sent to it. See
// [Client.CheckListen] for where it may lead. The caller must Close it.
// https://docs.vapi.ai/calls/call-listen
func (s *Calls) Listen(ctx context.Context, listenURL string) (*Sound, error) {
	if err := s.c.CheckListen(listenURL); err != nil {
		return nil, err
	}
	dialling, cancel := context.WithTimeout(ctx, soundDial)
	defer cancel()
	conn, res, err := websocket.Dial(dialling, listenURL, &websocket.DialOptions{HTTPClient: s.c.listen})
	if err != nil {
		return nil, unheard(res, err)
	}
	conn.SetReadLimit(soundMessage)
	return &Sound{Rate: soundRate, Channels: soundChannels, conn: conn}, nil
}

// unheard says why a call's sound did not open, without its address.
func unheard(res *http.Response, err error) *Error {
	e := &Error{Method: http.MethodGet, Path: "listen", Messages: []string{httpjson.Reason(err)}}
	if res != nil {
		e.Status, e.Header = res.StatusCode, res.Header
		e.Messages = []string{"The sound of the call was refused."}
	}
	if e.Status == http.StatusNotFound || e.Status == http.StatusGone {
		e.Messages, e.cause = []string{ErrCallOver.Error()}, ErrCallOver
	}
	return e
}

// Next waits for the next stretch of sound. The error is io.EOF once the call is over.
// Vapi sends what happens in the call on the same stream, as JSON: that is passed over.
func (s *Sound) Next(ctx context.Context) ([]byte, error) {
	for {
		kind, data, err := s.read(ctx)
		switch {
		case err != nil:
			return nil, err
		case kind == websocket.MessageText:
			s.told(data)
		case len(data) > 0:
			return data, nil
		}
	}
}

func (s *Sound) read(ctx context.Context) (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, soundSilence)
	defer cancel()
	kind, data, err := s.conn.Read(ctx)
	var closed websocket.CloseError
	switch {
	case err == nil:
		return kind, data, nil
	case errors.As(err, &closed) || errors.Is(err, io.EOF):
		return 0, nil, io.EOF
	}
	return 0, nil, unheard(nil, err)
}

// told takes what the stream says of itself. What cannot be is not believed.
func (s *Sound) told(data []byte) {
	var says struct {
		SampleRate int `json:"sampleRate"`
		Channels   int `json:"channels"`
	}
	if json.Unmarshal(data, &says) != nil {
		return
	}
	if says.SampleRate >= 8_000 && says.SampleRate <= 48_000 {
		s.Rate = says.SampleRate
	}
	if says.Channels == 1 || says.Channels == 2 {
		s.Channels = says.Channels
	}
}

// Close ends listening; the call goes on.
func (s *Sound) Close() error { return s.conn.CloseNow() }

// listener is the client that opens the sound of calls: it goes nowhere but to public
// addresses and the hosts the configuration names, and follows no redirect.
func listener(hosts []string) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         httpjson.GuardedDial(httpjson.GuardOptions{AllowHosts: hosts, Ports: []uint16{443}}),
			TLSHandshakeTimeout: soundDial, ResponseHeaderTimeout: soundDial, MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
