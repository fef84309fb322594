package privacy

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// exportSubject sends the archive as it is made; recordings are large.
func (d *domain) exportSubject(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	s, err := d.findSubject(e.App, t, body)
	if err != nil {
		return err
	}
	if len(s.contacts) == 0 && len(s.calls) == 0 {
		return refusal.Of("not_found/caller")
	}
	row, err := d.begin(e, t, "export", s)
	if err != nil {
		return err
	}
	header := e.Response.Header()
	header.Set("Content-Type", "application/zip")
	header.Set("Content-Disposition", `attachment; filename="caller.zip"`)
	header.Set("Cache-Control", "private, no-store")
	archive := zip.NewWriter(e.Response)
	counts, err := writeSubject(e.Request.Context(), e.App, archive, s)
	if err == nil {
		err = archive.Close()
	}
	return d.finish(e.App, row, counts, err)
}

// writeSubject fills the archive: the contact, and for each call everything
// the organization's own people may see.
func writeSubject(ctx context.Context, app core.App, archive *zip.Writer, s callerRows) (map[string]any, error) {
	counts := map[string]int{}
	for _, name := range collections.AboutCallers() {
		counts[name] = 0
	}
	write := func(name string, value any) error {
		w, err := archive.Create(name)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	}
	for n, contact := range s.contacts {
		counts["contacts"]++
		name := "contact.json"
		if n > 0 {
			name = "contact-" + contact.Id + ".json"
		}
		if err := write(name, told(contact)); err != nil {
			return nil, err
		}
	}
	ids, err := callIDs(app, s)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		call, err := database.Found(app.FindRecordById(collections.Calls, id))
		if err != nil {
			return nil, err
		}
		if call == nil {
			continue // deleted meanwhile
		}
		counts["calls"]++
		whole, err := writeCall(app, archive, call, counts)
		if err != nil {
			return nil, err
		}
		if err := write("calls/"+call.Id+".json", whole); err != nil {
			return nil, err
		}
	}
	certificate := map[string]any{}
	for name, n := range counts {
		certificate[name] = n
	}
	return certificate, nil
}

// writeCall is a call with everything that hangs on it; its sound goes into the archive.
func writeCall(app core.App, archive *zip.Writer, call *core.Record, counts map[string]int) (map[string]any, error) {
	whole := map[string]any{"call": told(call)}
	for _, name := range collections.WithCall() {
		found, err := app.FindRecordsByFilter(name, "call = {:call}", "created", 0, 0, dbx.Params{"call": call.Id})
		if err != nil {
			return nil, err
		}
		list := make([]map[string]any, len(found))
		for n, r := range found {
			list[n] = told(r)
		}
		counts[name] += len(found)
		whole[name] = list
		if name == collections.Recordings {
			if err := writeSound(app, archive, call.Id, found); err != nil {
				return nil, err
			}
		}
	}
	return whole, nil
}

// told is a row as the archive has it.
func told(r *core.Record) map[string]any {
	row := r.PublicExport()
	rows.Say(r.Collection(), row)
	return row
}

func writeSound(app core.App, archive *zip.Writer, call string, all []*core.Record) error {
	files, err := app.NewFilesystem()
	if err != nil {
		return err
	}
	defer files.Close()
	for _, r := range all {
		name := r.GetString("file")
		if name == "" {
			continue
		}
		sound, err := files.GetReader(r.BaseFilesPath() + "/" + name)
		if err != nil {
			return fmt.Errorf("recording %s: %w", r.Id, err)
		}
		w, err := archive.CreateHeader(&zip.FileHeader{Name: "recordings/" + call + "-" + r.GetString("kind") +
			path.Ext(name), Method: zip.Store})
		if err == nil {
			_, err = io.Copy(w, sound)
		}
		if err := errors.Join(err, sound.Close()); err != nil {
			return fmt.Errorf("recording %s: %w", r.Id, err)
		}
	}
	return nil
}
