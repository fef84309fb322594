package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// business is a small customer's system with memory: free times, bookings and
// prices, so that demo functions have a real HTTP endpoint to call.
type business struct {
	mu       sync.Mutex
	booked   map[string]string // "date time" to reference
	answered map[string]object // by idempotency key
	next     int
}

func newBusiness() *business {
	return &business{booked: map[string]string{}, answered: map[string]object{}, next: 2207}
}

// idempotencyHeaders are the names under which a caller may say "this is the same request".
var idempotencyHeaders = []string{"Idempotency-Key", "X-Idempotency-Key", "Webhook-Id"}

var dayTimes = []string{"09:30", "11:00", "14:00", "16:30"}

var priceList = map[string]string{
	"cleaning": "95 dollars", "checkup": "60 dollars", "filling": "140 dollars", "whitening": "320 dollars",
	"détartrage": "70 euros", "detartrage": "70 euros", "consultation": "35 euros", "plombage": "90 euros",
}

// useBusiness is POST /_sandbox/tools/{name}. The body is a function's
// arguments; the answer is {"result": text, …}. A request repeated under the
// same idempotency header gets the first answer again.
func (s *Server) useBusiness(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(w, r)
	if err != nil {
		return err
	}
	if inner := obj(body, "arguments"); inner != nil {
		body = inner
	}
	s.mu.Lock()
	b := s.business
	s.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	key := ""
	for _, name := range idempotencyHeaders {
		key = orElse(key, r.Header.Get(name))
	}
	if first := b.answered[r.PathValue("name")+" "+key]; key != "" && first != nil {
		writeJSON(w, http.StatusOK, first)
		return nil
	}
	var answer object
	switch r.PathValue("name") {
	case "check_availability":
		answer = b.availability(body)
	case "book_appointment":
		answer = b.book(body)
	case "get_price":
		answer = price(body)
	default:
		return refuse(http.StatusNotFound, "This business has no "+r.PathValue("name")+".")
	}
	if key != "" {
		b.answered[r.PathValue("name")+" "+key] = answer
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

func dateOf(body object) string {
	if date := str(body, "date"); date != "" {
		return date
	}
	return time.Now().AddDate(0, 0, 1).Format("2006-01-02")
}

func (b *business) free(date, part string) []string {
	var times []string
	for _, at := range dayTimes {
		wanted := part == "" || part == "morning" == (at < "12:00")
		if _, taken := b.booked[date+" "+at]; !taken && wanted {
			times = append(times, at)
		}
	}
	return times
}

func (b *business) availability(body object) object {
	date := dateOf(body)
	times := b.free(date, str(body, "partOfDay"))
	slots := []any{}
	for _, at := range times {
		slots = append(slots, object{"slotId": date + "T" + at, "date": date, "time": at})
	}
	say := wordsOf(body)
	result := fmt.Sprintf(say.none, date)
	if len(times) > 0 {
		result = fmt.Sprintf(say.free, date, strings.Join(times, say.and))
	}
	return object{"result": result, "slots": slots}
}

func (b *business) book(body object) object {
	date, at := dateOf(body), str(body, "time")
	if slot := str(body, "slotId"); slot != "" {
		if day, hour, found := strings.Cut(slot, "T"); found {
			date, at = day, hour
		}
	}
	at = strings.Replace(at, "h", ":", 1)
	if !slices.Contains(b.free(date, ""), at) {
		return object{"booked": false, "error": "taken",
			"result": fmt.Sprintf(wordsOf(body).taken, at, date, strings.Join(b.free(date, ""), ", "))}
	}
	reference := fmt.Sprintf("MD-%d", b.next)
	b.next++
	b.booked[date+" "+at] = reference
	return object{"booked": true, "reference": reference, "date": date, "time": at,
		"result": fmt.Sprintf(wordsOf(body).booked, date, at, reference)}
}

// businessWords are the sentences of the business; it answers in French when the
// service is named in French.
type businessWords struct{ free, and, none, taken, booked, price, unknown string }

var (
	englishWords = businessWords{
		free: "Free on %s: %s.", and: " and ", none: "No free time on %s.",
		taken:  "%s on %s is not free. Other free times: %s.",
		booked: "Booked: %s %s, reference %s.", price: "The price of %s is %s.",
		unknown: "There is no price for that on the list.",
	}
	frenchWords = businessWords{
		free: "Libre le %s : %s.", and: " et ", none: "Rien de libre le %s.",
		taken:  "%s le %s n'est pas libre. Autres heures libres : %s.",
		booked: "Réservé : %s %s, référence %s.", price: "Le prix pour %s est de %s.",
		unknown: "Ce tarif n'est pas sur la liste.",
	}
)

func wordsOf(body object) businessWords {
	service := strings.ToLower(str(body, "service") + " " + str(body, "query"))
	for _, word := range []string{"détartrage", "detartrage", "consultation", "plombage", "demande",
		"rendez-vous", "facture"} {
		if strings.Contains(service, word) {
			return frenchWords
		}
	}
	return englishWords
}

func price(body object) object {
	service := strings.ToLower(orElse(str(body, "service"), str(body, "query")))
	for _, name := range slices.Sorted(maps.Keys(priceList)) {
		if strings.Contains(service, name) {
			return object{"result": fmt.Sprintf(wordsOf(body).price, name, priceList[name]), "service": name,
				"price": priceList[name]}
		}
	}
	return object{"result": wordsOf(body).unknown, "error": "unknown service"}
}
