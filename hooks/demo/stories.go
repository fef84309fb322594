package demo

import (
	"math/rand/v2"
	"strings"

	"github.com/pocketline/pocketline/collections"
)

// story is a kind of call: what is said, and what comes of it.
type story struct {
	outcome, reason, resolution, sentiment, priority, summary string
	outbound                                                  bool
	said                                                      []string // the assistant begins, then they take turns
	wanted                                                    string   // what the caller wanted, in a word or two
}

func (s story) direction() string {
	if s.outbound {
		return collections.Outbound
	}
	return collections.Inbound
}

// lines are the words of one call of this kind.
func (s story) lines(random *rand.Rand, name string) []string {
	pick := func(of []string) string { return of[random.IntN(len(of))] }
	replace := strings.NewReplacer("{name}", name, "{time}", pick(times), "{day}", pick(days), "{service}",
		pick(services), "{detail}", pick(details))
	out := make([]string, len(s.said))
	for i, line := range s.said {
		out[i] = replace.Replace(line)
	}
	return out
}

var stories = []story{
	{
		outcome: "completed", reason: "customer-ended-call", resolution: "resolved", sentiment: "positive", priority: "medium",
		summary: "{name} booked a cleaning; the time was confirmed.",
		wanted:  "a cleaning",
		said: []string{
			"Marlow Dental, good morning. How can I help?",
			"Hi, I'd like to book a {service} for {day}, {detail}.",
			"I have {time} on {day}. Does that suit you?",
			"Yes, {time} is fine. My name is {name}.",
			"Done. You are booked for {time} on {day}, {name}. Anything else?",
			"No, that's all. Thank you.",
			"See you on {day}. Goodbye!",
		},
	},
	{
		outcome: "completed", reason: "assistant-ended-call", resolution: "resolved", sentiment: "neutral", priority: "low",
		summary: "{name} asked what a treatment costs.",
		wanted:  "a price",
		said: []string{
			"Marlow Dental, good morning. How can I help?",
			"How much is a {service}, and do you take insurance? {detail}",
			"A {service} is ninety dollars, and yes, we take most plans.",
			"All right, I will think about it. Thanks.",
			"You are welcome. Goodbye!",
		},
	},
	{
		outcome: "transferred", reason: "assistant-forwarded-call", resolution: "escalated", sentiment: "negative",
		priority: "high",
		summary:  "{name} complained about an invoice and was put through to the practice.",
		wanted:   "a refund",
		said: []string{
			"Marlow Dental, good morning. How can I help?",
			"I have been charged twice for my {service} and nobody calls me back! {detail}",
			"I am sorry about that, {name}. Let me put you through to the practice.",
			"Please do.",
			"One moment, I am transferring you.",
		},
	},
	{
		outcome: "completed", reason: "customer-ended-call", resolution: "resolved", sentiment: "positive", priority: "medium",
		summary: "{name} moved an appointment.",
		wanted:  "another time",
		said: []string{
			"Marlow Dental, good morning. How can I help?",
			"Could I move my {service} from {day} to another time? {detail}",
			"Of course. I can offer {time} instead.",
			"Perfect, {time} works. It is {name}.",
			"Moved to {time}. See you then, {name}.",
			"Thanks, bye.",
		},
	},
	{
		outcome: "voicemail", reason: "voicemail", resolution: "pending", priority: "medium",
		summary: "Nobody answered; a reminder was left for {name}.", outbound: true,
		said: []string{
			"This is Marlow Dental with a reminder of your {service} on {day} at {time}. Please call us if you cannot come.",
		},
	},
	{
		outcome: "no_answer", reason: "customer-did-not-answer", resolution: "pending", priority: "low",
		summary: "{name} could not be reached.", outbound: true,
	},
	{
		outcome: "completed", reason: "silence-timed-out", resolution: "pending", sentiment: "neutral", priority: "low",
		summary: "The caller said nothing.",
		said: []string{
			"Marlow Dental, good morning. How can I help?",
		},
	},
	{
		outcome: "completed", reason: "customer-ended-call", resolution: "resolved", sentiment: "negative", priority: "urgent",
		summary: "{name} is in pain and got the emergency slot.",
		wanted:  "help with pain",
		said: []string{
			"Marlow Dental, good morning. How can I help?",
			"My tooth broke and it hurts terribly. {detail} Can somebody see me today?",
			"I am sorry to hear that. We keep {time} free for emergencies. Can you be here by then?",
			"Yes, thank you so much. {name} is my name.",
			"You are in at {time}, {name}. Take a cold compress until then.",
			"Thank you. Goodbye.",
		},
	},
}

// desk are the practice's calls in a demonstration: those of every day, and those that
// leave somebody something to do.
var desk = append(stories[:len(stories):len(stories)],
	story{
		outcome: "cancelled", reason: "customer-ended-call", resolution: "pending", priority: "medium",
		summary: "{name} hung up before anybody answered.",
	},
	story{
		outcome: "completed", reason: "customer-ended-call", resolution: "pending", sentiment: "neutral", priority: "high",
		summary: "{name} wants Doctor Marlow to call back about an x-ray.",
		wanted:  "a call back",
		said: []string{
			"Marlow Dental, good morning. How can I help?",
			"It is {name}. Could Doctor Marlow call me back about my x-ray? {detail}",
			"I will pass it on. Is the number you are calling from the right one?",
			"Yes, any time before noon.",
			"Noted, {name}: a call back before noon. Goodbye!",
		},
	},
)

// plumbing are the calls of the other business of a demonstration.
var plumbing = []story{
	{
		outcome: "completed", reason: "customer-ended-call", resolution: "pending", sentiment: "negative", priority: "urgent",
		summary: "{name} has water running from under the sink.",
		wanted:  "an urgent repair",
		said: []string{
			"Rivera Plumbing, hello. Is this about a repair or a quote?",
			"Water is running out from under my sink, and I cannot stop it!",
			"Please close the tap under the sink or the main valve first. Can you reach it?",
			"Wait... yes, it is closed now.",
			"Good. What is the address, with floor and door code?",
			"Fourteen Mission Street, third floor, no code. It is {name}.",
			"Thank you, {name}. The team calls you back within minutes.",
			"Please hurry.",
		},
	},
	{
		outcome: "completed", reason: "customer-ended-call", resolution: "pending", sentiment: "neutral", priority: "high",
		summary: "{name} would like a quote for a new bathroom.",
		wanted:  "a quote",
		said: []string{
			"Rivera Plumbing, hello. Is this about a repair or a quote?",
			"A quote. We want a walk-in shower in place of the bathtub.",
			"With pleasure. Is it a house or a flat, and by when should it be done?",
			"A flat, second floor, before {day} in three weeks.",
			"May I have your name, so that somebody calls you back about the measures?",
			"{name}. Afternoons are best.",
			"Noted, {name}. Goodbye!",
		},
	},
	{
		outcome: "completed", reason: "customer-ended-call", resolution: "resolved", sentiment: "positive", priority: "medium",
		summary: "{name} confirmed the visit for {day}.",
		wanted:  "to confirm a visit",
		said: []string{
			"Rivera Plumbing, hello. Is this about a repair or a quote?",
			"I only want to confirm that somebody comes on {day}.",
			"Yes, the boiler service at {time}. Will somebody be at home?",
			"Yes, I am. This is {name}.",
			"Confirmed, {name}. See you on {day}.",
		},
	},
	{
		outcome: "completed", reason: "customer-ended-call", resolution: "resolved", sentiment: "neutral", priority: "low",
		summary: "{name} asked what an hour costs.",
		wanted:  "a price",
		said: []string{
			"Rivera Plumbing, hello. Is this about a repair or a quote?",
			"How much is an hour of work, and do you charge the way?",
			"Our team calls back to agree on a price. May I take your name?",
			"No, thank you, I only wanted an idea.",
			"Of course. Goodbye!",
		},
	},
	{
		outcome: "transferred", reason: "assistant-forwarded-call", resolution: "escalated", sentiment: "negative",
		priority: "high",
		summary:  "{name}'s heating failed and was put through.",
		wanted:   "an urgent repair",
		said: []string{
			"Rivera Plumbing, hello. Is this about a repair or a quote?",
			"The heating is off since {day}, we have a baby here.",
			"I am sorry, {name} is it? Let me put you through to the team right away.",
			"Yes, please.",
		},
	},
	{
		outcome: "cancelled", reason: "customer-ended-call", resolution: "pending", priority: "medium",
		summary: "{name} hung up before anybody answered.",
	},
	{
		outcome: "no_answer", reason: "customer-did-not-answer", resolution: "pending", priority: "low",
		summary: "{name} could not be reached.", outbound: true,
	},
}

var (
	firstNames = []string{"Priya", "Noah", "Zoé", "Liam", "Amara", "Camille", "Mateo", "Ingrid", "Kofi",
		"Hana", "Lucía", "Oskar", "Fatou", "Ravi", "Élodie", "Tomás"}
	lastNames = []string{"Raman", "Keller", "Dubois", "Okafor", "Lindqvist", "Moreau", "Silva", "Novak",
		"Haddad", "Tanaka", "O'Neill", "Garcia", "Mbeki", "Roy", "Fischer", "Costa"}
	times = []string{"half past eight", "nine thirty", "eleven o'clock", "a quarter past two",
		"three forty", "five o'clock"}
	days     = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}
	services = []string{"cleaning", "check-up", "whitening", "filling", "crown fitting", "consultation"}
	details  = []string{
		"I only moved here last month.", "My daughter comes along.", "I can park nearby, right?",
		"I was at your café corner last time.", "It is for my husband.",
		"I would prefer Doctor Marlow.", "The afternoon is better for me.", "I am allergic to latex.",
		"I have an old x-ray I can bring.", "Please send me a message to confirm.",
	}
)
