package privacy_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestExport_holds_everything_of_one_organization_and_no_secret(t *testing.T) {
	d := open(t, nil)
	path := "/api/organizations/" + testkit.Acme + "/export"
	for person, status := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeManager: 403,
		testkit.AcmeSuspended: 404, testkit.Sam: 403} {
		d.Do("GET", path, person, nil).Want(status)
	}
	// More rows than one chunk.
	if _, err := d.DB().NewQuery(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
		INSERT INTO contacts (id, organization, phone_number, name) SELECT 'many' || printf('%011d', i), '` + testkit.Acme +
		`', '+1202556' || printf('%04d', i), 'C' FROM n`).Execute(); err != nil {
		t.Fatal(err)
	}
	a := d.Do("GET", path, testkit.AcmeAdmin, nil).Want(200)
	if got := a.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=export-") ||
		a.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("headers %v", a.Header)
	}
	files := unzip(t, a.Body)
	var manifest struct {
		Organization struct{ ID, Name string }
		Files        []struct {
			Name, SHA256 string
			Bytes        int
			Rows         *int
		}
		LeftOut map[string]string `json:"left_out"`
		Missing []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Organization.ID != testkit.Acme || len(manifest.Missing) != 0 || len(manifest.Files) != len(files)-1 {
		t.Errorf("manifest %+v", manifest)
	}
	for _, f := range manifest.Files {
		sum := sha256.Sum256(files[f.Name])
		if hex.EncodeToString(sum[:]) != f.SHA256 || len(files[f.Name]) != f.Bytes {
			t.Errorf("%s: hash or size differs", f.Name)
		}
		if f.Rows != nil && bytes.Count(files[f.Name], []byte("\n")) != *f.Rows {
			t.Errorf("%s: %d lines, the manifest says %d", f.Name, bytes.Count(files[f.Name], []byte("\n")), *f.Rows)
		}
	}
	for _, c := range collections.All() {
		if !collections.Tenant(c) && c.Name != collections.Organizations {
			continue
		}
		content, there := files["data/"+c.Name+".ndjson"]
		if there == (manifest.LeftOut[c.Name] != "") {
			t.Errorf("%s is neither in the archive nor said to be left out, or both", c.Name)
		}
		var want int
		column := "organization"
		if c.Name == collections.Organizations {
			column = "id"
		}
		if err := d.DB().NewQuery("SELECT count(*) FROM " + c.Name + " WHERE " + column + " = '" + testkit.Acme +
			"'").Row(&want); err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(content, []byte("\n")); there && got != want {
			t.Errorf("%s: %d rows, want %d", c.Name, got, want)
		}
		for line := range strings.Lines(string(content)) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil || row[column] != testkit.Acme {
				t.Fatalf("%s: %v in %s", c.Name, err, line)
			}
		}
		for _, f := range c.Fields {
			private := c.Name == collections.Memberships &&
				slices.Contains(collections.MemberPrivate, f.GetName()) // theirs to take along
			if f.GetHidden() && !private && strings.Contains(string(content), `"`+f.GetName()+`"`) {
				t.Errorf("%s shows %s", c.Name, f.GetName())
			}
		}
	}
	for name, content := range files {
		if bytes.Contains(content, []byte(testkit.SealedValue)) || bytes.Contains(content, []byte(testkit.BoltCall)) {
			t.Errorf("%s holds a secret or a foreign row", name)
		}
	}
	sound := 0
	for name, content := range files {
		if strings.HasPrefix(name, "files/recordings/"+testkit.AcmeRecording+"/") &&
			bytes.HasPrefix(content, []byte("RIFF")) {
			sound++
		}
	}
	if sound != 1 {
		t.Errorf("%d recordings in the archive, want 1", sound)
	}
	if log := d.Find(collections.AuditLogs, "action = 'organizations.export'"); log == nil ||
		log.GetString("user") != testkit.User(testkit.AcmeAdmin) {
		t.Errorf("audit %v", log)
	}
}

func unzip(t testing.TB, raw []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
		in.Close()
	}
	return files
}

func TestLogo_is_a_protected_file_of_the_organization(t *testing.T) {
	d := open(t, nil)
	upload := func(person string, content []byte) int {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("logo", "logo.png")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			t.Fatal(err)
		}
		form.Close()
		req := httptest.NewRequest("PATCH", "/api/collections/organizations/records/"+testkit.Acme, &body)
		req.Header.Set("Content-Type", form.FormDataContentType())
		for k, v := range testkit.As(t, person) {
			req.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		d.Handler().ServeHTTP(w, req)
		return w.Code
	}
	png := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82")
	for person, want := range map[string]int{testkit.AcmeViewer: 404, testkit.BoltOwner: 404, testkit.AcmeAdmin: 200} {
		if got := upload(person, png); got != want {
			t.Errorf("%s: got %d, want %d", person, got, want)
		}
	}
	if got := upload(testkit.AcmeAdmin, []byte("<svg onload=alert(1)>")); got != 400 {
		t.Errorf("a drawing with script: got %d, want 400", got)
	}
	o, err := d.FindRecordById(collections.Organizations, testkit.Acme)
	if err != nil || o.GetString("logo") == "" {
		t.Fatalf("no logo stored: %v", err)
	}
	file := "/api/files/organizations/" + testkit.Acme + "/" + o.GetString("logo")
	d.Do("GET", file, testkit.Guest, nil).Want(404).Nothing()
	for person, want := range map[string]int{testkit.AcmeViewer: 200, testkit.BoltOwner: 404} {
		var token struct{ Token string }
		d.Do("POST", "/api/files/token", person, nil).Want(200).JSON(&token)
		d.Do("GET", file+"?token="+token.Token, testkit.Guest, nil).Want(want)
	}
}
