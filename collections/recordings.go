package collections

import "github.com/pocketbase/pocketbase/core"

// Recordings are the sound of calls, copied home from the provider.
const Recordings = "recordings"

// States of a recording.
const (
	RecordingPending = "pending" // not fetched yet
	RecordingReady   = "ready"
	RecordingFailed  = "failed" // tried again later
	RecordingGone    = "gone"   // the provider no longer has it
)

// RecordingMax is the largest recording kept, in bytes: an hour of stereo
// 16 kHz sound is 230 MB.
const RecordingMax = 256 << 20

func recordings() *core.Collection {
	c := tenant(Recordings,
		owned(required(relation("call", Calls)).(*core.RelationField)),
		required(choice("kind", "stereo", "mono", "customer", "assistant")),
		required(choice("status", RecordingPending, RecordingReady, RecordingFailed, RecordingGone)),
		&core.FileField{
			Name: "file", MaxSelect: 1, MaxSize: RecordingMax, Protected: true,
			MimeTypes: []string{"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/mpeg"},
		},
		text("mime_type", 100),
		integer("size_bytes"),
		integer("duration_ms"),
		// {"left": [0..100…], "right": […]}, at most 800 points a lane.
		object("peaks", SmallJSON),
		integer("attempts"),
		date("next_at"),
		text("error", descriptionMax),
	)
	unique(c, "call, kind", "")
	index(c, "organization, created")
	index(c, "status, next_at")
	readOnly(c, Can("organization", CanViewCalls))
	return c
}

var _ = declare(Recordings, recordings, Traits{
	Personal: []string{"file", "peaks"},
	Plain:    []string{"mime_type", "error"},
	Kept:     "keep_recordings_days",
	Keys:     KeysRead,
	Logged:   true,
})
