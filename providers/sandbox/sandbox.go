// Package sandbox is a stand-in for Vapi that runs on this machine: its HTTP
// API with memory, and a caller who plays scripted conversations against
// whichever server the assistant names.
//
// It speaks plain JSON and shares no struct with our client, so a wrong field
// name in the client shows. It refuses what the real API refuses (unknown
// properties, bad enumerations, names over 40 characters) in the real API's
// error shape. What it adds for tests lives under /_sandbox/ and needs no key;
// see admin.go for the list.
//
// Time: a call has its own clock. At Speed 1 it runs with the wall clock, at 10
// ten times faster, at 0 nothing is waited for and every message is sent one
// after the other, so a run is repeatable. The times written into messages are
// always the script's own, so at any other speed than 1 they run ahead of the
// wall clock.
package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	defaultAddr = "127.0.0.1:0"
	defaultKey  = "sandbox-key"

	// defaultConcurrency is Vapi's number of call slots per account.
	defaultConcurrency = 10
	// assistantRequestLimit is Vapi's fixed end-to-end limit for assistant-request.
	assistantRequestLimit = 7500 * time.Millisecond
	// signedURLLife is how long the target of a recording redirect works.
	signedURLLife = 15 * time.Minute
	// closingTime is how long requests under way get when the sandbox closes.
	closingTime = 500 * time.Millisecond
	// maxBody bounds what a client may send; Vapi's own limits are larger for files only.
	maxBody = 5 << 20
)

// Config says where and how the sandbox runs. The zero value is usable.
type Config struct {
	// Addr is the listen address, default 127.0.0.1:0. Only loopback addresses are accepted.
	Addr string
	// Key is the bearer key clients must send, default "sandbox-key".
	Key string
	// Speed is how fast calls play: 1 is real time, 10 ten times faster, 0 without waiting.
	Speed float64
	// StateFile keeps the memory over restarts when it is set. It holds what
	// clients sent, secrets included, with mode 0600; "" keeps nothing.
	StateFile string
	// Logger receives one line per delivered message; nil is silent.
	Logger *slog.Logger
}

// Server is a running sandbox. Make one with Start, end it with Close.
type Server struct {
	cfg    Config
	log    *slog.Logger
	url    string
	http   *http.Server
	client *http.Client
	secret []byte // signs storage links
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // calls being played and messages under way
	saving sync.Mutex     // one writer of the state file at a time
	clock  *clock

	mu         sync.Mutex // guards everything below; stored objects are never changed, only replaced
	tables     map[string]*table
	lastTick   time.Time
	live       map[string]*liveCall
	blobs      map[string][]byte
	settings   settings
	faults     []*fault
	deliveries []*delivery
	nextCalls  []callOrder
	counter    int
	business   *business
}

// Start listens and serves until Close. It fails for an address that is not
// loopback, a negative speed, or a port that is taken.
func Start(cfg Config) (*Server, error) {
	if cfg.Addr == "" {
		cfg.Addr = defaultAddr
	}
	if cfg.Key == "" {
		cfg.Key = defaultKey
	}
	if cfg.Speed < 0 {
		return nil, fmt.Errorf("sandbox: speed %v is negative", cfg.Speed)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := requireLoopback(cfg.Addr); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: listen: %w", err)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, url: "http://" + listener.Addr().String(), secret: make([]byte, 32),
		clock: newClock()}
	if _, err := rand.Read(s.secret); err != nil {
		listener.Close()
		return nil, fmt.Errorf("sandbox: random: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.client = &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second},
		// Vapi takes a redirect as a failure; following one would hide it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.clear()
	if err := s.load(); err != nil {
		s.cancel()
		listener.Close()
		return nil, err
	}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.http.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("sandbox stopped", "error", err)
		}
	}()
	return s, nil
}

// clear empties the memory; the caller holds s.mu or is alone.
func (s *Server) clear() {
	s.tables = map[string]*table{}
	for _, name := range tableNames {
		s.tables[name] = &table{rows: map[string]object{}}
	}
	s.live = map[string]*liveCall{}
	s.blobs = map[string][]byte{}
	s.settings = defaultSettings()
	s.faults, s.deliveries, s.nextCalls = nil, nil, nil
	s.business = newBusiness()
}

func requireLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("sandbox: address %q: %w", addr, err)
	}
	if host == "localhost" {
		return nil
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("sandbox: %q is not a loopback address; the sandbox has no real protection and stays on this machine", addr)
	}
	return nil
}

// URL is the base URL to give a client in place of Vapi's.
func (s *Server) URL() string { return s.url }

// Key is the bearer key the API asks for.
func (s *Server) Key() string { return s.cfg.Key }

// Close ends running calls without further messages and stops listening. It
// returns when everything has stopped or ctx is done.
func (s *Server) Close(ctx context.Context) error {
	s.cancel()
	// Shutdown waits five seconds for a connection that was opened and never
	// used; every answer here takes far less than closingTime.
	graceful, stop := context.WithTimeout(ctx, closingTime)
	defer stop()
	err := s.http.Shutdown(graceful)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	stopped := make(chan struct{})
	go func() { s.wg.Wait(); close(stopped) }()
	select {
	case <-stopped:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	s.client.CloseIdleConnections()
	s.save()
	return err
}

// Wait returns when the call is completely over: ended, its report delivered
// and every retry finished. It fails for an unknown call or when ctx is done.
func (s *Server) Wait(ctx context.Context, callID string) error {
	s.mu.Lock()
	c := s.live[callID]
	s.mu.Unlock()
	if c == nil {
		return fmt.Errorf("sandbox: no call %s was played", callID)
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("sandbox: call %s: %w", callID, ctx.Err())
	}
}
