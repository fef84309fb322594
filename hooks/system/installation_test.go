package system

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/sandbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

// operates makes a person of the fixtures the operator.
func (s *site) operates(person string) {
	s.t.Helper()
	user, err := s.app.FindRecordById(collections.Users, testkit.User(person))
	if err != nil {
		s.t.Fatal(err)
	}
	user.Set("metadata", map[string]any{operatorKey: true})
	if err := s.app.Save(user); err != nil {
		s.t.Fatal(err)
	}
}

// audited are the details of the entries about an action, newest last.
func (s *site) audited(action string) []string {
	s.t.Helper()
	var details []string
	err := s.app.DB().NewQuery("SELECT details FROM audit_logs WHERE action = {:a} ORDER BY created, id").
		Bind(map[string]any{"a": action}).Column(&details)
	if err != nil {
		s.t.Fatal(err)
	}
	return details
}

// mailbox is a mail server of the test's own: what it says to which command.
type mailbox struct {
	listener net.Listener
	says     map[string]string // first word of a command → reply
	tls      *tls.Config       // offered as STARTTLS
	implicit bool              // TLS from the start
	hangs    string            // the command after which nothing is said any more; "connect" is at once

	mu    sync.Mutex
	heard []string
	mails []string
}

func (m *mailbox) open(t testing.TB) *mailbox {
	t.Helper()
	var err error
	if m.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.listener.Close() })
	go func() {
		for {
			conn, err := m.listener.Accept()
			if err != nil {
				return
			}
			go m.talk(conn)
		}
	}()
	return m
}

func (m *mailbox) talk(conn net.Conn) {
	defer conn.Close()
	if m.implicit {
		conn = tls.Server(conn, m.tls)
	}
	reader := bufio.NewReader(conn)
	hang := func() {
		for { // until the other side has had enough
			if _, err := reader.ReadString('\n'); err != nil {
				return
			}
		}
	}
	if m.hangs == "connect" {
		hang()
		return
	}
	reply := func(text string) { conn.Write([]byte(text + "\r\n")) }
	reply("220 mail.test ready")
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		word, _, _ := strings.Cut(line, " ")
		m.mu.Lock()
		m.heard = append(m.heard, line)
		m.mu.Unlock()
		if word == m.hangs {
			hang()
			return
		}
		if said, ok := m.says[word]; ok {
			reply(said)
			continue
		}
		switch word {
		case "EHLO":
			reply("250-mail.test")
			if m.tls != nil && !m.implicit {
				reply("250-STARTTLS")
			}
			reply("250 AUTH PLAIN LOGIN")
		case "STARTTLS":
			reply("220 go on")
			conn = tls.Server(conn, m.tls)
			reader = bufio.NewReader(conn)
		case "AUTH":
			reply("235 welcome")
		case "DATA":
			reply("354 go on")
			var mail strings.Builder
			for {
				part, err := reader.ReadString('\n')
				if err != nil || part == ".\r\n" {
					break
				}
				mail.WriteString(part)
			}
			m.mu.Lock()
			m.mails = append(m.mails, mail.String())
			m.mu.Unlock()
			reply("250 kept")
		case "QUIT":
			reply("221 bye")
			return
		default:
			reply("250 yes")
		}
	}
}

func (m *mailbox) port() int { return m.listener.Addr().(*net.TCPAddr).Port }

func (m *mailbox) kept() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// untrusted is a certificate nobody vouches for.
func untrusted(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func (m *mailbox) settings(more map[string]any) map[string]any {
	all := map[string]any{
		"enabled": true, "host": "127.0.0.1", "port": m.port(), "username": "desk", "password": "s3cret-of-the-mailbox",
		"sender_name": "Acme", "sender_address": "desk@acme.test",
	}
	for name, value := range more {
		all[name] = value
	}
	return all
}

func read(t testing.TB, a answer) (r result) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return r
}

func TestInstallation_is_the_operators(t *testing.T) {
	s := serve(t, Deps{})
	s.operates(testkit.AcmeManager) // whoever set it up: the role in an organization is another matter
	mail := map[string]any{"enabled": false, "host": "mail.acme.test", "port": 587, "sender_name": "Acme",
		"sender_address": "desk@acme.test"}
	for _, route := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/api/installation", nil}, {"PUT", "/api/installation/mail", mail},
		{"POST", "/api/installation/check/mail", map[string]any{}}, {"POST", "/api/installation/check/provider", nil},
	} {
		for who, want := range map[string]int{
			testkit.Guest: 401, testkit.Nobody: 403, testkit.AcmeViewer: 403, testkit.AcmeOwner: 403, testkit.BoltOwner: 403,
			testkit.AcmeManager: 200, testkit.Superuser: 200,
		} {
			if a := s.ask(who, route.method, route.path, route.body, nil); a.status != want {
				t.Errorf("%s %s as %q: got %d %s, want %d", route.method, route.path, who, a.status, a.body, want)
			}
		}
	}
	for who, want := range map[string]string{testkit.Guest: "false", testkit.AcmeOwner: "false",
		testkit.AcmeManager: "true", testkit.Superuser: "true"} {
		if a := s.ask(who, "GET", "/api/desk", nil, nil); !strings.Contains(a.body, `"operator":`+want) {
			t.Errorf("%q reads %s, want operator %s", who, a.body, want)
		}
	}
	// Nobody makes themselves one, and the mark is shown to nobody.
	a := s.ask(testkit.AcmeOwner, "PATCH", "/api/collections/users/records/"+testkit.User(testkit.AcmeOwner),
		map[string]any{"metadata": map[string]any{operatorKey: true}, "theme": "dark"}, nil)
	if a.status != 200 || strings.Contains(a.body, "metadata") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := s.ask(testkit.AcmeOwner, "GET", "/api/installation", nil, nil); a.status != 403 {
		t.Errorf("a person made themselves the operator: %d", a.status)
	}
}

func TestSetup_makes_its_person_the_operator(t *testing.T) {
	s := serve(t, Deps{})
	s.empty()
	a := s.ask(testkit.Guest, "POST", "/api/setup",
		map[string]any{"name": "Ada", "email": "ada@new.test", "password": "a long password 1", "organization": "Ada's",
			"code": s.setupCode()}, nil)
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	auth := map[string]string{"Authorization": made.Token}
	if a := s.ask(testkit.Guest, "GET", "/api/installation", nil, auth); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	// An installation of before the mark: the audit log knows who it was.
	if _, err := s.app.NonconcurrentDB().NewQuery("UPDATE users SET metadata = 'null'").Execute(); err != nil {
		t.Fatal(err)
	}
	if err := storeOperator(s.app); err != nil {
		t.Fatal(err)
	}
	if err := storeOperator(s.app); err != nil {
		t.Fatal(err)
	}
	user, err := s.app.FindAuthRecordByEmail(collections.Users, "ada@new.test")
	if err != nil || !marked(user) {
		t.Errorf("the person who set it up is not the operator: %v %v", user, err)
	}
}

func TestOperator_is_not_guessed(t *testing.T) {
	s := serve(t, Deps{})
	if err := storeOperator(s.app); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := s.app.DB().NewQuery("SELECT count(*) FROM users WHERE metadata LIKE '%" + operatorKey +
		"%'").Row(&n); err != nil || n != 0 {
		t.Errorf("%d people became operators (%v)", n, err)
	}
}

func TestInstallation_says_where_it_is_reached_who_hears_of_trouble_and_where_the_key_lies(t *testing.T) {
	s := serve(t, Deps{PublicURL: "https://desk.example.com", KeyFile: "/data/.key"})
	s.operates(testkit.AcmeOwner)
	var shown struct {
		Server struct {
			PublicURL string `json:"public_url"`
			KeyFile   string `json:"key_file"`
			Health    struct{ Status string }
			Alerts    struct{ Mail string }
		}
	}
	if err := json.Unmarshal([]byte(s.ask(testkit.AcmeOwner, "GET", "/api/installation", nil, nil).body),
		&shown); err != nil {
		t.Fatal(err)
	}
	if got := shown.Server; got.Health.Status == "" || got.Alerts.Mail != testkit.AcmeOwner ||
		got.KeyFile != "/data/.key" || got.PublicURL != "https://desk.example.com" {
		t.Errorf("the server is shown as %+v", got)
	}
}

func TestMailSettings_are_stored_and_the_password_stays_hidden(t *testing.T) {
	s := serve(t, Deps{})
	s.operates(testkit.AcmeOwner)
	box := new(mailbox).open(t)
	put := func(body map[string]any) answer {
		return s.ask(testkit.AcmeOwner, "PUT", "/api/installation/mail", body, nil)
	}
	if a := put(box.settings(nil)); a.status != 200 || strings.Contains(a.body, "s3cret") ||
		!strings.Contains(a.body, `"password_set":true`) {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	got := s.app.Settings()
	if !got.SMTP.Enabled || got.SMTP.Password != "s3cret-of-the-mailbox" || got.SMTP.Port != box.port() ||
		got.Meta.SenderAddress != "desk@acme.test" {
		t.Errorf("stored %+v %+v", got.SMTP, got.Meta)
	}
	if a := s.ask(testkit.Guest, "GET", "/api/desk", nil, nil); !strings.Contains(a.body, `"mail":true`) {
		t.Errorf("got %s", a.body)
	}
	if a := s.ask(testkit.AcmeOwner, "GET", "/api/installation", nil, nil); a.status != 200 ||
		strings.Contains(a.body, "s3cret") {
		t.Errorf("got %s", a.body)
	}
	without := box.settings(nil)
	delete(without, "password")
	without["sender_name"] = "Acme Bakery"
	if a := put(without); a.status != 200 || s.app.Settings().SMTP.Password == "" ||
		s.app.Settings().Meta.SenderName != "Acme Bakery" {
		t.Errorf("the password did not stay: %d %s", a.status, a.body)
	}
	// Not to another server, though: its owner would be handed the password.
	without["host"] = "mail.thief.test"
	if a := put(without); a.status != 400 || !strings.Contains(a.body, "enter the password again") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := s.ask(testkit.AcmeOwner, "POST", "/api/installation/check/mail", map[string]any{"settings": without},
		nil); a.status != 400 || !strings.Contains(a.body, `"password"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := put(box.settings(map[string]any{"password": "", "username": ""})); a.status != 200 ||
		s.app.Settings().SMTP.Password != "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for name, wrong := range map[string]map[string]any{
		"host":           {"host": "not a host"},
		"port":           {"port": 70_000},
		"sender_address": {"sender_address": "desk"},
		"sender_name":    {"sender_name": "Acme\r\nBcc: all@acme.test"},
		"auth_method":    {"auth_method": "CRAM-MD5"},
		"username":       {"username": strings.Repeat("x", 300)},
	} {
		if a := put(box.settings(wrong)); a.status != 400 || !strings.Contains(a.body, `"`+name+`"`) {
			t.Errorf("%v: got %d %s", wrong, a.status, a.body)
		}
	}
	if a := put(map[string]any{"enabled": true}); a.status != 400 || !strings.Contains(a.body, `"host"`) ||
		!strings.Contains(a.body, `"port"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	log := strings.Join(s.audited("installation.mail"), "\n")
	if strings.Contains(log, "s3cret") || !strings.Contains(log, `"sender_name":{"before":"Acme","after":"Acme Bakery"}`) {
		t.Errorf("the audit log has %s", log)
	}
}

func TestMailCheck_says_what_the_mail_server_did(t *testing.T) {
	s := serve(t, Deps{})
	s.operates(testkit.AcmeOwner)
	closed := new(mailbox).open(t)
	closed.listener.Close()
	for _, one := range []struct {
		name string
		box  *mailbox
		more map[string]any
		want string
	}{
		{"taken", new(mailbox).open(t), nil, "sent"},
		{"nobody there", closed, nil, "connection_refused"},
		{"no such host", new(mailbox).open(t), map[string]any{"host": "mail.invalid"}, "unknown_host"},
		{"wrong password", (&mailbox{says: map[string]string{"AUTH": "535 5.7.8 s3cret-of-the-mailbox is wrong"}}).open(t),
			nil, "auth_refused"},
		{"sign-in wanted", (&mailbox{says: map[string]string{"MAIL": "530 5.7.0 sign in first"}}).open(t),
			map[string]any{"username": "", "password": ""}, "auth_refused"},
		{"sender not allowed", (&mailbox{says: map[string]string{"MAIL": "553 5.7.1 not your address"}}).open(t),
			nil, "refused"},
		{"greylisted", (&mailbox{says: map[string]string{"RCPT": "451 4.7.1 later"}}).open(t), nil, "later"},
		{"no sign-in there", (&mailbox{says: map[string]string{"AUTH": "502 5.5.1 not here"}}).open(t), nil, "no_sign_in"},
		{"TLS expected where there is none", new(mailbox).open(t), map[string]any{"tls": true}, "no_tls"},
		{"a certificate nobody vouches for", (&mailbox{tls: untrusted(t)}).open(t), nil, "certificate"},
		{"the same from the start", (&mailbox{tls: untrusted(t), implicit: true}).open(t), map[string]any{"tls": true},
			"certificate"},
	} {
		s := serve(t, Deps{}) // checks are counted
		s.operates(testkit.AcmeOwner)
		a := s.ask(testkit.AcmeOwner, "POST", "/api/installation/check/mail",
			map[string]any{"settings": one.box.settings(one.more)}, nil)
		got := read(t, a)
		if one.want == "unknown_host" && got.Code == "silent" {
			continue // no name server answers here
		}
		if a.status != 200 || got.Code != one.want || got.OK != (one.want == "sent") || got.Message == "" ||
			got.To != testkit.AcmeOwner {
			t.Errorf("%s: got %d %+v, want %s", one.name, a.status, got, one.want)
		}
		if strings.Contains(a.body, "s3cret") {
			t.Errorf("%s: the answer holds the password: %s", one.name, a.body)
		}
		if s.app.Settings().SMTP.Host == "127.0.0.1" {
			t.Errorf("%s: a check stored the settings", one.name)
		}
		mails := one.box.kept()
		if sent := len(mails) == 1; sent != got.OK ||
			sent && (!strings.Contains(mails[0], "To: "+testkit.AcmeOwner) || !strings.Contains(mails[0], "desk@acme.test")) {
			t.Errorf("%s: the mailbox has %q", one.name, mails)
		}
		if log := s.audited("installation.check_mail"); len(log) != 1 || !strings.Contains(log[0], one.want) ||
			strings.Contains(log[0], "s3cret") {
			t.Errorf("%s: the audit log has %v", one.name, log)
		}
	}
	// With what is stored.
	if got := read(t, s.ask(testkit.AcmeOwner, "POST", "/api/installation/check/mail", nil, nil)); got.Code != "off" {
		t.Errorf("got %+v", got)
	}
	box := new(mailbox).open(t)
	if a := s.ask(testkit.AcmeOwner, "PUT", "/api/installation/mail", box.settings(nil), nil); a.status != 200 {
		t.Fatal(a.body)
	}
	if got := read(t, s.ask(testkit.AcmeOwner, "POST", "/api/installation/check/mail", nil, nil)); !got.OK ||
		len(box.kept()) != 1 {
		t.Errorf("got %+v", got)
	}
}

// A mail server that stops talking keeps nobody waiting.
func TestMailCheck_gives_up_on_silence(t *testing.T) {
	for _, hangs := range []string{"connect", "EHLO", "AUTH", "DATA"} {
		app := testkit.New(t)
		box := (&mailbox{hangs: hangs}).open(t)
		settings := app.Settings()
		settings.SMTP.Enabled, settings.SMTP.Host, settings.SMTP.Port, settings.SMTP.Username = true, "127.0.0.1",
			box.port(), "desk"
		over := make(chan struct{})
		wait := patience{2 * time.Second, 100 * time.Millisecond}
		if hangs == "connect" || hangs == "EHLO" {
			wait.greeting = 100 * time.Millisecond
		}
		got := tryMail(t.Context(), settings, "ada@acme.test", "en", wait, func() { close(over) })
		if got.OK || got.Code != "silent" {
			t.Errorf("silent after %s: got %+v", hangs, got)
		}
		select {
		case <-over:
			if wait.greeting == 2*time.Second {
				t.Errorf("silent after %s: the place was given away while the conversation goes on", hangs)
			}
		default:
			if wait.greeting != 2*time.Second {
				t.Errorf("silent after %s: the place was not given back", hangs)
			}
		}
	}
}

func TestProviderCheck_gives_up_on_silence(t *testing.T) {
	stay := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stay }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(stay) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := vapi.NewClient(vapi.WithBaseURL(silent.URL), vapi.WithToken("key")).Assistants.List(ctx,
		&vapi.ListOptions{Limit: 1})
	if got := providerResult(ctx, err); got.OK || got.Code != "silent" {
		t.Errorf("got %+v for %v", got, err)
	}
}

func TestChecks_are_counted(t *testing.T) {
	s := serve(t, Deps{})
	s.operates(testkit.AcmeOwner)
	for path, most := range map[string]int{"mail": mailChecksMost, "provider": providerChecksMost} {
		for range most {
			if a := s.ask(testkit.AcmeOwner, "POST", "/api/installation/check/"+path, nil, nil); a.status != 200 {
				t.Fatalf("%s: got %d %s", path, a.status, a.body)
			}
		}
		if a := s.ask(testkit.Superuser, "POST", "/api/installation/check/"+path, nil, nil); a.status != 429 {
			t.Errorf("%s: got %d after %d checks", path, a.status, most)
		}
	}
	if a := s.ask(testkit.AcmeOwner, "POST", "/api/installation/check/mail", map[string]any{"settings": "all"},
		nil); a.status != 400 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestProviderCheck_says_what_the_provider_said(t *testing.T) {
	stand, err := sandbox.Start(sandbox.Config{Key: "right-key"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stand.Close(context.Background()) })
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	fault := func(kind string) {
		t.Helper()
		req, err := http.NewRequest("DELETE", stand.URL()+"/_sandbox/faults", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := http.DefaultClient.Do(req); err != nil {
			t.Fatal(err)
		} else {
			res.Body.Close()
		}
		res, err := http.Post(stand.URL()+"/_sandbox/faults", "application/json",
			strings.NewReader(`{"match":{"method":"GET","pathPrefix":"/assistant"},"kind":"`+kind+`","count":3}`))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode >= 300 {
			t.Fatalf("fault %s: %d", kind, res.StatusCode)
		}
	}
	for _, one := range []struct {
		name, url, key string
		ready          bool
		fault          string
		want           string
	}{
		{"works", stand.URL(), "right-key", true, "", "works"},
		{"wrong key", stand.URL(), "wrong-key", true, "", "wrong_key"},
		{"no key", stand.URL(), "", false, "", "no_key"},
		{"unreachable", gone.URL, "right-key", true, "", "unreachable"},
		{"down", stand.URL(), "right-key", true, "500-before", "down"},
		{"busy", stand.URL(), "right-key", true, "429", "busy"},
	} {
		s := serve(t, Deps{Vapi: vapi.NewClient(vapi.WithBaseURL(one.url), vapi.WithToken(one.key)), VapiReady: one.ready,
			VapiAddress: one.url})
		s.operates(testkit.AcmeOwner)
		if one.fault != "" {
			fault(one.fault)
		}
		a := s.ask(testkit.AcmeOwner, "POST", "/api/installation/check/provider", nil, nil)
		if got := read(t, a); a.status != 200 || got.Code != one.want || got.OK != (one.want == "works") ||
			got.Message == "" {
			t.Errorf("%s: got %d %s, want %s", one.name, a.status, a.body, one.want)
		}
		if one.key != "" && strings.Contains(a.body, one.key) {
			t.Errorf("%s: the answer holds the key: %s", one.name, a.body)
		}
		if log := s.audited("installation.check_provider"); len(log) != 1 ||
			!strings.Contains(log[0], strconv.Quote(one.want)) {
			t.Errorf("%s: the audit log has %v", one.name, log)
		}
		if a := s.ask(testkit.AcmeOwner, "GET", "/api/installation", nil, nil); !strings.Contains(a.body,
			`"key_set":`+strconv.FormatBool(one.ready)) || strings.Contains(a.body, "Bearer") {
			t.Errorf("%s: got %s", one.name, a.body)
		}
	}
}
