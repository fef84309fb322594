package hooks_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/gif"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

// rows tells how many rows each table has and when one was changed last.
func (p *product) rows() string {
	p.t.Helper()
	var b strings.Builder
	for _, c := range collections.All() {
		var state string
		if err := p.DB().NewQuery("SELECT count(*) || ' ' || coalesce(max(updated), '') FROM [" + c.Name +
			"]").Row(&state); err != nil {
			p.t.Fatal(err)
		}
		fmt.Fprintln(&b, c.Name, state)
	}
	return b.String()
}

// fields are the fields an answer blames, in either shape.
func fields(answer []byte) (names []string) {
	var said struct {
		Data    map[string]any `json:"data"`
		Details any            `json:"details"`
	}
	json.Unmarshal(answer, &said) // what is no JSON blames nothing
	details, _ := said.Details.(map[string]any)
	for _, all := range []map[string]any{said.Data, details} {
		for name := range all {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func record(collection, id string) string { return "/api/collections/" + collection + "/records/" + id }

func TestNUL_is_refused_by_name_and_changes_nothing(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	before := p.rows()
	for _, one := range []struct {
		method, path, body, field string
	}{
		{"PATCH", record("assistants", testkit.AcmeAssistant), `{"system_prompt":"a\u0000b"}`, "system_prompt"},
		{"PATCH", record("assistants", testkit.AcmeAssistant), `{"config":{"a":{"b":["\u0000"]}}}`, "config"},
		{"PATCH", record("assistants", testkit.AcmeAssistant), `{"name":"Ann","metadata":{"\u0000":1}}`, "metadata"},
		{"PATCH", record("organizations", testkit.Acme), `{"name":"\u0000"}`, "name"},
		{"PATCH", record("users", testkit.User(testkit.AcmeOwner)), "{\"name\":\"a\x00b\"}", "name"},
		{"POST", "/api/collections/contacts/records",
			`{"organization":"` + testkit.Acme + `","phone_number":"+12025550123","notes":"x\u0000"}`, "notes"},
		{"POST", "/api/collections/users/auth-with-password", `{"identity":"a\u0000","password":"b"}`, "identity"},
		{"POST", "/api/collections/users/request-password-reset", `{"email":"a\u0000@example.com"}`, "email"},
		{"POST", "/api/vapi/assistants", `{"name":"Ann","model":{"model":"gpt\u0000"}}`, "model"},
		{"PUT", "/api/calls/" + testkit.AcmeCall, `{"notes":"\u0000"}`, "notes"},
		{"POST", "/functions/v1/assistants", `{"name":"Ann\u0000"}`, "name"},
		{"POST", "/functions/v1/assistants", `{"method":"GET","data":{"search":"\u0000"}}`, "data"},
		{"POST", "/api/organizations/" + testkit.Acme + "/calls", `{"customer_number":"+1202555\u00000170"}`,
			"customer_number"},
		{"GET", "/api/collections/calls/records?filter=summary~'%00'", "", "filter"},
		{"GET", "/api/organizations/" + testkit.Acme + "/calls?search=a%00b", "", "search"},
		{"GET", "/api/calls?search=%00", "", "search"},
		{"GET", "/api/security/audit-logs?action=%00", "", "action"},
		{"GET", "/api/collections/calls/records/a%00b", "", "path"},
		{"GET", "/api/calls/%00", "", "path"},
		{"GET", "/calls/%00", "", "path"},
	} {
		var body any
		if one.body != "" {
			body = one.body
		}
		answer := api.Do(one.method, one.path, testkit.AcmeOwner, body).Want(400).Nothing()
		if got := fields(answer.Body); !slices.Equal(got, []string{one.field}) {
			t.Errorf("%s %s %q blames %v, want %s: %s", one.method, one.path, one.body, got, one.field, answer.Body)
		}
		if strings.HasPrefix(one.path, "/functions/") != strings.Contains(string(answer.Body), `"error"`) &&
			strings.HasPrefix(one.path, "/functions/") {
			t.Errorf("%s answers in another shape: %s", one.path, answer.Body)
		}
	}
	form := httptest.NewRequest("PATCH", record("assistants", testkit.AcmeAssistant),
		strings.NewReader("system_prompt=a%00b"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.Header.Set("Authorization", testkit.As(t, testkit.AcmeOwner)["Authorization"])
	rec := httptest.NewRecorder()
	if api.ServeHTTP(rec, form); rec.Code != 400 || !slices.Equal(fields(rec.Body.Bytes()), []string{"system_prompt"}) {
		t.Errorf("a form got %d %s", rec.Code, rec.Body)
	}
	if after := p.rows(); after != before {
		t.Errorf("rows changed:\n%s\nwere\n%s", after, before)
	}
}

// People write into columns others do not see as well.
func TestHidden_texts_are_held_against_the_same_rules(t *testing.T) {
	p := newProduct(t)
	m, err := p.FindFirstRecordByFilter("memberships", "organization = {:o}", dbx.Params{"o": testkit.Acme})
	if err != nil {
		t.Fatal(err)
	}
	m.Set("notes", "call\u0000 \u202eback\u0007 later")
	if err := p.Save(m); err != nil {
		t.Fatal(err)
	}
	if got := m.GetString("notes"); got != untrusted.CleanText(got) || strings.ContainsRune(got, 0) {
		t.Errorf("stored %q", got)
	}
}

func TestNames_are_one_line_of_visible_characters(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	columns := []struct{ collection, id, column string }{
		{"organizations", testkit.Acme, "name"}, {"organizations", testkit.Acme, "industry"},
		{"organizations", testkit.Acme, "current_solution"},
		{"users", testkit.User(testkit.AcmeOwner), "name"}, {"assistants", testkit.AcmeAssistant, "name"},
		{"assistants", testkit.AcmeAssistant, "voice_id"},
		{"phone_numbers", testkit.AcmeNumber, "friendly_name"}, {"phone_numbers", testkit.AcmeNumber, "assigned_to"},
		{"contacts", testkit.AcmeContact, "name"}, {"functions", testkit.AcmeFunction, "name"},
	}
	for _, c := range columns {
		for _, hostile := range []string{
			"Ann\r\nBcc: x@example.com", "Ann\nLee", "Ann\tLee", "\x1b[31mAnn", "Ann\u202eeel", "Ann\u200fLee",
			"\u2066Ann\u2069", "Ann\u200bLee", "Ann\ufeffLee",
			"Ann\u2028Lee", "Ann\u0085Lee", "Ann\u007fLee", "A\u00adnn", "\u3164\u3164\u3164", "Ann\U000e0041Lee",
			"Ann\u200d\u200dLee", "Ann\u200d",
		} {
			answer := api.Do("PATCH", record(c.collection, c.id), testkit.AcmeOwner,
				map[string]any{c.column: hostile}).Want(400).Nothing()
			if got := fields(answer.Body); !slices.Equal(got, []string{c.column}) {
				t.Errorf("%s.%s = %q blames %v", c.collection, c.column, hostile, got)
			}
		}
	}
	for _, name := range []string{"Zoë O’Neil", "東京 花子", "👨‍👩‍👧 Family", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 Pub", "می‌خواهم", "עברית",
		"José María ❤️"} {
		api.Do("PATCH", record("contacts", testkit.AcmeContact), testkit.AcmeOwner,
			map[string]any{"name": name}).Want(200)
	}
	for path, body := range map[string]map[string]any{
		"/api/organizations/" + testkit.Acme + "/calls": {
			"assistant": testkit.AcmeAssistant, "phone_number": testkit.AcmeNumber, "customer_number": "+12025550170",
			"customer_name": "Ann\nLee",
		},
		"/functions/v1/assistants": {"name": "Ann\u202eLee"},
		"/api/vapi/assistants":     {"name": "Ann\x1bLee"},
	} {
		answer := api.Do("POST", path, testkit.AcmeOwner, body).Want(400).Nothing()
		if got := fields(answer.Body); len(got) != 1 || !strings.Contains(got[0], "name") {
			t.Errorf("%s blames %v: %s", path, got, answer.Body)
		}
	}
	for path, body := range map[string]string{
		record("organizations", testkit.Acme):                  `{"closures":[{"name":"Christ\nmas","from":"2026-12-24"}]}`,
		record("users", testkit.User(testkit.AcmeOwner)):       `{"preferences":{"views":[{"name":"My\u202eview"}]}}`,
		record("assistants", testkit.AcmeAssistant):            `{"end_call_phrases":["good\u001b[0mbye"]}`,
		record("phone_numbers", testkit.AcmeNumber):            `{"metadata":{"a\u202eb":1}}`,
		record("functions", testkit.AcmeFunction) + "?fields=": `{"metadata":{"x":{"label":"a\u0007"}}}`,
	} {
		if answer := api.Do("PATCH", path, testkit.AcmeOwner, body).Want(400).Nothing(); len(fields(answer.Body)) != 1 {
			t.Errorf("%s %s: %s", path, body, answer.Body)
		}
	}
	// A text keeps its lines, and of the control characters line feed and tab.
	api.Do("PATCH", record("assistants", testkit.AcmeAssistant), testkit.AcmeOwner,
		map[string]any{"system_prompt": "One\r\n\tTwo\x1b[0m\rThree"}).Want(200)
	if a, err := p.FindRecordById(collections.Assistants, testkit.AcmeAssistant); err != nil ||
		a.GetString("system_prompt") != "One\n\tTwo[0m\nThree" {
		t.Errorf("the prompt is %q, %v", a.GetString("system_prompt"), err)
	}
	// What was stored before these rules does not keep a row from being changed.
	p.exec(`UPDATE contacts SET name = 'Old' || char(10) || 'name' WHERE id = '` + testkit.AcmeContact + `'`)
	api.Do("PATCH", record("contacts", testkit.AcmeContact), testkit.AcmeOwner,
		map[string]any{"notes": "New"}).Want(200)
}

func TestJSON_that_nests_deeply_is_refused_by_name(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	before := p.rows()
	for _, depth := range []int{80, 3_000, 20_000} {
		deep := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		for _, one := range []struct{ method, path, field string }{
			{"PATCH", record("assistants", testkit.AcmeAssistant), "config"},
			{"PATCH", record("assistants", testkit.AcmeAssistant), "tools_config"},
			{"PATCH", record("functions", testkit.AcmeFunction), "parameters"},
			{"PATCH", record("functions", testkit.AcmeFunction), "messages"},
			{"PATCH", record("organizations", testkit.Acme), "business_hours"},
			{"PATCH", record("calls", testkit.AcmeCall), "metadata"},
			{"PATCH", "/functions/v1/assistants/" + testkit.AcmeAssistant, "metadata"},
			{"PATCH", record("users", testkit.User(testkit.AcmeOwner)), "preferences"},
		} {
			answer := api.Do(one.method, one.path, testkit.AcmeOwner, `{"`+one.field+`":`+deep+`}`).Want(400).Nothing()
			if got := fields(answer.Body); !slices.Equal(got, []string{one.field}) {
				t.Errorf("%s %s at depth %d blames %v: %s", one.method, one.path, depth, got, answer.Body)
			}
		}
	}
	if after := p.rows(); after != before {
		t.Errorf("rows changed:\n%s\nwere\n%s", after, before)
	}
}

// heads are files of many pixels whose first bytes say so.
func heads(width, height int) map[string][]byte {
	ihdr := binary.BigEndian.AppendUint32(append([]byte("IHDR"), 0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0)[:4],
		uint32(width))
	ihdr = append(binary.BigEndian.AppendUint32(ihdr, uint32(height)), 8, 6, 0, 0, 0)
	pngHead := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	pngHead = binary.BigEndian.AppendUint32(pngHead, crc32.ChecksumIEEE(ihdr))
	jpegHead := append([]byte("\xff\xd8\xff\xc0\x00\x11\x08"), byte(height>>8), byte(height), byte(width>>8),
		byte(width), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1)
	w, h := width-1, height-1
	webp := append([]byte("RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00"), byte(w), byte(w>>8),
		byte(w>>16), byte(h), byte(h>>8), byte(h>>16))
	return map[string][]byte{"a.png": pngHead, "a.jpg": jpegHead, "a.jpeg": jpegHead, "a.webp": webp}
}

func upload(t *testing.T, api *testkit.Client, path, field, name string, content []byte) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, field, name)}})
	if err == nil {
		_, err = part.Write(content)
	}
	if err != nil || form.Close() != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPatch, path, &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", testkit.As(t, testkit.AcmeOwner)["Authorization"])
	rec := httptest.NewRecorder()
	api.ServeHTTP(rec, req)
	return rec
}

func TestImages_of_many_pixels_are_refused_before_they_are_decoded(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for path, field := range map[string]string{record("users", testkit.User(testkit.AcmeOwner)): "avatar",
		record("organizations", testkit.Acme): "logo"} {
		for _, size := range [][2]int{{12_000, 12_000}, {65_535, 400}, {2, 16_000_000}, {5_000, 4_001}} {
			for name, content := range heads(size[0], size[1]) {
				if strings.HasPrefix(name, "a.j") && size[1] > 65_535 {
					continue // a JPEG cannot say that
				}
				if rec := upload(t, api, path, field, name, content); rec.Code != 400 ||
					!slices.Equal(fields(rec.Body.Bytes()), []string{field}) {
					t.Errorf("%s of %v as %s: got %d %s", name, size, field, rec.Code, rec.Body)
				}
			}
		}
		heavy := bytes.Clone(heads(4_472, 4_472)["a.png"])
		heavy[24], heavy[28] = 16, 1 // bits of a color, interlaced
		binary.BigEndian.PutUint32(heavy[29:], crc32.ChecksumIEEE(heavy[12:29]))
		if rec := upload(t, api, path, field, "heavy.png", heavy); rec.Code != 400 ||
			!strings.Contains(rec.Body.String(), "memory") {
			t.Errorf("an interlaced image of 16 bits as %s: got %d %s", field, rec.Code, rec.Body)
		}
		if rec := upload(t, api, path, field, "broken.png", []byte("\x89PNG\r\n\x1a\nnothing more")); rec.Code != 400 {
			t.Errorf("a broken image as %s: got %d %s", field, rec.Code, rec.Body)
		}
		if rec := upload(t, api, path, field, "head.png", heads(300, 300)["a.png"]); rec.Code != 400 {
			t.Errorf("the head of an image as %s: got %d %s", field, rec.Code, rec.Body)
		}
		var frames bytes.Buffer
		if err := gif.Encode(&frames, image.NewGray(image.Rect(0, 0, 3, 3)), nil); err != nil {
			t.Fatal(err)
		}
		if rec := upload(t, api, path, field, "frames.png", frames.Bytes()); rec.Code != 400 {
			t.Errorf("a GIF, of however many frames, as %s: got %d %s", field, rec.Code, rec.Body)
		}
		var small bytes.Buffer
		if err := png.Encode(&small, image.NewGray(image.Rect(0, 0, 300, 300))); err != nil {
			t.Fatal(err)
		}
		if rec := upload(t, api, path, field, "small.png", small.Bytes()); rec.Code != 200 {
			t.Errorf("a small image as %s: got %d %s", field, rec.Code, rec.Body)
		}
	}
}

// Every field and message a number we dial comes in by, and rows from before.
func TestNumbers_that_must_not_be_dialled_are_refused_in_every_field(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	transfer := func(number string) map[string]any {
		return map[string]any{"hooks": []any{map[string]any{"on": "call.ending", "do": []any{
			map[string]any{"type": "transfer", "destination": map[string]any{"type": "number", "number": number}},
		}}}}
	}
	place := func(number string) map[string]any {
		return map[string]any{"assistant": testkit.AcmeAssistant, "phone_number": testkit.AcmeNumber,
			"customer_number": number}
	}
	for _, number := range []string{"+19005551234", "(900) 555-1234", "+19765551234", "+12129761234", "+18095551234",
		"+881612345678", "+447012345678", "+18765551234", "+442079460018", "\u202a+19005551234"} {
		for _, one := range []struct {
			method, path, field string
			body                map[string]any
		}{
			{"PATCH", record("assistants", testkit.AcmeAssistant), "forwarding_phone_number",
				map[string]any{"forwarding_phone_number": number}},
			{"POST", record("assistants", ""), "forwarding_phone_number",
				map[string]any{"organization": testkit.Acme, "name": "Night", "forwarding_phone_number": number}},
			{"PATCH", record("assistants", testkit.AcmeAssistant), "config",
				map[string]any{"config": transfer(number)}},
			{"PATCH", "/functions/v1/assistants/" + testkit.AcmeAssistant, "forwarding_phone_number",
				map[string]any{"forwarding_phone_number": number}},
			{"POST", "/functions/v1/assistants", "forwarding_phone_number",
				map[string]any{"name": "Night", "forwarding_phone_number": number}},
			{"PATCH", record("phone_numbers", testkit.AcmeNumber), "fallback_number",
				map[string]any{"fallback_number": number}},
			{"POST", record("phone_numbers", ""), "fallback_number",
				map[string]any{"organization": testkit.Acme, "provider": "vapi", "fallback_number": number}},
			{"POST", "/api/organizations/" + testkit.Acme + "/calls", "customer_number", place(number)},
			{"POST", "/functions/v1/calls", "customer_number",
				map[string]any{"assistant_id": testkit.AcmeAssistant, "phone_number_id": testkit.AcmeNumber,
					"customer_number": number}},
		} {
			answer := api.Do(one.method, strings.TrimSuffix(one.path, "/"), testkit.AcmeOwner, one.body).Want(400).Nothing()
			if got := fields(answer.Body); !slices.Equal(got, []string{one.field}) {
				t.Errorf("%s %s with %s blames %v: %s", one.method, one.path, number, got, answer.Body)
			}
		}
	}
	for _, number := range []string{"+12025550170", "\u202a(202) 555-0170\u202c", "\u200e+1 202 555 0170"} {
		api.Do("PATCH", record("assistants", testkit.AcmeAssistant), testkit.AcmeOwner,
			map[string]any{"forwarding_phone_number": number, "config": transfer("+12025550170")}).Want(200)
		api.Do("PATCH", record("phone_numbers", testkit.AcmeNumber), testkit.AcmeOwner,
			map[string]any{"fallback_number": number}).Want(200)
	}
	if got := p.count(`SELECT count(*) FROM assistants a JOIN phone_numbers n ON n.organization = a.organization
		WHERE a.forwarding_phone_number = '+12025550170' AND n.fallback_number = '+12025550170'`); got != 1 {
		t.Error("the numbers are not stored in one spelling")
	}
	// A row from before can still be changed elsewhere.
	p.exec("UPDATE assistants SET forwarding_phone_number = '+19005551234' WHERE id = '" + testkit.AcmeAssistant + "'")
	p.exec("UPDATE phone_numbers SET fallback_number = '+19005551234' WHERE id = '" + testkit.AcmeNumber + "'")
	api.Do("PATCH", record("assistants", testkit.AcmeAssistant), testkit.AcmeOwner,
		map[string]any{"description": "New"}).Want(200)
	api.Do("PATCH", record("phone_numbers", testkit.AcmeNumber), testkit.AcmeOwner,
		map[string]any{"friendly_name": "New"}).Want(200)
}
