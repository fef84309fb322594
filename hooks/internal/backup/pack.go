package backup

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What makes an archive of it.

// describe checks a copy of the database and counts its rows.
func describe(ctx context.Context, path string, progress func(string, int64, int64)) (m Manifest, err error) {
	db, err := openUnchanged(path)
	if err != nil {
		return m, err
	}
	defer db.Close()
	const step = "checking the database"
	progress(step, 0, 0)
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return m, errors.Join(fmt.Errorf("the database is damaged: %s", verdict), err)
	}
	data, err := look(db)
	if err != nil {
		return m, err
	}
	if len(data.Steps) > 0 {
		m.Step = data.Steps[len(data.Steps)-1]
	}
	m.Installation = data.Installation
	m.Tables, err = count(ctx, db, func(done, total int64) { progress(step, done, total) })
	return m, err
}

func count(ctx context.Context, db *sql.DB, progress func(done, total int64)) (map[string]int64, error) {
	names, err := column(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "+
		"AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")
	if err != nil {
		return nil, err
	}
	rows := map[string]int64{}
	for i, name := range names {
		var n int64
		progress(int64(i), int64(len(names)))
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM "`+strings.ReplaceAll(name, `"`, `""`)+
			`"`).Scan(&n); err != nil {
			return nil, fmt.Errorf("count %s: %w", name, err)
		}
		rows[name] = n
	}
	return rows, nil
}

// pack writes the files of a folder, content in work, into a zip, the manifest last.
func pack(ctx context.Context, work, to string, m *Manifest, progress func(string, int64, int64)) (err error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z, err := newPacker(out, work)
	if err != nil {
		return err
	}
	defer z.list.Close()
	listed, err := os.Create(filepath.Join(work, "files"))
	if err != nil {
		return err
	}
	defer listed.Close()
	lines := bufio.NewWriter(listed)
	content := filepath.Join(work, contentName)
	var total, done int64
	err = visitFiles(content, func(path string) error {
		info, err := os.Stat(path)
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(lines)
	err = visitFiles(content, func(path string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(content, path)
		if err != nil {
			return err
		}
		f, err := packOne(z, path, filepath.ToSlash(rel), m.Made)
		if err != nil {
			return err
		}
		m.Files++
		done += f.Size
		progress("writing", done, total)
		return encoder.Encode(f)
	})
	if err != nil {
		return err
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	if _, err := listed.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w, err := z.add(manifestName, zip.Deflate, m.Made)
	if err != nil {
		return err
	}
	if err := writeManifest(w, *m, listed); err != nil {
		return err
	}
	return z.close()
}

// compress has a zip packed fast.
func compress(z *zip.Writer) {
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
}

func packOne(z *packer, path, name string, at time.Time) (File, error) {
	in, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	method := zip.Store // recordings and pictures are packed already
	if name == dataFile {
		method = zip.Deflate
	}
	w, err := z.add(name, method, at)
	if err != nil {
		return File{}, err
	}
	h := newHashing(w)
	if _, err := io.Copy(h, in); err != nil {
		return File{}, err
	}
	return File{Name: name, Size: h.size, SHA256: hex.EncodeToString(h.sum())}, nil
}
