package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// freeNumbers is how many Vapi numbers an account may hold.
	freeNumbers = 5
	// activation is how long a new Vapi number stays "activating", at speed 1.
	activation = 3 * time.Second
)

// numbers is /phone-number. A Vapi number starts as activating and is active
// a moment later; imported numbers are active at once.
func (s *Server) numbers() resource {
	return resource{
		path: "/phone-number", kind: "phone-number", view: s.numberView,
		create: func(body object) error {
			if err := validateChoice("provider", numberVariants, body, ""); err != nil {
				return err
			}
			return s.checkNumber(body)
		},
		patch: func(old, body object) error {
			if err := validateChoice("provider", numberVariants, body, str(old, "provider")); err != nil {
				return err
			}
			return s.checkNumber(body)
		},
		prepare: s.newNumber,
	}
}

func (s *Server) checkNumber(body object) error {
	if err := s.mustExist("assistant", body["assistantId"]); err != nil {
		return err
	}
	return s.mustExist("squad", body["squadId"])
}

func (s *Server) newNumber(body object) (object, error) {
	provider := str(body, "provider")
	if number := str(body, "number"); number != "" {
		if provider != "byo-phone-number" && !isE164(number) {
			return nil, invalid("number must be a valid phone number in the E.164 format")
		}
		if s.numberCalled(number) != nil {
			return nil, refuse(http.StatusBadRequest, "Existing phone number with the same number.")
		}
	}
	switch provider {
	case "twilio":
		if str(body, "twilioAuthToken") == "" && (str(body, "twilioApiKey") == "" || str(body, "twilioApiSecret") == "") {
			return nil, refuse(http.StatusBadRequest, "Need either twilioAuthToken, or twilioApiKey and twilioApiSecret.")
		}
		return with(object{"smsEnabled": true}, body, object{"status": "active"}), nil
	case "vapi":
		return s.newFreeNumber(body)
	}
	return with(body, object{"status": "active"}), nil
}

func (s *Server) newFreeNumber(body object) (object, error) {
	free := 0
	for _, row := range s.all("phone-number") {
		if str(row, "provider") == "vapi" {
			free++
		}
	}
	if free >= freeNumbers {
		return nil, refuse(http.StatusBadRequest, fmt.Sprintf("An account can hold %d free phone numbers.", freeNumbers))
	}
	row := with(body, object{"status": "active"})
	if str(body, "sipUri") != "" {
		return row, nil
	}
	area := str(body, "numberDesiredAreaCode")
	if area == "" {
		area = "415"
	}
	if strings.Trim(area, "0123456789") != "" || area[0] < '2' {
		return nil, refuse(http.StatusBadRequest, "numberDesiredAreaCode must be a US area code")
	}
	s.mu.Lock()
	s.counter++
	row["number"] = fmt.Sprintf("+1%s555%04d", area, 1000+s.counter%9000)
	s.mu.Unlock()
	row["status"] = "activating"
	return row, nil
}

// numberView shows the status a number has by now.
func (s *Server) numberView(row object) object {
	if str(row, "status") != "activating" {
		return row
	}
	ready := false
	if s.cfg.Speed == 0 {
		ready = s.seen(str(row, "id"))
	} else {
		made, err := time.Parse(time.RFC3339, str(row, "createdAt"))
		ready = err == nil && time.Since(made) >= time.Duration(float64(activation)/s.cfg.Speed)
	}
	if ready {
		return with(row, object{"status": "active"})
	}
	return row
}

// seen tells whether the number was answered before: without waiting, the first
// answer says activating and every later one active.
func (s *Server) seen(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.settings.seen[id]
	s.settings.seen[id] = true
	return before
}

// numberCalled finds a number by its digits, or nil.
func (s *Server) numberCalled(number string) object {
	for _, row := range s.all("phone-number") {
		if str(row, "number") == number {
			return row
		}
	}
	return nil
}

// pageNumbers is GET /v2/phone-number: pages, and search in number and name.
func (s *Server) pageNumbers(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	search := strings.ToLower(query.Get("search"))
	query.Del("search")
	r.URL.RawQuery = query.Encode()
	paged := s.numbers()
	paged.paged = true
	limit := query.Get("limit")
	query.Set("limit", "1000")
	query.Del("page")
	all := r.Clone(r.Context())
	all.URL.RawQuery = query.Encode()
	found, err := s.listRows(paged, all)
	if err != nil {
		return err
	}
	if _, err := s.listRows(paged, r); err != nil { // limit and page as they were sent
		return err
	}
	hits := []object{}
	for _, row := range found.(object)["results"].([]object) {
		if strings.Contains(strings.ToLower(str(row, "number")+" "+str(row, "name")), search) {
			hits = append(hits, row)
		}
	}
	writeJSON(w, http.StatusOK, pageOf(hits, atoi(r.URL.Query().Get("page"), 1), atoi(limit, 100)))
	return nil
}

// isE164 tells whether a number is + and 7 to 15 digits.
func isE164(number string) bool {
	digits, found := strings.CutPrefix(number, "+")
	return found && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}
