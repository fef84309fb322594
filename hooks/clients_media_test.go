package hooks_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// show opens an address as a page does that has nothing else.
func (p *product) show(api *testkit.Client, address any, from string) int {
	p.t.Helper()
	path, ok := address.(string)
	if !ok {
		p.t.Fatalf("no address: %v", address)
	}
	if at := strings.Index(path, "/api/"); at > 0 {
		path = path[at:]
	}
	r := httptest.NewRequest("GET", path, nil)
	r.RemoteAddr = from + ":4000"
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w.Code
}

func TestClients_show_a_recording_that_have_only_its_address(t *testing.T) {
	p := newProduct(t, "POCKETLINE_PUBLIC_URL=https://desk.example.com")
	api := testkit.API(t, p.TestApp)
	const home = "198.51.100.30"
	address := says(t, api.Do("GET", "/api/calls/"+testkit.AcmeCall, testkit.AcmeViewer, nil).Want(200),
		nil).in("data.recording_url")
	if !strings.HasPrefix(fmt.Sprint(address), "https://desk.example.com/api/calls/"+testkit.AcmeCall+
		"/recording?token=") {
		t.Errorf("got %v", address)
	}
	function := says(t, api.Do("GET", "/functions/v1/calls/"+testkit.AcmeCall, testkit.AcmeViewer, nil).Want(200),
		nil).in("data.recording_url")
	for _, one := range []any{address, function} {
		if got := p.show(api, one, home); got != 200 {
			t.Errorf("%v got %d", one, got)
		}
	}
	var file struct{ Token string }
	api.Do("POST", "/api/files/token", testkit.AcmeViewer, nil).Want(200).JSON(&file)
	if got := p.show(api, "/api/calls/"+testkit.AcmeCall+"/recording?token="+file.Token, home); got != 200 {
		t.Errorf("a file token got %d", got)
	}
	// It opens this file alone, for whoever may see it, and nothing else.
	_, token, _ := strings.Cut(address.(string), "?token=")
	for path, want := range map[string]int{
		"/api/calls/" + testkit.BoltCall + "/recording?token=" + token:       401,
		"/api/calls/" + testkit.AcmeLiveCall + "/recording?token=" + token:   401,
		"/api/calls/" + testkit.AcmeCall + "?token=" + token:                 401,
		"/api/calls/" + testkit.AcmeCall + "/recording":                      401,
		"/api/calls/" + testkit.AcmeCall + "/recording?token=" + token + "x": 401,
	} {
		if got := p.show(api, path, home); got != want {
			t.Errorf("%s got %d, want %d", path, got, want)
		}
	}
	recording, err := p.FindRecordById(collections.Recordings, testkit.AcmeRecording)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.show(api, "/api/files/recordings/"+recording.Id+"/"+recording.GetString("file")+"?token="+token,
		home); got != 404 {
		t.Errorf("another address of the file got %d", got)
	}
	foreign := api.Do("POST", "/api/files/token", testkit.BoltOwner, nil).Want(200)
	foreign.JSON(&file)
	if got := p.show(api, "/api/calls/"+testkit.AcmeCall+"/recording?token="+file.Token, home); got != 404 {
		t.Errorf("another organization's file token got %d", got)
	}
	// The organization's gate holds for it, and it ends with its session.
	p.close(map[string]any{"ip_whitelist": []string{"192.0.2.0/24"}})
	if here, there := p.show(api, address, home), p.show(api, address, "192.0.2.7"); here == 200 || there != 200 {
		t.Errorf("from a foreign network %d, from a listed one %d", here, there)
	}
	p.close(map[string]any{"ip_whitelist": []string{}})
	api.Do("POST", "/api/me/sessions/end-all", testkit.AcmeViewer, nil).Want(204)
	if got := p.show(api, address, home); got != 401 {
		t.Errorf("after the session it got %d", got)
	}
}

func TestClients_set_and_show_a_picture_by_its_address(t *testing.T) {
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 20, 20))); err != nil {
		t.Fatal(err)
	}
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewGray(image.Rect(0, 0, 5_000, 5_000))); err != nil {
		t.Fatal(err)
	}
	var detailed bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/detailed.png":
			w.Write(detailed.Bytes())
		case "/me.png":
			w.Write(drawn.Bytes())
		case "/half.png":
			w.Write(drawn.Bytes()[:drawn.Len()-20])
		case "/pixels.png":
			w.Write(large.Bytes())
		case "/heavy.png":
			w.Write(append(drawn.Bytes(), make([]byte, 3<<20)...))
		case "/text.png":
			w.Write([]byte("<html>"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	noise := image.NewRGBA(image.Rect(0, 0, 700, 700))
	draws := mathrand.New(mathrand.NewPCG(1, 2))
	for n := range noise.Pix {
		noise.Pix[n] = byte(draws.Uint32()) | 0xff*byte(n%4/3)
	}
	if err := png.Encode(&detailed, noise); err != nil || detailed.Len() < 1<<20 || detailed.Len() > 2<<20 {
		t.Fatalf("the picture has %d bytes, %v", detailed.Len(), err)
	}
	host := strings.TrimPrefix(server.URL, "http://")
	p := newProduct(t, "POCKETLINE_ALLOWED_HOSTS="+host)
	api := testkit.API(t, p.TestApp)
	put := func(address any) *testkit.Answer {
		return api.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"avatar_url": address})
	}
	for _, wrong := range []any{
		server.URL + "/missing.png", server.URL + "/text.png", server.URL + "/heavy.png", server.URL + "/pixels.png",
		server.URL + "/half.png", 7, "me.png",
		"http://127.0.0.1:1/me.png", "https://10.0.0.1/me.png", "https://169.254.169.254/latest", "file:///etc/passwd",
		"javascript:alert(1)",
	} {
		if why := says(t, put(wrong).Want(400).Nothing(), nil).in("details.avatar_url"); why == nil {
			t.Errorf("%v is refused without a word", wrong)
		}
	}
	if n := p.count("SELECT count(*) FROM users WHERE avatar != ''"); n != 0 {
		t.Errorf("%d pictures were stored", n)
	}
	if why := says(t, put(server.URL+"/heavy.png").Want(400).Nothing(),
		nil).in("details.avatar_url"); why != "The picture is larger than 2 MB" {
		t.Errorf("3 MB are refused with %q", why)
	}
	put(server.URL + "/detailed.png").Want(200) // 1.5 MB
	address := says(t, put(server.URL+"/me.png").Want(200), nil).in("data.user.avatar_url")
	const home = "198.51.100.31"
	if got := p.show(api, address, home); got != 200 {
		t.Errorf("%v got %d", address, got)
	}
	path, _, _ := strings.Cut(address.(string), "?")
	if got := p.show(api, path, home); got == 200 {
		t.Error("anybody sees the picture")
	}
	// What was answered may come back, with an older signature.
	put(address).Want(200)
	put(path).Want(200)
	if got := p.show(api, says(t, api.Do("GET", "/api/user/profile", testkit.AcmeAgent, nil),
		nil).in("data.user.avatar_url"), home); got != 200 {
		t.Errorf("the picture is gone: %d", got)
	}
	if after := says(t, put(nil).Want(200), nil).in("data.user.avatar_url"); after != nil {
		t.Errorf("null leaves %v", after)
	}
}
