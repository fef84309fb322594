package hooks_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/filesystem"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// gallery is the product with a picture of Acme's: its logo, or its owner's avatar.
type gallery struct {
	*product
	api    *testkit.Client
	row    *core.Record
	folder string // where the row's files lie
	path   string // of the picture, for who has a token
	token  string // the owner's
}

func galleryOf(t *testing.T, collection, id, field string, picture []byte) *gallery {
	t.Helper()
	g := &gallery{product: newProduct(t)}
	g.api = testkit.API(t, g.TestApp)
	row, err := g.FindRecordById(collection, id)
	if err != nil {
		t.Fatal(err)
	}
	file, err := filesystem.NewFileFromBytes(picture, "picture.png")
	if err != nil {
		t.Fatal(err)
	}
	row.Set(field, file)
	if err := g.SaveNoValidate(row); err != nil { // as it was before pictures were looked at
		t.Fatal(err)
	}
	g.row, g.folder = row, filepath.Join(g.DataDir(), core.LocalStorageDirName, row.BaseFilesPath())
	g.path = "/api/files/" + collection + "/" + id + "/" + row.GetString(field)
	var given struct{ Token string }
	g.api.Do("POST", "/api/files/token", testkit.AcmeOwner, nil).Want(200).JSON(&given)
	g.token = "&token=" + given.Token
	return g
}

// made are the thumbnails there are.
func (g *gallery) made() []string {
	g.t.Helper()
	made, err := filepath.Glob(filepath.Join(g.folder, "thumbs_*", "*.png"))
	if err != nil {
		g.t.Fatal(err)
	}
	return made
}

func drawn(t *testing.T, width, height int) []byte {
	t.Helper()
	var file bytes.Buffer
	black := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
	if err := png.Encode(&file, black); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// A picture is looked at for whoever may see it, at the size its column lists.
func TestThumbnail_is_made_for_whoever_may_see_the_picture(t *testing.T) {
	picture := drawn(t, 300, 200)
	g := galleryOf(t, collections.Organizations, testkit.Acme, "logo", picture)
	for _, url := range []string{g.path + "?thumb=100x100", g.path + "?thumb=100x100&token=x",
		g.path + "?%74humb=100x100"} {
		g.api.Do("GET", url, testkit.Guest, nil).Want(404).Nothing()
	}
	for _, size := range []string{"x1", "1x1", "0x0", "3000x3000", "100x100/..", "%2e%2e", "100x100f"} {
		if a := g.api.Do("GET", g.path+"?thumb="+size+g.token, testkit.Guest, nil).Want(200); !bytes.Equal(a.Body, picture) {
			t.Errorf("%s: got %d bytes, want the picture itself", size, len(a.Body))
		}
	}
	// Behind the gate: the owner's file token is asked from another network.
	settings, err := g.FindFirstRecordByData(collections.SecuritySettings, "organization", testkit.Acme)
	if err != nil {
		t.Fatal(err)
	}
	closed := func(networks ...string) {
		t.Helper()
		settings.Set("ip_whitelist", networks)
		if err := g.Save(settings); err != nil {
			t.Fatal(err)
		}
	}
	closed("203.0.113.7")
	g.api.Do("GET", g.path+"?thumb=100x100"+g.token, testkit.Guest, nil).Want(403).Nothing()
	if made := g.made(); len(made) > 0 {
		t.Fatalf("made %v for nobody", made)
	}
	closed()
	for range 2 { // made, then read
		a := g.api.Do("GET", g.path+"?thumb=100x100"+g.token, testkit.Guest, nil).Want(200)
		if got, _, err := image.DecodeConfig(bytes.NewReader(a.Body)); err != nil || got.Width != 100 || got.Height != 100 {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if made := g.made(); len(made) != 1 {
		t.Errorf("made %v", made)
	}
}

// Large images that were stored before sizes were looked at are answered as they are.
func TestThumbnails_of_large_images_stored_before_are_not_made(t *testing.T) {
	large := drawn(t, 5_000, 4_001)
	g := galleryOf(t, collections.Users, testkit.User(testkit.AcmeOwner), "avatar", large)
	path := g.path + "?thumb=100x100" + g.token
	for _, spelled := range []string{path, strings.Replace(path, "?thumb", "?%74humb", 1),
		strings.Replace(path, "/users/", "/"+g.row.Collection().Id+"/", 1)} {
		if answer := g.api.Do("GET", spelled, testkit.Guest, nil).Want(200); !bytes.Equal(answer.Body, large) {
			t.Errorf("%s: got %d bytes, want the image itself", spelled, len(answer.Body))
		}
	}
	// It is looked at once: what lies there by now would make one.
	if err := os.WriteFile(filepath.Join(g.folder, g.row.GetString("avatar")), drawn(t, 300, 200), 0o600); err != nil {
		t.Fatal(err)
	}
	g.api.Do("GET", path, testkit.Guest, nil).Want(200)
	if made := g.made(); len(made) > 0 {
		t.Errorf("made %v", made)
	}
	g.api.Do("GET", strings.Replace(path, g.token, "&token=x", 1), testkit.Guest, nil).Want(404).Nothing()
}

// A stranger who knows a picture's name costs no more than one who does not.
func TestThumbnail_is_not_looked_for_by_a_guest(t *testing.T) {
	// No size stands in the first 2 MB: all of them would be read.
	endless := append([]byte("\xff\xd8"), bytes.Repeat([]byte("\xff\xe1\xff\xff"+string(make([]byte, 65_533))), 40)...)
	g := galleryOf(t, collections.Users, testkit.User(testkit.AcmeOwner), "avatar", endless)
	const times = 10
	for _, size := range []string{"x1", "100x100"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range times {
			g.api.Do("GET", g.path+"?thumb="+size, testkit.Guest, nil).Want(404).Nothing()
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 1<<20 {
			t.Errorf("%s: a request without a token takes %d bytes", size, each)
		}
	}
}

// What a browser is shown is decoded to its end, which takes long, before the one
// connection that writes is taken.
func TestPicture_is_decoded_before_its_row_is_written(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	held := []int{}
	image.RegisterFormat("probe", "PROBE", func(io.Reader) (image.Image, error) {
		held = append(held, p.NonconcurrentDB().(*dbx.DB).DB().Stats().InUse)
		return image.NewGray(image.Rect(0, 0, 1, 1)), nil
	}, func(io.Reader) (image.Config, error) { return image.Config{Width: 1, Height: 1}, nil })
	const most = 20 // something else may write just then, but not each time
	for tries := 1; tries <= most; tries++ {
		held = nil
		rec := upload(t, api, record("users", testkit.User(testkit.AcmeOwner)), "avatar", "probe.png",
			[]byte("PROBE of a picture"))
		if rec.Code != 400 { // no kind of picture the column takes
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
		if slices.Equal(held, []int{0}) {
			return
		}
	}
	t.Errorf("decoded while %v connections write, want once while none does", held)
}
