package collections

import "github.com/pocketbase/pocketbase/core"

// PrivacyRequests are what was exported or erased about a caller, with a
// certificate. The caller is kept as a keyed hash only, so that an erased number
// is not stored by its own erasure, and stays erased when it would come back.
const PrivacyRequests = "privacy_requests"

func privacyRequests() *core.Collection {
	c := tenant(PrivacyRequests,
		required(choice("kind", "export", "erase")),
		required(choice("status", "pending", "running", "done", "failed")),
		hidden(text("subject_hash", 64)),
		text("subject_hint", 20), // the last two digits
		relation("requested_by", Users),
		date("finished_at"),
		object("certificate", SmallJSON*4),
		text("error", descriptionMax),
	)
	index(c, "organization, created")
	index(c, "organization, subject_hash")
	index(c, "requested_by")
	readOnly(c, People(Role("organization", Owner, Admin)))
	return c
}

var _ = declare(PrivacyRequests, privacyRequests, Traits{
	Personal: []string{"subject_hash", "subject_hint"},
	Plain:    []string{"certificate", "error"},
	Logged:   true,
})
