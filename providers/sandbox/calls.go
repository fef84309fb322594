package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// callView is how the API shows a call.
func callView(row object) object { return row }

// createCall is POST /call: one customer, or a batch in customers.
func (s *Server) createCall(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r)
	if err == nil {
		err = validate(callRules, body)
	}
	if err == nil {
		err = s.checkCall(body)
	}
	if err != nil {
		return err
	}
	customers := list(body, "customers")
	if customers == nil {
		c, err := s.placeCall(body, obj(body, "customer"))
		if err != nil {
			return err
		}
		row := s.get("call", c.id)
		writeJSON(w, http.StatusCreated, with(callView(row), object{"subscriptionLimits": s.limits(false)}))
		s.begin(c, body)
		return nil
	}
	results, failures, blocked := []any{}, []any{}, false
	var calls []*liveCall
	for _, v := range customers {
		customer, _ := v.(object)
		c, err := s.placeCall(body, customer)
		if err != nil {
			blocked = blocked || err.(*apiError).extra != nil
			failures = append(failures, object{"customer": customer, "error": err.Error()})
			continue
		}
		calls = append(calls, c)
		results = append(results, callView(s.get("call", c.id)))
	}
	writeJSON(w, http.StatusCreated,
		object{"results": results, "errors": failures, "subscriptionLimits": s.limits(blocked)})
	for _, c := range calls {
		s.begin(c, body)
	}
	return nil
}

// checkCall refuses what no customer could be called with.
func (s *Server) checkCall(body object) error {
	answering := 0
	for _, name := range []string{"assistantId", "assistant", "squadId", "squad"} {
		if body[name] != nil {
			answering++
		}
	}
	switch {
	case answering == 0:
		return refuse(http.StatusBadRequest, "Need one of assistantId, assistant, squadId or squad.")
	case answering > 1:
		return refuse(http.StatusBadRequest, "Only one of assistantId, assistant, squadId or squad is allowed.")
	case str(body, "phoneNumberId") == "" && obj(body, "phoneNumber") == nil:
		return refuse(http.StatusBadRequest, "Need either phoneNumberId or phoneNumber.")
	case obj(body, "customer") == nil && len(list(body, "customers")) == 0:
		return refuse(http.StatusBadRequest, "Need either customer or customers.")
	}
	if id := str(body, "phoneNumberId"); id != "" && s.get("phone-number", id) == nil {
		return notFound("phone-number")
	}
	if err := s.mustExist("assistant", body["assistantId"]); err != nil {
		return err
	}
	if err := s.mustExist("squad", body["squadId"]); err != nil {
		return err
	}
	if squad := obj(body, "squad"); squad != nil {
		return s.checkSquad(squad)
	}
	return nil
}

// placeCall stores a call to one customer; begin starts it.
func (s *Server) placeCall(body, customer object) (*liveCall, error) {
	to := str(customer, "number")
	if str(customer, "sipUri") == "" && !isFalse(customer, "numberE164CheckEnabled") && !isE164(to) {
		return nil,
			refuse(http.StatusBadRequest,
				"customer.number must be a valid phone number in the E.164 format. Hot tip, you may be missing the country code (Eg. US: +1).")
	}
	if s.activeCalls() >= s.concurrency() {
		e := refuse(http.StatusBadRequest, "Over Concurrency Limit.").(*apiError)
		e.extra = object{"subscriptionLimits": s.limits(true)}
		return nil, e
	}
	number := s.get("phone-number", str(body, "phoneNumberId"))
	if imported := obj(body, "phoneNumber"); imported != nil {
		number = with(without(imported, "twilioPhoneNumber"),
			object{"provider": "twilio", "number": imported["twilioPhoneNumber"]})
	}
	answering := s.get("assistant", str(body, "assistantId"))
	if inline := obj(body, "assistant"); inline != nil {
		answering = inline
	}
	c := s.newCall(s.takeOrder(), outboundScript(to), languageOf(to, answering), s.tick())
	c.number, c.customer = number, customer
	overrides := obj(body, "assistantOverrides")
	if answering != nil {
		c.resolve(answering, overrides, obj(customer, "assistantOverrides"))
	} else {
		squad := obj(body, "squad")
		if id := str(body, "squadId"); id != "" {
			squad = s.get("squad", id)
		}
		if !c.resolveSquad(squad, obj(body, "squadOverrides")) {
			return nil, refuse(http.StatusBadRequest, "The squad's first member cannot be found.")
		}
	}
	status := "queued"
	if obj(body, "schedulePlan") != nil {
		status = "scheduled"
	}
	row := with(c.base("outboundPhoneCall", status), object{"monitor": c.monitor()})
	for _, name := range []string{"name", "assistantId", "assistant", "assistantOverrides", "squadId",
		"squad", "squadOverrides", "schedulePlan"} {
		if body[name] != nil {
			row[name] = body[name]
		}
	}
	c.snapshot = row
	s.put("call", row)
	s.mu.Lock()
	s.live[c.id] = c
	s.mu.Unlock()
	return c, nil
}

// base is a call object as it is made.
func (c *liveCall) base(kind, status string) object {
	sid := "CA" + strings.ReplaceAll(c.id, "-", "")
	row := object{
		"id": c.id, "orgId": orgID, "createdAt": stamp(c.created), "updatedAt": stamp(c.created), "type": kind,
		"status":            status,
		"phoneCallProvider": c.carrier(), "phoneCallProviderId": sid, "phoneCallTransport": "pstn",
		"customer": c.customer, "cost": 0.0,
		"transport": object{
			"provider": c.carrier(), "conversationType": "voice",
			"accountSid": orElse(str(c.number, "twilioAccountSid"), "ACexample0000000000000000000000000"),
			"callSid":    sid, "callToken": markerCallToken,
		},
	}
	if id := str(c.number, "id"); id != "" {
		row["phoneNumberId"] = id
	}
	return row
}

// begin plays a placed call, at its earliest time when it is scheduled.
func (s *Server) begin(c *liveCall, body object) {
	at, err := time.Parse(time.RFC3339, str(body, "schedulePlan", "earliestAt"))
	if err != nil || c.speed == 0 || !at.After(time.Now()) {
		c.play()
		return
	}
	c.tell("status-update", false, object{"status": "scheduled"})
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		select {
		case <-timer.C:
			c.now = at
			c.play()
		case reason := <-c.hangUp:
			c.startOutbox()
			c.finish(reason)
			c.drainOutbox()
			close(c.done)
		case <-c.ctx.Done():
			close(c.done)
		}
	}()
}

// refusedOutbound is the endedReason of a call that cannot be placed, or "".
func (s *Server) refusedOutbound(c *liveCall) string {
	if str(c.number, "provider") == "vapi" && !strings.HasPrefix(str(c.customer, "number"), "+1") {
		return "call.start.error-vapi-number-international"
	}
	return ""
}

// activeCalls counts the slots in use: calls that are neither scheduled nor ended.
func (s *Server) activeCalls() int {
	n := 0
	for _, row := range s.all("call") {
		if status := str(row, "status"); status != "ended" && status != "scheduled" {
			n++
		}
	}
	return n
}

func (s *Server) limits(blocked bool) object {
	limit := s.concurrency()
	return object{"concurrencyBlocked": blocked, "concurrencyLimit": limit,
		"remainingConcurrentCalls": max(0, limit-s.activeCalls())}
}

// erased tells the server that a call's data is gone. The call itself goes on:
// erasing is not hanging up, except for a call that has not begun.
func (s *Server) erased(row object) {
	id := str(row, "id")
	s.mu.Lock()
	c := s.live[id]
	delete(s.settings.media, id)
	s.mu.Unlock()
	if c == nil {
		return
	}
	if str(row, "status") == "scheduled" {
		select {
		case c.hangUp <- "scheduled-call-deleted":
		default:
		}
	}
	owner := s.get("assistant", str(row, "assistantId"))
	if !wantsMessage(owner, "call.deleted") {
		return
	}
	message := object{"timestamp": time.Now().UnixMilli(), "type": "call.deleted", "call": callView(row),
		"customer": row["customer"]}
	if number := s.get("phone-number", str(row, "phoneNumberId")); number != nil {
		message["phoneNumber"] = with(object{"twilioAuthToken": markerToken}, number)
	}
	s.notify(s.targetOf(owner, s.get("phone-number", str(row, "phoneNumberId"))), id, message)
}

// notify sends a message that belongs to no running call, in the background.
func (s *Server) notify(to target, callID string, message object) {
	if to.url == "" {
		return
	}
	f := s.messageFault(str(message, "type"))
	d := s.newDelivery(to, callID, plain(message).(object))
	times := 1
	if f != nil {
		d.Fault = f.Kind
		times = map[string]int{"drop": 0, "repeat": 2}[f.Kind]
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		for range times {
			s.retry(s.ctx, d, s.attempt(s.ctx, d), s.cfg.Speed)
		}
	}()
}

// deleteCalls is DELETE /call {ids}: several calls at once.
func (s *Server) deleteCalls(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r)
	if err == nil {
		err = validate(schema{"ids": required(listOf(text()))}, body)
	}
	if err != nil {
		return err
	}
	gone := []any{}
	for _, v := range list(body, "ids") {
		if row := s.remove("call", v.(string)); row != nil {
			s.erased(row)
			gone = append(gone, callView(row))
		}
	}
	writeJSON(w, http.StatusOK, gone)
	return nil
}

func atoi(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return otherwise
}
