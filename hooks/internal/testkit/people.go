package testkit

// People of the fixtures, by address. Everybody's password is Password.
const (
	Guest = "" // nobody: a request without a token

	AcmeOwner     = "owner@acme.test"
	AcmeAdmin     = "admin@acme.test"
	AcmeManager   = "manager@acme.test"
	AcmeAgent     = "agent@acme.test"
	AcmeViewer    = "viewer@acme.test"
	AcmeDeveloper = "developer@acme.test"
	AcmeTrainee   = "trainee@acme.test"   // an agent without any capability
	AcmeSuspended = "suspended@acme.test" // was an admin
	BoltOwner     = "owner@bolt.test"
	Sam           = "sam@both.test"     // owner at Bolt, viewer at Acme
	Nobody        = "nobody@none.test"  // has an account, belongs nowhere
	Superuser     = "root@desk.test"    // PocketBase's superuser
	Password      = "correct horse 9"   // of every person above
	SealedValue   = "k1:never-shown-42" // stands in every secret field of the fixtures
)

// Organizations of the fixtures. Void has rows, but nobody belongs to it.
const (
	Acme = "acme00000000000"
	Bolt = "bolt00000000000"
	Void = "void00000000000"
)

// Rows of the fixtures. Bolt and Void have the same, see Row.
const (
	AcmeAssistant = "acmeassistant00" // active, uses AcmeFunction, has a Vapi id
	AcmeFunction  = "acmefunction000"
	AcmeNumber    = "acmenumber00000" // +12025550100, answered by AcmeAssistant
	AcmeContact   = "acmecontact0000"
	AcmeCall      = "acmecall0000000" // completed, with three messages, two events, report and recording
	AcmeLiveCall  = "acmelive0000000" // in progress, without a report
	AcmeRecording = "acmerecording00" // of AcmeCall, with a short WAV file
	AcmeReport    = "acmereport00000" // says "sourdough", Bolt's says "rye", Void's "spelt"

	BoltAssistant = "boltassistant00"
	BoltFunction  = "boltfunction000"
	BoltNumber    = "boltnumber00000" // +12025550101
	BoltContact   = "boltcontact0000"
	BoltCall      = "boltcall0000000"
	BoltLiveCall  = "boltlive0000000"
	BoltRecording = "boltrecording00"
	BoltReport    = "boltreport00000"
)

// Row is the id of an organization's row: Row(Bolt, "assistant") is
// BoltAssistant. The words: owner (the user's row is a person's, see User),
// assistant, function, number, contact, reply, call, live, report, message, event,
// recording, usage, audit, account, inbox, promise.
func Row(organization, noun string) string { return pad(organization[:4] + noun) }

// User is the id of a person, UserMembership of the membership that makes the
// person belong to the organization.
func User(email string) string { return pad("user" + person(email)) }

// UserMembership is the id of the person's membership in the organization.
func UserMembership(email, organization string) string {
	return pad(organization[:4] + "m" + person(email))
}

// person is an address as part of an id: owner@acme.test → acmeowner.
func person(email string) string {
	name, domain := email, ""
	for i := range email {
		if email[i] == '@' {
			name, domain = email[:i], email[i+1:]
			break
		}
	}
	return domain[:1] + name
}

// pad fills an id to PocketBase's 15 characters.
func pad(id string) string {
	const zeros = "000000000000000"
	if len(id) > len(zeros) {
		return id[:len(zeros)]
	}
	return id + zeros[len(id):]
}

// Everyone are the people a route is tried by, in the order of the tables.
var Everyone = []string{
	Guest, BoltOwner, Nobody, AcmeSuspended, AcmeTrainee, AcmeViewer,
	AcmeDeveloper, AcmeAgent, AcmeManager, AcmeAdmin, AcmeOwner,
}
