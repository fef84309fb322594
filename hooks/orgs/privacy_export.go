package orgs

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
)

// exportSubject sends the archive as it is made; recordings are large.
func (d *domain) exportSubject(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
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
		return facade.Error(http.StatusNotFound, "Nothing is kept about this number")
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
	counts := map[string]int{"calls": 0, "messages": 0, "call_events": 0, "call_reports": 0, "recordings": 0, "contacts": 0}
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
		if err := write(name, contact.PublicExport()); err != nil {
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
		whole := map[string]any{"call": call.PublicExport()}
		counts["calls"]++
		for _, name := range []string{collections.Messages, collections.CallEvents, collections.CallReports, collections.Recordings} {
			rows, err := app.FindRecordsByFilter(name, "call = {:call}", "created", 0, 0, dbx.Params{"call": call.Id})
			if err != nil {
				return nil, err
			}
			list := make([]map[string]any, len(rows))
			for n, r := range rows {
				list[n] = r.PublicExport()
			}
			counts[name] += len(rows)
			whole[name] = list
			if name == collections.Recordings {
				if err := writeSound(app, archive, call.Id, rows); err != nil {
					return nil, err
				}
			}
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

func writeSound(app core.App, archive *zip.Writer, call string, rows []*core.Record) error {
	files, err := app.NewFilesystem()
	if err != nil {
		return err
	}
	defer files.Close()
	for _, r := range rows {
		name := r.GetString("file")
		if name == "" {
			continue
		}
		sound, err := files.GetReader(r.BaseFilesPath() + "/" + name)
		if err != nil {
			return fmt.Errorf("recording %s: %w", r.Id, err)
		}
		w, err := archive.CreateHeader(&zip.FileHeader{Name: "recordings/" + call + "-" + r.GetString("kind") + path.Ext(name), Method: zip.Store})
		if err == nil {
			_, err = io.Copy(w, sound)
		}
		if err := errors.Join(err, sound.Close()); err != nil {
			return fmt.Errorf("recording %s: %w", r.Id, err)
		}
	}
	return nil
}
