package privacy

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/filesystem"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// exportRows is how many rows are in memory at once.
	exportRows = 200
	// exportStall is how long a reader may take for one piece.
	exportStall = 2 * time.Minute
)

// exported is one file of an archive, as the manifest lists it.
type exported struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Rows   *int   `json:"rows,omitempty"` // of a collection
}

type manifest struct {
	Format       int               `json:"format"`
	Organization map[string]any    `json:"organization"`
	ExportedAt   string            `json:"exported_at"`
	Files        []exported        `json:"files"`
	LeftOut      map[string]string `json:"left_out"`
	Missing      []string          `json:"missing,omitempty"` // files a row names that the storage does not have
}

var exportRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/export", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Everything of the organization as one zip: a file of JSON lines for each collection, the stored files, and a manifest with counts and hashes as the last entry. Secrets are left out. An archive without a manifest was cut off.",
	Answer:  "application/zip",
	Errors:  "403 for who is neither owner nor admin, 409 while one is under way",
}

// export is GET /api/organizations/{organization}/export. It is streamed: the
// server holds a few rows at a time, however much there is.
func (d *domain) export(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	if _, busy := d.exporting.LoadOrStore(t.ID(), true); busy {
		return refusal.Of("export_running")
	}
	defer d.exporting.Delete(t.ID())
	if err := audit.Add(e.App, audit.Entry{
		Organization: t.ID(), Actor: audit.ActorOf(e), Action: "organizations.export", Resource: collections.Organizations,
		Record: t.ID(),
	}); err != nil {
		return err
	}
	files, err := e.App.NewFilesystem()
	if err != nil {
		return err
	}
	defer files.Close()
	name := "export-" + t.ID() + "-" + time.Now().UTC().Format("20060102-150405") + ".zip"
	e.Response.Header().Set("Content-Type", "application/zip")
	e.Response.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	e.Response.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(e.Response)
	a := &archive{
		ctx: e.Request.Context(), app: e.App, files: files, zip: zip.NewWriter(e.Response), organization: t.Organization,
		alive: func() {
			// Where the writer knows no deadlines there is none to move.
			_ = control.SetWriteDeadline(time.Now().Add(exportStall))
		},
	}
	if err := a.write(); err != nil {
		// The answer is out. What was sent has no manifest and no directory, so
		// nobody takes it for a whole archive.
		e.App.Logger().Error("an export was cut off", "organization", t.ID(), "error", err)
	}
	return nil
}

// archive is one export being written.
type archive struct {
	ctx          context.Context
	app          core.App
	files        *filesystem.System
	zip          *zip.Writer
	organization *core.Record
	alive        func()
	manifest     manifest
}

func (a *archive) write() error {
	a.manifest = manifest{
		Format: 1, ExportedAt: rows.SaidAt(time.Now()), LeftOut: map[string]string{},
		Organization: map[string]any{"id": a.organization.Id, "name": a.organization.GetString("name")},
	}
	for _, c := range collections.All() {
		if c.Name != collections.Organizations && !collections.Tenant(c) {
			continue
		}
		if traits, _ := collections.TraitsOf(c.Name); traits.NotExported != "" {
			a.manifest.LeftOut[c.Name] = traits.NotExported
			continue
		}
		if err := a.collection(c); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	w, err := a.zip.Create("manifest.json")
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(a.manifest, "", "  ")
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return a.zip.Close()
}

// named is a stored file of a row.
type named struct{ row, key, file string }

// collection writes the rows of a collection and then their files.
func (a *archive) collection(c *core.Collection) error {
	var stored []named
	count := 0
	err := a.entry("data/"+c.Name+".ndjson", zip.Deflate, &count, func(w io.Writer) error {
		encode := json.NewEncoder(w)
		return a.each(c.Name, func(r *core.Record) error {
			count++
			for _, f := range r.Collection().Fields {
				if f.Type() != core.FieldTypeFile {
					continue
				}
				for _, file := range r.GetStringSlice(f.GetName()) {
					stored = append(stored, named{r.Id, r.BaseFilesPath() + "/" + file, file})
				}
			}
			if c.Name == collections.Memberships {
				r.Unhide(collections.MemberPrivate...)
			}
			row := r.IgnoreEmailVisibility(true).PublicExport() // hidden fields, which hold every secret, are not in it
			delete(row, "collectionId")
			delete(row, "collectionName")
			rows.Say(c, row)
			return encode.Encode(row)
		})
	})
	if err != nil {
		return err
	}
	for _, f := range stored {
		if err := a.file(c.Name, f); err != nil {
			return err
		}
	}
	return nil
}

// each walks the organization's rows of a collection in the order they were
// stored: one pass over the table, however many chunks.
func (a *archive) each(collection string, do func(*core.Record) error) error {
	column := "organization"
	if collection == collections.Organizations {
		column = "id"
	}
	var after int64
	for {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		a.alive()
		ids, last, err := a.chunk(collection, column, after)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = last
		records, err := a.app.FindRecordsByIds(collection, ids)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := do(r); err != nil {
				return err
			}
		}
	}
}

func (a *archive) chunk(collection, column string, after int64) (ids []string, last int64, err error) {
	found, err := atomic.Reads(a.app).Query(`SELECT rowid, id FROM `+collection+` WHERE +`+column+
		` = ? AND rowid > ? ORDER BY rowid LIMIT ?`, a.organization.Id, after, exportRows)
	if err != nil {
		return nil, 0, err
	}
	defer found.Close()
	for found.Next() {
		var id string
		if err := found.Scan(&last, &id); err != nil {
			return nil, 0, err
		}
		ids = append(ids, id)
	}
	return ids, last, found.Err()
}

// file copies one stored file. Sound does not get smaller by packing.
func (a *archive) file(collection string, f named) error {
	a.alive()
	if there, err := a.files.Exists(f.key); err != nil || !there {
		if err == nil {
			a.manifest.Missing = append(a.manifest.Missing, collection+"/"+f.row+"/"+f.file)
		}
		return err
	}
	return a.entry("files/"+collection+"/"+f.row+"/"+f.file, zip.Store, nil, func(w io.Writer) error {
		r, err := a.files.GetReader(f.key)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(w, paced{r, a.alive})
		return err
	})
}

// paced moves the deadline while a long file is read.
type paced struct {
	io.Reader
	alive func()
}

// Read reads a piece.
func (p paced) Read(b []byte) (int, error) {
	p.alive()
	return p.Reader.Read(b)
}

// entry writes one file of the archive and notes its hash.
func (a *archive) entry(name string, method uint16, found *int, fill func(io.Writer) error) error {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: time.Now().UTC()})
	if err != nil {
		return err
	}
	sum := sha256.New()
	counter := &counting{}
	if err := fill(io.MultiWriter(w, sum, counter)); err != nil {
		return err
	}
	a.manifest.Files = append(a.manifest.Files, exported{name, hex.EncodeToString(sum.Sum(nil)), counter.bytes, found})
	return nil
}

type counting struct{ bytes int64 }

// Write counts.
func (c *counting) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}
