package testkit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/filesystem"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
)

// Start is when the fixtures' finished calls began.
var Start = time.Date(2026, 9, 1, 9, 30, 0, 0, time.UTC)

// cheapCost makes hashing a password take a millisecond in tests.
const cheapCost = 4

// seeder saves rows and remembers the first failure.
type seeder struct {
	app core.App
	err error
}

// values are the columns of a row.
type values map[string]any

func (s *seeder) save(collection, id string, v values) *core.Record {
	if s.err != nil {
		return nil
	}
	c, err := s.app.FindCollectionByNameOrId(collection)
	if err != nil {
		s.err = fmt.Errorf("fixtures: %s: %w", collection, err)
		return nil
	}
	r := core.NewRecord(c)
	r.Id = id
	for name, value := range v {
		r.Set(name, value)
	}
	if err := s.app.Save(r); err != nil {
		s.err = fmt.Errorf("fixtures: %s %s: %w", collection, id, err)
	}
	return r
}

// fixtures fills an empty database and returns everybody's token.
func fixtures(app core.App) (map[string]string, error) {
	s := &seeder{app: app}
	s.cheapPasswords(collections.Users)
	s.cheapPasswords(core.CollectionNameSuperusers)
	for _, o := range []struct{ id, name, state string }{
		{Acme, "Acme Bakery", collections.OrganizationActive},
		{Bolt, "Bolt Garage", collections.OrganizationActive},
		{Void, "Void Ltd", collections.OrganizationActive},
	} {
		s.save(collections.Organizations, o.id, values{
			"name": o.name, "status": o.state, "plan": "pro", "balance_state": collections.BalanceOK,
			"country": "US", "timezone": "America/New_York", "language": "en", "currency": "USD", "onboarding_completed": true,
		})
	}
	tokens := map[string]string{}
	s.people(tokens)
	for i, organization := range []string{Acme, Bolt, Void} {
		s.desk(organization, i)
	}
	return tokens, s.err
}

func (s *seeder) cheapPasswords(collection string) {
	if s.err != nil {
		return
	}
	c, err := s.app.FindCollectionByNameOrId(collection)
	if err != nil {
		s.err = err
		return
	}
	c.Fields.GetByName("password").(*core.PasswordField).Cost = cheapCost
	s.err = s.app.Save(c)
}

// people saves everybody and where they belong.
func (s *seeder) people(tokens map[string]string) {
	everything := collections.Capabilities
	look := []string{collections.CanViewCalls}
	lookAndReply := []string{collections.CanViewCalls, collections.CanViewMessages}
	lookAndBuild := append([]string{collections.CanManageAgents, collections.CanAccessAnalytics}, lookAndReply...)
	for _, p := range []struct {
		email, name, organization, role, status string
		can                                     []string
	}{
		{AcmeOwner, "Ada Owner", Acme, collections.Owner, collections.MembershipActive, everything},
		{AcmeAdmin, "Abe Admin", Acme, collections.Admin, collections.MembershipActive,
			nil}, // holds all whatever the flags say
		{AcmeManager, "Mia Manager", Acme, collections.Manager, collections.MembershipActive, lookAndBuild},
		{AcmeAgent, "Ari Agent", Acme, collections.Agent, collections.MembershipActive, lookAndReply},
		{AcmeViewer, "Vic Viewer", Acme, collections.Viewer, collections.MembershipActive, look},
		{AcmeDeveloper, "Dev Developer", Acme, collections.Developer, collections.MembershipActive, look},
		{AcmeTrainee, "Tia Trainee", Acme, collections.Agent, collections.MembershipActive, nil},
		{AcmeSuspended, "Sid Suspended", Acme, collections.Admin, collections.MembershipSuspended, everything},
		{BoltOwner, "Bo Owner", Bolt, collections.Owner, collections.MembershipActive, everything},
		{Sam, "Sam Both", Bolt, collections.Owner, collections.MembershipActive, everything},
		{Sam, "Sam Both", Acme, collections.Viewer, collections.MembershipActive, look},
		{Nobody, "Noa Nobody", "", "", "", nil},
	} {
		if tokens[p.email] == "" {
			s.person(p.email, p.name, p.organization, tokens)
		}
		if p.organization == "" {
			continue
		}
		membership := values{
			"organization": p.organization, "user": User(p.email), "role": p.role, "status": p.status,
			"full_name": p.name, "email": p.email, "is_default": p.email != Sam || p.organization == Bolt, "joined_at": Start,
		}
		for _, capability := range p.can {
			membership[capability] = true
		}
		s.save(collections.Memberships, UserMembership(p.email, p.organization), membership)
	}
	root := s.save(core.CollectionNameSuperusers, pad("superuser"), values{"email": Superuser, "password": Password})
	s.token(root, Superuser, tokens)
}

func (s *seeder) person(email, name, organization string, tokens map[string]string) {
	user := s.save(collections.Users, User(email), values{
		"email": email, "password": Password, "verified": true, "name": name, "is_active": true,
		"language": "en", "theme": "auto", "onboarding_completed": true, "last_organization": organization,
	})
	if s.err == nil {
		tokens[email], s.err = signIn(s.app, user, pad("seat"+person(email)))
	}
}

// signIn makes a session of the person and returns its token, as the product
// does: it refuses tokens without one.
func signIn(app core.App, user *core.Record, id string) (string, error) {
	c, err := app.FindCollectionByNameOrId(collections.Sessions)
	if err != nil {
		return "", err
	}
	session := core.NewRecord(c)
	session.Id = id
	token, err := security.NewJWT(map[string]any{
		core.TokenClaimType: core.TokenTypeAuth, core.TokenClaimId: user.Id,
		core.TokenClaimCollectionId: user.Collection().Id,
		core.TokenClaimRefreshable:  true, "sid": id,
	}, user.TokenKey()+user.Collection().AuthToken.Secret, user.Collection().AuthToken.DurationTime())
	if err != nil {
		return "", err
	}
	session.Load(map[string]any{
		"user": user.Id, "token_hash": security.SHA256(token), "method": collections.AuthPassword, "last_seen_at": time.Now(),
	})
	return token, app.Save(session)
}

func (s *seeder) token(record *core.Record, email string, tokens map[string]string) {
	if s.err == nil {
		tokens[email], s.err = record.NewAuthToken()
	}
}

// desk saves one of everything for an organization; n tells organizations
// apart where a value is unique.
func (s *seeder) desk(organization string, n int) {
	id := func(noun string) string { return Row(organization, noun) }
	name := organization[:4]
	s.save(collections.Functions, id("function"), values{
		"organization": organization, "name": "book_table", "description": "Books a table.", "type": collections.FunctionHTTP,
		"parameters": map[string]any{"type": "object",
			"properties": map[string]any{"people": map[string]any{"type": "integer"}}},
		"webhook_url": "https://tools.example.com/" + name, "headers": SealedValue, "timeout_ms": 5_000, "is_active": true,
		"vapi_tool_id": "tool-" + name, "sync_status": collections.SyncSynced, "synced_at": Start, "sync_hash": SealedValue,
	})
	s.save(collections.Assistants, id("assistant"), values{
		"organization": organization, "name": "Front desk " + name, "type": "voice", "status": collections.AssistantActive,
		"language": "en", "system_prompt": "You answer the phone of " + name + ".", "first_message": "Hello, how can I help?",
		"model_provider": "openai", "model_name": "gpt-4o", "model_temperature": 0.4, "voice_provider": "vapi",
		"voice_id":             "Elliot",
		"transcriber_provider": "deepgram", "transcriber_model": "nova-3", "functions": []string{id("function")},
		"recording_enabled": true, "max_duration_seconds": 600,
		"vapi_assistant_id": "assistant-" + name, "sync_status": collections.SyncSynced, "synced_at": Start,
		"sync_hash": SealedValue,
	})
	s.save(collections.PhoneNumbers, id("number"), values{
		"organization": organization, "phone_number": fmt.Sprintf("+1202555010%d", n), "friendly_name": "Main line",
		"provider": "vapi", "number_type": "voice", "status": collections.NumberActive, "country_code": "US",
		"assistant":        id("assistant"),
		"fallback_message": "We will call you back.", "twilio_auth_token": SealedValue,
		"vapi_phone_id": "number-" + name, "sync_status": collections.SyncSynced, "synced_at": Start,
		"sync_hash": SealedValue,
	})
	s.save(collections.Contacts, id("contact"), values{
		"organization": organization, "phone_number": fmt.Sprintf("+1202555017%d", n), "name": "Cara Caller",
		"first_seen_at": Start, "last_seen_at": Start,
	})
	s.save(collections.SavedReplies, id("reply"), values{
		"organization": organization, "shortcut": "hours", "text": "We are open from 9 to 18.", "language": "en",
	})
	s.calls(organization, n)
	s.save(collections.UsageEvents, id("usage"), values{
		"organization": organization, "kind": collections.UsageVoiceInbound, "quantity": 60, "unit": "second",
		"cost_micros": 90_000,
		"call":        id("call"), "at": Start, "reference": "voice_inbound:call-" + name,
	})
	s.save(collections.AuditLogs, id("audit"), values{
		"organization": organization, "actor_name": "system", "actor_type": "system", "action": "organization.created",
		"resource": collections.Organizations, "record": organization,
	})
	s.save(collections.AuditChains, id("chain"),
		values{"chain": organization, "unchained": 1}) // the entry above is in none
	s.papers(organization, n)
	s.save(collections.ProviderAccounts, id("account"), values{
		"organization": organization, "provider": "vapi", "name": "Vapi", "api_key": SealedValue,
		"webhook_secret": SealedValue,
	})
	s.save(collections.ProviderEvents, id("inbox"), values{
		"organization": organization, "provider": "vapi", "event_key": "call-" + name + "/status/ended",
		"type": "status-update", "status": collections.EventApplied, "payload": `{"type":"status-update"}`,
	})
	s.save(collections.Outbox, id("promise"), values{
		"organization": organization, "kind": "webhook", "key": "call-" + name + ":completed", "payload": map[string]any{},
		"status": collections.OutboxDone, "attempts": 1, "done_at": Start,
	})
	s.save(collections.StructuredOutputs, id("output"), values{
		"name": collections.Outputs[n%len(collections.Outputs)], "vapi_output_id": "output-" + name,
		"sync_status": collections.SyncSynced,
	})
	s.save(collections.JobRuns, id("job"), values{
		"job": "outbox.deliver", "status": collections.JobDone, "started_at": Start, "finished_at": Start, "processed": 1,
	})
}

// papers saves what belongs to the people and the money of an organization.
func (s *seeder) papers(organization string, n int) {
	id := func(noun string) string { return Row(organization, noun) }
	person := User(map[string]string{Acme: AcmeViewer, Bolt: BoltOwner, Void: Nobody}[organization])
	hash := fmt.Sprintf("%064d", n)
	s.save(collections.Invitations, id("invite"), values{
		"organization": organization, "email": "invited@" + organization[:4] + ".test", "role": collections.Agent,
		"status": collections.InvitationPending, "token_hash": hash, "expires_at": Start.AddDate(1, 0, 0),
	})
	s.save(collections.SecuritySettings, id("security"),
		values{"organization": organization, "session_timeout_minutes": 1440})
	s.save(collections.APIKeys, id("key"), values{
		"organization": organization, "name": "Reports", "role": collections.Viewer, "prefix": "pk_fixture", "hash": hash,
	})
	s.save(collections.Sessions, id("session"),
		values{"user": person, "token_hash": hash, "method": collections.AuthPassword, "last_seen_at": Start})
	s.save(collections.Authenticators, id("totp"), values{"user": person, "totp_secret": SealedValue})
	s.save(collections.Wallets, id("wallet"), values{"organization": organization, "balance_minor": 500,
		"currency": "USD"})
	s.save(collections.LedgerEntries, id("ledger"), values{
		"organization": organization, "wallet": id("wallet"), "amount_minor": 500, "currency": "USD", "kind": "bonus",
		"reference": "welcome",
	})
	s.save(collections.Subscriptions, id("plan"), values{
		"organization": organization, "plan": "pro", "status": collections.SubscriptionTrialing,
		"trial_ends_at": Start.AddDate(0, 0, collections.TrialDays),
	})
	s.save(collections.PrivacyRequests, id("privacy"), values{
		"organization": organization, "kind": "export", "status": "done", "subject_hash": hash, "subject_hint": "70",
	})
}

// words make one organization's transcript findable and no other's.
var words = map[string]string{Acme: "sourdough", Bolt: "rye", Void: "spelt"}

// calls saves a finished call with everything it leaves behind, and a live one.
func (s *seeder) calls(organization string, n int) {
	id := func(noun string) string { return Row(organization, noun) }
	name, word := organization[:4], words[organization]
	call := values{
		"organization": organization, "vapi_call_id": "call-" + name, "status": collections.CallCompleted,
		"outcome":   "completed",
		"call_type": collections.Inbound, "channel": "phone", "caller_number": fmt.Sprintf("+1202555017%d", n),
		"recipient_number": fmt.Sprintf("+1202555010%d", n), "contact": id("contact"), "assistant": id("assistant"),
		"phone_number": id("number"),
		"started_at":   Start, "answered_at": Start.Add(2 * time.Second), "ended_at": Start.Add(62 * time.Second),
		"duration_seconds": 60, "cost_micros": 90_000, "ended_reason": "customer-ended-call",
		"summary":           "Asked for " + word + ".",
		"resolution_status": collections.ResolutionPending, "sentiment": "positive", "priority": "medium",
		"has_recording": true, "answered": true, "reported_at": Start.Add(time.Minute), "control_url": SealedValue,
		"listen_url": SealedValue,
	}
	s.save(collections.Calls, id("call"), call)
	s.save(collections.Calls, id("live"), values{
		"organization": organization, "vapi_call_id": "live-" + name, "status": collections.CallInProgress,
		"call_type": collections.Inbound, "channel": "phone", "caller_number": fmt.Sprintf("+1202555017%d", n),
		"recipient_number": fmt.Sprintf("+1202555010%d", n), "contact": id("contact"), "assistant": id("assistant"),
		"phone_number": id("number"),
		"started_at":   Start.Add(time.Hour), "answered_at": Start.Add(time.Hour), "answered": true,
		"resolution_status": collections.ResolutionPending,
		"control_url":       SealedValue, "listen_url": SealedValue,
	})
	at := Start.Add(2 * time.Second).UnixMilli()
	for i, m := range []struct{ noun, role, content string }{
		{"message", collections.RoleAssistant, "Hello, how can I help?"},
		{"messageb", collections.RoleUser, "Do you have " + word + " today?"},
		{"messagec", collections.RoleAssistant, "Yes, fresh from the oven."},
	} {
		s.save(collections.Messages, id(m.noun), values{
			"organization": organization, "call": id("call"), "role": m.role, "content": m.content,
			"position": at + int64(i)*4_000, "offset_ms": i * 4_000, "duration_ms": 3_000,
		})
	}
	for i, state := range []string{"in-progress", "ended"} {
		noun := []string{"event", "eventb"}[i]
		s.save(collections.CallEvents, id(noun), values{
			"organization": organization, "call": id("call"), "type": collections.EventStatus, "name": state,
			"position": at + int64(i)*60_000, "key": "status:" + state,
		})
	}
	s.save(collections.CallReports, id("report"), values{
		"organization": organization, "call": id("call"), "position": at*100 + int64(n), "summary": "Asked for " + word + ".",
		"transcript": "AI: Hello, how can I help?\nUser: Do you have " + word + " today?\nAI: Yes, fresh from the oven.",
		"analysis":   map[string]any{"successEvaluation": "true"},
		"costs":      []any{map[string]any{"type": "vapi", "cost": 0.05}},
	})
	file, err := filesystem.NewFileFromBytes(sound(), "call.wav")
	if err != nil {
		s.err = err
		return
	}
	s.save(collections.Recordings, id("recording"), values{
		"organization": organization, "call": id("call"), "kind": "stereo", "status": collections.RecordingReady,
		"file":      file,
		"mime_type": "audio/wav", "size_bytes": len(sound()), "duration_ms": 20,
		"peaks": map[string]any{"left": []int{0}, "right": []int{0}},
	})
}

// sound is 20 ms of stereo silence as a WAV file, 16 bits at 8 kHz.
func sound() []byte {
	const rate, lanes, bytesPerSample = 8_000, 2, 2
	data := make([]byte, rate/50*lanes*bytesPerSample)
	var b bytes.Buffer
	b.WriteString("RIFF")
	binary.Write(&b, binary.LittleEndian, uint32(36+len(data)))
	b.WriteString("WAVEfmt ")
	binary.Write(&b, binary.LittleEndian, uint32(16))
	binary.Write(&b, binary.LittleEndian, [2]uint16{1, lanes})
	binary.Write(&b, binary.LittleEndian, [2]uint32{rate, rate * lanes * bytesPerSample})
	binary.Write(&b, binary.LittleEndian, [2]uint16{lanes * bytesPerSample, 8 * bytesPerSample})
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, uint32(len(data)))
	b.Write(data)
	return b.Bytes()
}
