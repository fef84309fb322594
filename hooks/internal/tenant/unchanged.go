package tenant

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"
)

// This file is what a change that changes nothing does: nothing. No time moves, nobody
// is told, nothing is written down or sent on.

const (
	// askedKey marks a record that is saved for a request to change it. It is neither
	// stored nor returned.
	askedKey = "@change"
	// innermost is behind everybody who may still set columns.
	innermost = 100_000
)

// errUnchanged ends a save before it has written anything. It never leaves this package.
var errUnchanged = errors.New("nothing changed")

// answerUnchanged answers a change that changed nothing with the row as it is.
func answerUnchanged(e *core.RecordRequestEvent) error {
	e.Record.Set(askedKey, true)
	e.Record.Hide(askedKey)
	err := e.Next()
	if !unchanged(err) {
		return err
	}
	if err := apis.EnrichRecord(e.RequestEvent, e.Record); err != nil {
		return err
	}
	return e.JSON(200, e.Record)
}

// unchanged tells of errUnchanged, also in an error that PocketBase made of it.
func unchanged(err error) bool {
	if errors.Is(err, errUnchanged) {
		return true
	}
	var api *router.ApiError
	if !errors.As(err, &api) {
		return false
	}
	behind, ok := api.RawData().(error)
	return ok && errors.Is(behind, errUnchanged)
}

// stopUnchanged ends the save of a request that sets what is there already.
var stopUnchanged = &hook.Handler[*core.RecordEvent]{
	Id: "pocketlineUnchanged", Priority: innermost,
	Func: func(e *core.RecordEvent) error {
		if e.Record.Get(askedKey) == true {
			e.Record.Set(askedKey, nil) // what follows from the change may save the row again
			if Unchanged(e.Record) {
				return errUnchanged
			}
		}
		return e.Next()
	},
}

// Unchanged tells whether saving a record that was loaded would store what is stored
// already. JSON is compared by what it says.
func Unchanged(record *core.Record) bool {
	before := record.Original()
	for _, f := range record.Collection().Fields {
		if _, auto := f.(*core.AutodateField); auto {
			continue
		}
		if p, is := record.GetRaw(f.GetName()).(*core.PasswordFieldValue); is && p.Plain != "" {
			return false
		}
		was, errWas := driverValue(before, f)
		is, errIs := driverValue(record, f)
		if errWas != nil || errIs != nil || !sameValue(was, is) {
			return false
		}
	}
	return true
}

// driverValue is a field's value as the database is given it.
func driverValue(record *core.Record, f core.Field) (any, error) {
	if d, ok := f.(core.DriverValuer); ok {
		return d.DriverValue(record)
	}
	return record.GetRaw(f.GetName()), nil
}

func sameValue(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	if errX != nil || errY != nil {
		return false
	}
	if bytes.Equal(x, y) {
		return true
	}
	read := func(raw []byte) (value any, err error) {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber() // two numbers that differ beyond a float's digits are two
		return value, d.Decode(&value)
	}
	v, errV := read(x)
	w, errW := read(y)
	return errV == nil && errW == nil && reflect.DeepEqual(v, w)
}
