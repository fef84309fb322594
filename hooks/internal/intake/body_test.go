package intake_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// open are routes that read a body before they know who sends it.
var open = []string{
	"/api/realtime", "/api/collections/users/auth-with-password", "/api/collections/users/records",
	"/api/collections/users/request-password-reset", "/api/collections/users/request-otp", "/functions/v1/calls",
	"/api/nothing/here",
}

func desk(t *testing.T, l intake.Limits, routes func(*core.ServeEvent)) (*tests.TestApp, http.Handler) {
	t.Helper()
	app := testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		intake.Register(app, l)
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			if routes != nil {
				routes(se)
			}
			return se.Next()
		})
	})
	return app, testkit.Mux(t, app)
}

func post(t *testing.T, mux http.Handler, path, person, kind string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("POST", path, body)
	r.Header.Set("Content-Type", kind)
	for name, value := range testkit.As(t, person) {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func TestBody_of_a_guest_is_small(t *testing.T) {
	_, mux := desk(t, intake.Limits{}, nil)
	for _, path := range open {
		for _, kind := range []string{"application/json", "multipart/form-data; boundary=x",
			"application/x-www-form-urlencoded", "text/plain", ""} {
			if w := post(t, mux, path, testkit.Guest, kind,
				bytes.NewReader(make([]byte, 30<<20))); w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s, %q announced: got %d %s", path, kind, w.Code, w.Body)
			}
			e := &testkit.Endless{}
			if w := post(t, mux, path, testkit.Guest, kind, e); w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s, %q in pieces: got %d %s", path, kind, w.Code, w.Body)
			}
			if e.Bytes > 65<<10 {
				t.Errorf("%s, %q: read %d bytes before it was refused", path, kind, e.Bytes)
			}
		}
	}
}

func TestBody_of_a_member_is_bounded(t *testing.T) {
	_, mux := desk(t, intake.Limits{}, nil)
	for _, path := range []string{"/api/collections/calls/records", "/api/realtime", "/api/nothing/here"} {
		for _, body := range []io.Reader{bytes.NewReader(make([]byte, 2<<20+1)), &testkit.Endless{}} {
			if w := post(t, mux, path, testkit.AcmeOwner, "application/json", body); w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: got %d %s", path, w.Code, w.Body)
			}
		}
	}
}

func TestBody_is_read_as_it_was_sent(t *testing.T) {
	_, mux := desk(t, intake.Limits{}, func(se *core.ServeEvent) {
		se.Router.POST("/echo", func(e *core.RequestEvent) error {
			first, err := io.ReadAll(e.Request.Body)
			if err != nil {
				return err
			}
			e.Request.Body.(router.Rereader).Reread()
			second, err := io.ReadAll(e.Request.Body)
			if err != nil {
				return err
			}
			e.Request.Body.(router.Rereader).Reread()
			info, err := e.RequestInfo()
			if err != nil {
				return err
			}
			return e.JSON(http.StatusOK, map[string]any{"first": string(first), "second": string(second), "n": info.Body["n"]})
		})
	})
	for _, person := range []string{testkit.Guest, testkit.AcmeViewer, testkit.Superuser} {
		for name, body := range map[string]io.Reader{
			"announced": strings.NewReader(`{"n":[[1],"[[[\"{{"]}`),
			"in pieces": io.MultiReader(strings.NewReader(`{"n":[[1],`), strings.NewReader(`"[[[\"{{"]}`)),
		} {
			w := post(t, mux, "/echo", person, "application/json", body)
			var got struct {
				First, Second string
				N             []any
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.First != `{"n":[[1],"[[[\"{{"]}` || got.Second != got.First || len(got.N) != 2 {
				t.Errorf("%q, %s: got %s", person, name, w.Body)
			}
		}
	}
}

// reliability.md F13: what guests send lies in memory within the budget only.
func TestBodies_of_guests_have_a_budget(t *testing.T) {
	const budget = 256 << 10
	_, mux := desk(t, intake.Limits{GuestBodies: budget}, nil)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close) // after the connections
	address := strings.TrimPrefix(server.URL, "http://")
	const senders = 12
	answers := make(chan *http.Response, senders)
	for i := range senders { // 60 KB each, and then nothing: four are the budget
		conn := dial(t, address)
		fmt.Fprintf(conn,
			"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
			[]string{"/api/realtime", "/functions/v1/calls", "/api/nothing"}[i%3])
		fmt.Fprintf(conn, "%x\r\n%s\r\n", 60<<10, strings.Repeat(" ", 60<<10))
		go func() {
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				answers <- res
			}
		}()
	}
	for range senders - 4 {
		res := <-answers
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("got %d %v, want 503 with Retry-After", res.StatusCode, res.Header)
		}
	}
	// Who is signed in has another budget.
	r, err := http.NewRequest("POST", server.URL+"/api/collections/contacts/records",
		strings.NewReader(`{"name":"`+strings.Repeat("x", 400<<10)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", testkit.As(t, testkit.AcmeOwner)["Authorization"])
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusRequestEntityTooLarge {
		t.Errorf("a member while guests hold theirs: got %d", res.StatusCode)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// The multipart body of somebody unknown has the time every body has; the
// upload of somebody signed in has more.
func TestUpload_gets_time_only_when_signed_in(t *testing.T) {
	_, mux := desk(t, intake.Limits{GuestPatience: 50 * time.Millisecond}, nil)
	server := httptest.NewUnstartedServer(mux)
	server.Config.ReadTimeout = 50 * time.Millisecond
	server.Start()
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	begin := func(person string) net.Conn {
		conn := dial(t, address)
		fmt.Fprintf(conn,
			"POST /api/collections/users/records HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %s\r\n"+
				"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9\r\n\r\n--",
			testkit.As(t, person)["Authorization"])
		return conn
	}
	status := func(conn net.Conn) int {
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	upload := begin(testkit.AcmeOwner)
	if got := status(begin(testkit.Guest)); got != http.StatusRequestTimeout {
		t.Errorf("a guest who drips: got %d, want %d", got, http.StatusRequestTimeout)
	}
	io.WriteString(upload, "x--\r\n\r\n")
	if got := status(upload); got == http.StatusRequestTimeout || got == 0 {
		t.Errorf("an upload that outlived the read timeout: got %d", got)
	}
}

func TestUpload_goes_to_disk_and_is_gone_afterwards(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var during int
	_, mux := desk(t, intake.Limits{MemberBodies: 1 << 10}, func(se *core.ServeEvent) {
		se.Router.POST("/files", func(e *core.RequestEvent) error {
			files, err := filepath.Glob(filepath.Join(dir, "multipart-*"))
			if err != nil {
				return err
			}
			during = len(files)
			sent, err := e.FindUploadedFiles("file")
			if err != nil {
				return err
			}
			info, err := e.RequestInfo()
			if err != nil {
				return err
			}
			return e.JSON(http.StatusOK, map[string]any{"size": sent[0].Size, "note": info.Body["note"]})
		})
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("note", "a tune")
	file, err := form.CreateFormFile("file", "tune.wav")
	if err != nil {
		t.Fatal(err)
	}
	file.Write(make([]byte, 3<<20))
	form.Close()
	w := post(t, mux, "/files", testkit.AcmeOwner, form.FormDataContentType(), &body)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"size":3145728`) ||
		!strings.Contains(w.Body.String(), "a tune") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if during != 1 {
		t.Errorf("%d files on disk while it is handled, want 1", during)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "multipart-") || strings.HasPrefix(entry.Name(), "upload-") {
			t.Errorf("%s is still there", entry.Name())
		}
	}
}

// The parser keeps ten megabytes of each upload's texts in memory.
func TestUpload_texts_have_a_size_and_a_budget(t *testing.T) {
	_, mux := desk(t, intake.Limits{MemberBodies: 8 << 10}, func(se *core.ServeEvent) {
		se.Router.POST("/files", func(e *core.RequestEvent) error {
			info, err := e.RequestInfo()
			if err != nil {
				return err
			}
			return e.JSON(http.StatusOK, map[string]any{"note": info.Body["note"]})
		})
	})
	long := strings.Repeat("n", 3<<20)
	part := func(header, content string) string {
		return "--x\r\n" + header + "\r\n\r\n" + content + "\r\n"
	}
	const note, file = `Content-Disposition: form-data; name="note"`,
		`Content-Disposition: form-data; name="file"; filename="a.txt"`
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"a note and a file":              {part(note, "a tune") + part(file, long), 200},
		"a note of a hundred":            {part(note, strings.Repeat("a tune\r\n", 100)) + part(file, "x"), 200},
		"a long text":                    {part(note, long), 413},
		"many texts":                     {strings.Repeat(part(note, long[:400<<10]), 7), 413},
		"lines":                          {part(note, strings.Repeat("a\n", 2<<20)), 413},
		"a name like a file's":           {part(`Content-Disposition: form-data; name="note; filename=a"`, long), 413},
		"a file without a name":          {part(`Content-Disposition: form-data; name="note"; filename=""`, long), 413},
		"a second disposition":           {part(note+"\r\n"+file, long), 413},
		"a long header":                  {part(note+"\r\nX-A: "+long[:20<<10], "a"), 413},
		"many headers":                   {part(note+strings.Repeat("\r\nX-A: b", 5_000), "a"), 413},
		"more than may be at once":       {part(note, long[:10<<10]), 503},
		"a line that looks like the end": {part(file, "--xy\r\n"+long), 200},
		"lines that look like a file's":  {part(note, "a\n--x\n"+file+"\n\n"+long), 413},
		"a beginning before the parts":   {strings.Repeat("n\r\n", 1<<20) + part(note, "a"), 413},
		"no form":                        {"nothing", 400},
	} {
		w := post(t, mux, "/files", testkit.AcmeOwner, "multipart/form-data; boundary=x",
			strings.NewReader(tt.body+"--x--\r\n"))
		if w.Code != tt.want || (tt.want == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: got %d %.200s, want %d", name, w.Code, w.Body, tt.want)
		}
	}
}

// An answer that is held back on purpose holds nobody else's place.
func TestBody_of_whoever_waits_is_not_counted(t *testing.T) {
	arrived, end := make(chan error, 9), make(chan struct{})
	_, mux := desk(t, intake.Limits{GuestBodies: 2 << 10}, func(se *core.ServeEvent) {
		se.Router.POST("/door", func(e *core.RequestEvent) error {
			intake.Waits(e)
			raw, err := io.ReadAll(e.Request.Body)
			if err == nil && string(raw) != "{}" {
				err = fmt.Errorf("read %q", raw)
			}
			intake.Answered(e)
			arrived <- err
			<-end
			return e.NoContent(http.StatusNoContent)
		})
	})
	const guests = 5
	answers := make(chan int, guests)
	for range guests {
		go func() {
			answers <- post(t, mux, "/door", testkit.Guest, "application/json", strings.NewReader("{}")).Code
		}()
		select {
		case err := <-arrived:
			if err != nil {
				t.Error(err)
			}
		case status := <-answers:
			t.Fatalf("got %d", status)
		}
	}
	close(end)
	for range guests {
		if status := <-answers; status != http.StatusNoContent {
			t.Errorf("got %d", status)
		}
	}
}

// Two megabytes of "[]," are a hundred once they are parsed.
func TestBody_consists_of_a_bounded_number_of_values(t *testing.T) {
	_, mux := desk(t, intake.Limits{}, nil)
	form := func(json string) string { return url.Values{"@jsonPayload": {json}}.Encode() }
	upload := func(json string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"@jsonPayload\"\r\n\r\n" + json + "\r\n--x--\r\n"
	}
	list := func(one string, n int) string {
		return `{"preferences":{"x":[` + strings.Repeat(one+",", n) + one + `]}}`
	}
	const json, fields, parts = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
	for name, tt := range map[string]struct {
		person, method, kind, body string
		refused                    bool
	}{
		"objects":            {testkit.AcmeViewer, "POST", json, list("{}", 30_000), true},
		"lists":              {testkit.AcmeViewer, "POST", json, list("[]", 30_000), true},
		"numbers":            {testkit.AcmeViewer, "PATCH", json, list("1", 60_000), true},
		"read with a body":   {testkit.AcmeViewer, "GET", json, list("[]", 30_000), true},
		"names of a form":    {testkit.AcmeViewer, "POST", fields, strings.Repeat("a&", 60_000), true},
		"JSON in a form":     {testkit.AcmeViewer, "POST", fields, form(list("[]", 30_000)), true},
		"JSON in an upload":  {testkit.AcmeViewer, "POST", parts, upload(list("[]", 30_000)), true},
		"a guest's":          {testkit.Guest, "POST", json, list("[]", 1_200), true},
		"a guest's form":     {testkit.Guest, "POST", fields, strings.Repeat("a&", 3_000), true},
		"a guest's few":      {testkit.Guest, "POST", json, list(`"calls/*"`, 200), false},
		"a long text":        {testkit.AcmeViewer, "POST", json, `{"notes":"` + strings.Repeat("[],", 600_000) + `"}`, false},
		"ten thousand":       {testkit.AcmeViewer, "POST", json, list("[]", 10_000), false},
		"an operator's many": {testkit.Superuser, "POST", json, list("[]", 30_000), false},
	} {
		for _, path := range []string{"/api/collections/contacts/records", "/api/nothing/here"} {
			if tt.person == testkit.Guest {
				path = "/api/realtime"
			}
			r := httptest.NewRequest(tt.method, path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			for name, value := range testkit.As(t, tt.person) {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			refused := w.Code == http.StatusRequestEntityTooLarge && strings.Contains(w.Body.String(), "too many values")
			if refused != tt.refused {
				t.Errorf("%s, %s: got %d %.200s", name, path, w.Code, w.Body)
			}
		}
	}
}

// What lies parsed in memory has the bodies' budget.
func TestBody_is_counted_as_what_parsing_makes_of_it(t *testing.T) {
	arrived, end := make(chan struct{}), make(chan struct{})
	_, mux := desk(t, intake.Limits{MemberBodies: 1 << 20}, func(se *core.ServeEvent) {
		se.Router.POST("/wait", func(e *core.RequestEvent) error {
			arrived <- struct{}{}
			<-end
			return e.NoContent(http.StatusNoContent)
		})
	})
	body := `{"x":[` + strings.Repeat("[],", 2_500) + `[]]}` // 8 KB, 5,000 values
	first := make(chan int)
	go func() {
		first <- post(t, mux, "/wait", testkit.AcmeViewer, "application/json", strings.NewReader(body)).Code
	}()
	<-arrived
	for kind, body := range map[string]string{
		"application/json":                  body,
		"application/x-www-form-urlencoded": url.Values{"@jsonPayload": {body}}.Encode(),
		"multipart/form-data; boundary=x": "--x\r\nContent-Disposition: form-data; name=\"@jsonPayload\"\r\n\r\n" +
			body + "\r\n--x--\r\n",
	} {
		if w := post(t, mux, "/api/nothing/here", testkit.AcmeAdmin, kind, strings.NewReader(body)); w.Code != 503 ||
			w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s, want 503", kind, w.Code, w.Body)
		}
	}
	close(end)
	if code := <-first; code != http.StatusNoContent {
		t.Errorf("the first: got %d", code)
	}
	if w := post(t, mux, "/api/nothing/here", testkit.AcmeAdmin, "application/json",
		strings.NewReader(body)); w.Code == 503 {
		t.Errorf("afterwards: got %d %s", w.Code, w.Body)
	}
}
