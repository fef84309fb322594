package store

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// overheard is an app whose log is read.
type overheard struct {
	core.App
	log *slog.Logger
}

func (o overheard) Logger() *slog.Logger { return o.log }

func TestPublish_says_what_it_could_not_read(t *testing.T) {
	app, said := testkit.New(t), new(bytes.Buffer)
	p := newPublisher(overheard{app, slog.New(slog.NewTextHandler(said, nil))}, nil)
	p.publish(news{collection: collections.Calls, id: "deletedmeanwhil"}, "update")
	if said.Len() > 0 {
		t.Errorf("of one that was deleted: %s", said)
	}
	testkit.Exec(t, app, "ALTER TABLE call_reports RENAME TO away")
	p.publish(news{collection: collections.CallReports, call: testkit.AcmeCall}, "update")
	if !strings.Contains(said.String(), "record not read to be broadcast") {
		t.Errorf("of one that could not be read: %s", said)
	}
}
