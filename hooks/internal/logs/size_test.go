package logs

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

func TestFullDisk_is_one_line_a_minute(t *testing.T) {
	var out bytes.Buffer
	at := time.Unix(1_000, 0)
	quiet := slog.NewTextHandler(&bytes.Buffer{}, nil)
	log := slog.New(both{quiet, slog.NewTextHandler(&out, nil), &fullOnce{now: func() time.Time { return at }}})
	full := errors.New("inbox: database or disk is full (13)")
	for range 5 {
		log.Warn("provider message not taken in", "error", full)
		log.Error("PATCH /api/collections/calls", "type", "request", "status", 507)
		log.Warn("outbox cannot be read", "error", full.Error())
		log.Warn("something else", "error", errors.New("no"))
	}
	at = at.Add(fullEvery)
	log.Warn("provider message not taken in, again", "error", full)
	got := out.String()
	if strings.Count(got, "is full") != 2 || strings.Count(got, "something else") != 5 || strings.Contains(got, "507") {
		t.Errorf("got\n%s", got)
	}
}

func TestSize_of_the_log_is_bounded(t *testing.T) {
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()})
	if err := app.Bootstrap(); err != nil {
		t.Fatal(err)
	}
	defer app.ClearBootstrap()
	if err := app.Save(collections.New(collections.JobRuns)); err != nil {
		t.Fatal(err)
	}
	const most = 4 << 20
	for n := range 3 * dropAtOnce / 1000 {
		_, err := app.AuxNonconcurrentDB().NewQuery(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1
			FROM n WHERE i < 999)
			INSERT INTO _logs (id, level, message, data, created)
			SELECT printf('%%02d%%013d', %d, i), 0, 'line', json_object('n', hex(zeroblob(100))),
			'2026-09-01 10:00:00.000Z' FROM n`, n)).Execute()
		if err != nil {
			t.Fatal(err)
		}
	}
	jobs := schedule.New(app)
	Schedule(app, jobs, most)
	before, err := sizeOf(app)
	if err != nil || before <= most {
		t.Fatalf("the log has %d bytes, %v", before, err)
	}
	if err := jobs.RunNow(t.Context(), "logs.size"); err != nil {
		t.Fatal(err)
	}
	var oldest, newest int
	err = app.AuxConcurrentDB().NewQuery(`SELECT count(*) FILTER (WHERE id LIKE '00%'),
		count(*) FILTER (WHERE id LIKE '14%') FROM _logs`).Row(&oldest, &newest)
	if after, _ := sizeOf(app); err != nil || after > most || oldest != 0 || newest != 1000 {
		t.Errorf("the log has %d bytes, %d of its oldest lines and %d of its newest, %v", after, oldest, newest, err)
	}
}
