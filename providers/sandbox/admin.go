package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// adminRoutes are the sandbox's own, without a key. They are how a test or a
// person rings a number, looks at what was sent and makes things fail.
var adminRoutes = []struct {
	pattern, about string
	answer         func(*Server, http.ResponseWriter, *http.Request) error
}{
	{"POST /_sandbox/calls", "ring a number: {script, language, from, to | phoneNumberId, speed, toolShape, parallel}",
		(*Server).ring},
	{"GET /_sandbox/calls/{id}", "state of a call and every message sent for it", (*Server).callState},
	{"POST /_sandbox/past", "sound of calls before this server: {calls: {id: [{caller, fromMs, toMs}]}}", (*Server).recall},
	{"POST /_sandbox/next-call", "script of the next POST /call: {script, language, speed, toolShape, parallel}",
		(*Server).orderNext},
	{"GET /_sandbox/scripts", "the scripts", (*Server).listScripts},
	{"GET /_sandbox/deliveries", "messages sent, newest last; ?type= and ?callId= filter", (*Server).listDeliveries},
	{"POST /_sandbox/faults",
		"fail: {match: {method, pathPrefix} | {messageType}, kind, count, retryAfterSeconds, delayMs, status, message}",
		(*Server).addFault},
	{"GET /_sandbox/faults", "faults not used up", (*Server).listFaults},
	{"DELETE /_sandbox/faults", "no more faults", (*Server).dropFaults},
	{"GET /_sandbox/clock", "the sandbox's own clock, and how many late requests wait for it", (*Server).showClock},
	{"POST /_sandbox/clock", "move the clock on: {advanceMs}", (*Server).moveClock},
	{"POST /_sandbox/settings", "{server, credentials, concurrencyLimit, assistantRequestTimeoutMs, linkSeconds}",
		(*Server).set},
	{"POST /_sandbox/reset", "forget everything", (*Server).reset},
	{"POST /_sandbox/tools/{name}",
		"a small business to call from functions: check_availability, book_appointment, get_price", (*Server).useBusiness},
}

// settings are what a Vapi account has beside its objects.
type settings struct {
	server         object            // the account's server
	credentials    map[string]object // authentication plans by credentialId
	concurrency    int
	requestTimeout time.Duration
	linkLife       time.Duration
	media          map[string]*media
	seen           map[string]bool
}

func defaultSettings() settings {
	return settings{
		credentials: map[string]object{}, concurrency: defaultConcurrency, requestTimeout: assistantRequestLimit,
		linkLife: signedURLLife, media: map[string]*media{}, seen: map[string]bool{},
	}
}

func (s *Server) concurrency() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.concurrency
}

func (s *Server) assistantRequestTimeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.requestTimeout
}

func (s *Server) linkLife() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.linkLife
}

// decode reads a request's JSON into v and refuses unknown fields.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	return nil
}

// check refuses an order for a script or language that does not exist.
func (o callOrder) check() error {
	switch {
	case o.Script != "" && scripts()[o.Script] == nil:
		return refuse(http.StatusBadRequest, "script must be one of "+strings.Join(scriptNames(), ", "))
	case o.Language != "" && !slices.Contains(languages, o.Language):
		return refuse(http.StatusBadRequest, "language must be one of "+strings.Join(languages, ", "))
	case o.Speed != nil && *o.Speed < 0:
		return refuse(http.StatusBadRequest, "speed must not be negative")
	case !slices.Contains([]string{"", shapeDocument, shapeArguments, shapeParameters, shapeOld}, o.ToolShape):
		return refuse(http.StatusBadRequest, "toolShape must be one of document, arguments, parameters, function-call")
	}
	return nil
}

// ring places an incoming call.
func (s *Server) ring(w http.ResponseWriter, r *http.Request) error {
	var order struct {
		callOrder
		From          string `json:"from"`
		To            string `json:"to"`
		PhoneNumberID string `json:"phoneNumberId"`
	}
	if err := decode(w, r, &order); err != nil {
		return err
	}
	if err := order.check(); err != nil {
		return err
	}
	number := s.get("phone-number", order.PhoneNumberID)
	if number == nil && order.To != "" {
		number = s.numberCalled(order.To)
	}
	if number == nil {
		return notFound("phone-number")
	}
	c := s.newCall(order.callOrder, "booking", "en", s.tick())
	from := order.From
	if from == "" {
		from = c.script.Caller[c.language].Number
	}
	c.inbound, c.number, c.customer = true, s.numberView(number), object{"number": from}
	c.snapshot = c.base("inboundPhoneCall", "ringing")
	s.put("call", c.snapshot)
	c.play()
	writeJSON(w, http.StatusCreated, object{"callId": c.id, "script": c.script.Name, "language": c.language})
	return nil
}

func (s *Server) orderNext(w http.ResponseWriter, r *http.Request) error {
	var order callOrder
	if err := decode(w, r, &order); err != nil {
		return err
	}
	if err := order.check(); err != nil {
		return err
	}
	s.mu.Lock()
	s.nextCalls = append(s.nextCalls, order)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, order)
	return nil
}

// takeOrder is what was asked for the next outgoing call.
func (s *Server) takeOrder() callOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.nextCalls) == 0 {
		return callOrder{}
	}
	order := s.nextCalls[0]
	s.nextCalls = s.nextCalls[1:]
	return order
}

func (s *Server) listScripts(w http.ResponseWriter, _ *http.Request) error {
	all := []object{}
	for _, name := range scriptNames() {
		all = append(all, object{"name": name, "title": scripts()[name].Title, "outbound": scripts()[name].Outbound,
			"languages": languages})
	}
	writeJSON(w, http.StatusOK, all)
	return nil
}

func (s *Server) callState(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	s.mu.Lock()
	c := s.live[id]
	s.mu.Unlock()
	if c == nil {
		return notFound("call")
	}
	state := "playing"
	select {
	case <-c.done:
		state = "over"
	default:
	}
	row := s.get("call", id)
	writeJSON(w, http.StatusOK, object{
		"callId": id, "script": c.script.Name, "language": c.language, "state": state, "status": str(row, "status"),
		"endedReason": str(row, "endedReason"), "deliveries": s.sent(func(d *delivery) bool { return d.CallID == id }),
	})
	return nil
}

// sent copies the deliveries that fit.
func (s *Server) sent(fits func(*delivery) bool) []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []delivery{}
	for _, d := range s.deliveries {
		if fits(d) {
			copied := *d
			copied.Attempts = append([]attempt{}, d.Attempts...)
			found = append(found, copied)
		}
	}
	return found
}

func (s *Server) listDeliveries(w http.ResponseWriter, r *http.Request) error {
	kind, id := r.URL.Query().Get("type"), r.URL.Query().Get("callId")
	writeJSON(w, http.StatusOK,
		s.sent(func(d *delivery) bool { return (kind == "" || d.Type == kind) && (id == "" || d.CallID == id) }))
	return nil
}

func (s *Server) addFault(w http.ResponseWriter, r *http.Request) error {
	var f fault
	if err := decode(w, r, &f); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	answer := f // the stored one is counted down by others
	s.mu.Lock()
	s.faults = append(s.faults, &f)
	s.mu.Unlock()
	writeJSON(w, http.StatusCreated, answer)
	return nil
}

func (s *Server) listFaults(w http.ResponseWriter, _ *http.Request) error {
	s.mu.Lock()
	left := []fault{}
	for _, f := range s.faults {
		left = append(left, *f)
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, left)
	return nil
}

func (s *Server) dropFaults(w http.ResponseWriter, _ *http.Request) error {
	s.mu.Lock()
	s.faults = nil
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, object{})
	return nil
}

// set changes what a person would set in Vapi's dashboard; fields left out stay.
func (s *Server) set(w http.ResponseWriter, r *http.Request) error {
	var change struct {
		Server                    object            `json:"server"`
		Credentials               map[string]object `json:"credentials"`
		ConcurrencyLimit          *int              `json:"concurrencyLimit"`
		AssistantRequestTimeoutMs *int              `json:"assistantRequestTimeoutMs"`
		LinkSeconds               *float64          `json:"linkSeconds"`
	}
	if err := decode(w, r, &change); err != nil {
		return err
	}
	if change.Server != nil {
		if err := validate(serverRules, change.Server); err != nil {
			return err
		}
	}
	for id, plan := range change.Credentials {
		kind := str(plan, "type")
		if kind != "bearer" && kind != "hmac" || hashes[str(plan, "algorithm")] == nil {
			return refuse(http.StatusBadRequest,
				"credential "+id+" must have type bearer or hmac, and algorithm sha256, sha512 or sha1")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if change.Server != nil {
		s.settings.server = change.Server
	}
	maps.Copy(s.settings.credentials, change.Credentials)
	if change.ConcurrencyLimit != nil {
		s.settings.concurrency = *change.ConcurrencyLimit
	}
	if change.AssistantRequestTimeoutMs != nil {
		s.settings.requestTimeout = time.Duration(*change.AssistantRequestTimeoutMs) * time.Millisecond
	}
	if change.LinkSeconds != nil {
		s.settings.linkLife = time.Duration(*change.LinkSeconds * float64(time.Second))
	}
	writeJSON(w, http.StatusOK, object{})
	return nil
}

// reset forgets everything. Calls that are playing go on, unseen.
func (s *Server) reset(w http.ResponseWriter, _ *http.Request) error {
	s.mu.Lock()
	s.clear()
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, object{})
	return nil
}
