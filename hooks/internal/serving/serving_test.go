package serving

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
)

// fresh is an app with PocketBase's own collections and nothing else.
func fresh(t *testing.T) *tests.TestApp {
	t.Helper()
	app, err := tests.NewTestApp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Cleanup)
	return app
}

// mux builds the routes once, as `serve` does, with our middleware bound.
func mux(t *testing.T, app *tests.TestApp, o Options) http.Handler {
	t.Helper()
	Bind(app, o)
	router, err := apis.NewRouter(app)
	if err != nil {
		t.Fatal(err)
	}
	router.GET("/_/{path...}", func(e *core.RequestEvent) error { return e.String(http.StatusOK, "panel") })
	se := &core.ServeEvent{App: app, Router: router}
	var handler http.Handler
	err = app.OnServe().Trigger(se, func(e *core.ServeEvent) error {
		var err error
		handler, err = e.Router.BuildMux()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func TestPanel_is_reached_only_by_whom_the_operator_means(t *testing.T) {
	type visitor struct {
		name, address string
		header        map[string]string
		host, proto   string
	}
	here := visitor{name: "this machine", address: "127.0.0.1:4000"}
	lan := visitor{name: "private network", address: "[::ffff:192.168.1.7]:4000"}
	named := visitor{name: "this machine by name", address: "127.0.0.1:4000", host: "LOCALHOST:8090"}
	six := visitor{name: "this machine by IPv6", address: "[::1]:4000", host: "[::1]:8090"}
	far := visitor{name: "internet", address: "203.0.113.9:4000"}
	proxied := visitor{name: "behind an unknown proxy", address: "127.0.0.1:4000",
		header: map[string]string{"X-Forwarded-For": "127.0.0.1"}}
	viaFly := visitor{name: "behind the trusted proxy", address: "172.16.0.2:4000",
		header: map[string]string{"Fly-Client-IP": "203.0.113.9"}}
	nearFly := visitor{name: "in the private network, by the trusted proxy", address: "172.16.0.2:4000",
		header: map[string]string{"Fly-Client-IP": "192.168.1.7"}}
	publicFly := nearFly
	publicFly.name, publicFly.host = "in the private network, by our public name", "desk.example.com"
	reboundFly := nearFly
	reboundFly.name, reboundFly.host = "a foreign name through the trusted proxy", "rebound.example.com"
	untold := []visitor{
		{name: "a foreign name that leads here", address: "127.0.0.1:4000", host: "rebound.example.com"},
		{name: "a foreign name with a port", address: "127.0.0.1:4000", host: "rebound.example.com:8090"},
		{name: "a name that begins like ours", address: "127.0.0.1:4000", host: "localhost.example.com"},
		{name: "a public address as name", address: "127.0.0.1:4000", host: "203.0.113.9"},
		{name: "a proxy without headers", address: "127.0.0.1:4000", proto: "HTTP/1.0"},
	}
	for _, name := range []string{"Via", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded",
		"X-Real-IP", "Fly-Region", "CF-Ray", "Cdn-Loop"} {
		untold = append(untold, visitor{name: "a proxy that sends " + name, address: "127.0.0.1:4000",
			header: map[string]string{name: "x"}})
	}

	cases := []struct {
		panel, trusted string
		allowed        []visitor
		refused        []visitor
	}{
		{"local", "", []visitor{here, lan, named, six}, append([]visitor{far, proxied}, untold...)},
		{"local", "Fly-Client-IP", []visitor{nearFly, publicFly}, []visitor{far, viaFly, here, lan, reboundFly}},
		{"off", "", nil, []visitor{here, lan, far}},
		{"on", "", []visitor{here, far, proxied}, nil},
	}
	paths := []string{"GET /_/", "GET /_/some/page", "POST /api/sql",
		"POST /api/collections/_superusers/auth-with-password",
		"POST /api/collections/_SuperUsers/auth-with-password", "POST /api/collections/%5Fsuperusers/request-password-reset",
		"GET /api/collections/_superusers/records", "GET /api/collections/SUPERUSERSID/records"}
	for _, c := range cases {
		app := fresh(t)
		app.Settings().Meta.AppURL = "https://desk.example.com"
		handler := mux(t, app, Options{AdminPanel: c.panel, TrustedProxyHeader: c.trusted})
		superusers, err := app.FindCollectionByNameOrId(core.CollectionNameSuperusers)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(v visitor, path string) *httptest.ResponseRecorder {
			method, target, _ := strings.Cut(strings.ReplaceAll(path, "SUPERUSERSID", superusers.Id), " ")
			r := httptest.NewRequest(method, target, nil)
			r.RemoteAddr = v.address
			if r.Host = v.host; v.host == "" {
				r.Host = "127.0.0.1:8090"
			}
			if v.proto != "" {
				r.Proto, r.ProtoMajor, r.ProtoMinor = v.proto, 1, 0
			}
			for k, value := range v.header {
				r.Header.Set(k, value)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w
		}
		for _, path := range paths {
			for _, v := range c.refused {
				if w := ask(v, path); w.Code != http.StatusNotFound {
					t.Errorf("panel %s, %s, %s: got %d, want 404", c.panel, v.name, path, w.Code)
				}
			}
			for _, v := range c.allowed {
				if w := ask(v, path); w.Code == http.StatusNotFound {
					t.Errorf("panel %s, %s, %s: got 404, want to be let through", c.panel, v.name, path)
				}
			}
		}
		for _, v := range append(c.allowed, c.refused...) {
			if w := ask(v, "GET /api/health"); w.Code != http.StatusOK {
				t.Errorf("panel %s, %s: health got %d, want 200", c.panel, v.name, w.Code)
			}
		}
	}
}

func TestTrustedProxy_setting_follows_the_environment(t *testing.T) {
	app := fresh(t)
	app.Settings().TrustedProxy.Headers = []string{"X-Left-Over"}
	if err := app.Save(app.Settings()); err != nil {
		t.Fatal(err)
	}
	mux(t, app, Options{})
	if got := app.Settings().TrustedProxy.Headers; len(got) != 0 {
		t.Errorf("got %v, want a left-over header to be gone", got)
	}
}

// serve runs the app's real server on a free port until the test ends it.
type running struct {
	app     *tests.TestApp
	address string
	ended   chan error
}

func serve(t *testing.T, app *tests.TestApp, o Options, routes func(*core.ServeEvent)) *running {
	t.Helper()
	Bind(app, o)
	r := &running{app: app, ended: make(chan error, 1)}
	ready := make(chan struct{})
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		se.Listener, se.InstallerFunc, r.address = listener, nil, listener.Addr().String()
		routes(se)
		if err := se.Next(); err != nil {
			return err
		}
		close(ready)
		return nil
	})
	go func() { r.ended <- apis.Serve(app, apis.ServeConfig{}) }()
	select {
	case <-ready:
	case err := <-r.ended:
		t.Fatalf("serve ended early: %v", err)
	}
	return r
}

func (r *running) terminate() error {
	event := &core.TerminateEvent{App: r.app}
	return r.app.OnTerminate().Trigger(event, func(*core.TerminateEvent) error { return nil })
}

func TestDrain_request_under_way_finishes_and_streams_end(t *testing.T) {
	started, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r := serve(t, fresh(t), Options{AdminPanel: "local", Drain: time.Minute}, func(se *core.ServeEvent) {
		se.Server.RegisterOnShutdown(sync.OnceFunc(func() { close(ended) })) // PocketBase shuts down once more
		se.Router.GET("/slow", func(e *core.RequestEvent) error {
			close(started)
			<-release
			if err := e.Request.Context().Err(); err != nil {
				return err
			}
			return e.String(http.StatusOK, "finished")
		})
	})

	stream, err := http.Get("http://" + r.address + "/api/realtime")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || line == "" {
		t.Fatalf("the realtime stream did not open: %v", err)
	}
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + r.address + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- fmt.Sprint(res.StatusCode, " ", string(body))
	}()
	<-started

	stopped := make(chan error, 1)
	go func() { stopped <- r.terminate() }()
	<-ended // Shutdown has begun: nothing new is taken
	if _, err := net.DialTimeout("tcp", r.address, time.Second); err == nil {
		t.Error("got a new connection while stopping, want it refused")
	}
	close(release)
	if got := <-answer; got != "200 finished" {
		t.Errorf("the request under way got %q, want it to finish", got)
	}
	if _, err := io.Copy(io.Discard, stream.Body); err != nil {
		t.Errorf("the stream ended with %v, want a clean end", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

func TestDrain_gives_up_after_its_time(t *testing.T) {
	started := make(chan struct{})
	r := serve(t, fresh(t), Options{Drain: 50 * time.Millisecond}, func(se *core.ServeEvent) {
		se.Router.GET("/forever", func(e *core.RequestEvent) error {
			close(started)
			<-e.Request.Context().Done()
			return nil
		})
	})
	go func() {
		if res, err := http.Get("http://" + r.address + "/forever"); err == nil {
			res.Body.Close()
		}
	}()
	<-started
	if err := r.terminate(); err != nil { // would hang if drain waited for ever
		t.Error(err)
	}
}

func TestTimeouts_free_slow_clients_but_not_streams(t *testing.T) {
	streaming, cut := make(chan struct{}), make(chan struct{})
	r := serve(t, fresh(t), Options{Drain: time.Second}, func(se *core.ServeEvent) {
		if se.Server.ReadHeaderTimeout != headerTimeout || se.Server.ReadTimeout != bodyTimeout {
			t.Errorf("got %v and %v, want %v and %v", se.Server.ReadHeaderTimeout, se.Server.ReadTimeout,
				headerTimeout, bodyTimeout)
		}
		se.Server.ReadTimeout = 50 * time.Millisecond // the same, sooner
		se.Router.GET("/stream", func(e *core.RequestEvent) error {
			close(streaming)
			select {
			case <-e.Request.Context().Done():
				return e.Request.Context().Err()
			case <-cut:
				return e.String(http.StatusOK, "whole")
			}
		})
		se.Router.POST("/body", func(e *core.RequestEvent) error {
			if _, err := io.ReadAll(e.Request.Body); err != nil {
				return e.String(http.StatusRequestTimeout, "cut")
			}
			return e.String(http.StatusOK, "whole")
		})
	})
	defer r.terminate()

	// The stream begins before the slow bodies. When those are cut, it has
	// outlived the same deadline. A form of somebody unknown is like any body.
	stream := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + r.address + "/stream")
		if err != nil {
			stream <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		stream <- string(body)
	}()
	<-streaming
	form := beginBody(t, r.address, "multipart/form-data; boundary=x")
	slow := beginBody(t, r.address, "application/json")
	for name, conn := range map[string]net.Conn{"form": form, "body": slow} {
		if got := answerOf(t, conn); got != http.StatusRequestTimeout {
			t.Errorf("a dripping %s got %d, want it cut", name, got)
		}
	}
	close(cut)
	if got := <-stream; got != "whole" {
		t.Errorf("a request without a body got %q, want it to outlive the read timeout", got)
	}
}

// beginBody sends one of two bytes.
func beginBody(t *testing.T, address, kind string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn,
		"POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: 2\r\n\r\na", kind)
	return conn
}

func answerOf(t *testing.T, conn net.Conn) int {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestLock_second_server_is_refused_and_a_killed_one_leaves_nothing(t *testing.T) {
	dir := t.TempDir()
	release, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want ErrTaken with the directory's name", err)
	}
	release()

	// Another process takes the lock and is killed.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	other := exec.CommandContext(ctx, os.Args[0], "-test.run=TestHelper_holds_the_lock")
	other.Env = append(os.Environ(), "SERVING_TEST_LOCK="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	if _, err := Lock(dir); !errors.Is(err, ErrTaken) {
		t.Errorf("got %v, want ErrTaken while the other process lives", err)
	}
	other.Process.Kill()
	other.Wait()
	release, err = Lock(dir)
	if err != nil {
		t.Fatalf("got %v, want the lock of a killed process to be gone", err)
	}
	release()
}

// TestHelper_holds_the_lock is the other process of the test above.
func TestHelper_holds_the_lock(t *testing.T) {
	dir := os.Getenv("SERVING_TEST_LOCK")
	if dir == "" {
		return
	}
	if _, err := Lock(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	select {}
}

// Anybody may begin a request, and its headers lie in memory until they end.
func TestServer_takes_headers_of_a_bounded_size(t *testing.T) {
	app := fresh(t)
	Bind(app, Options{})
	router, err := apis.NewRouter(app)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	se := &core.ServeEvent{App: app, Router: router, Server: server.Config}
	err = app.OnServe().Trigger(se, func(e *core.ServeEvent) error {
		var err error
		server.Config.Handler, err = e.Router.BuildMux()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	defer server.Close()
	for size, refused := range map[int]bool{20 << 10: false, 40 << 10: true} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/health", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", strings.Repeat("x", size))
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if (res.StatusCode == http.StatusRequestHeaderFieldsTooLarge) != refused {
			t.Errorf("%d KB of headers: got %d", size>>10, res.StatusCode)
		}
	}
}
