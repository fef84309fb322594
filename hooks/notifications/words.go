package notifications

// words are a language's sentences of these mails.
type words struct {
	hello  string // with the name, or ""
	about  string // of a subject: where, and what
	time   string // layout of a time
	zone   string // the time with its zone
	one    map[string]string
	many   map[string]string // with the number
	mixed  string            // with the number
	places string            // with the number of things and of organizations
	more   string            // with the number
	see    string            // the text of the link to what is not listed

	missed, missedOn string // who and when; with the line that was rung
	missedGone       string // the sentence before
	unknown          string // a caller without a number
	joined           string // name and role
	failed           map[string]string
	failedFor        string // the sentence before, and the provider's words
	device           string // what signed in, and when
	deviceEnd        string // what to do
	deviceLink       string
	end              string // of mails that can be turned off, with the minutes
	choose           string
	roles            map[string]string
}

var languages = map[string]words{
	"en": {
		hello: "Hello%s,", about: "%s: %s", time: "2 Jan 2006, 15:04", zone: "%s (%s)",
		one: map[string]string{MissedCall: "a missed call", MemberJoined: "a new member",
			SyncFailed: "a change did not reach the phone provider", NewDevice: "a sign-in from a new device"},
		many: map[string]string{MissedCall: "%d missed calls", MemberJoined: "%d new members",
			SyncFailed: "%d changes did not reach the phone provider",
			NewDevice:  "%d sign-ins from new devices"},
		mixed: "%d notices", places: "%d notices in %d organizations", more: "and %d more", see: "See all of them",
		missed: "Missed call from %s, %s", missedOn: "Missed call from %s to %s, %s",
		missedGone: "%s. The assistant was no longer at the phone provider as it should be: it is being sent there again.",
		unknown:    "a hidden number", joined: "%s joined as %s",
		failed: map[string]string{
			"assistants":    "The assistant “%s” could not be sent to the phone provider. Calls go on with what the provider has.",
			"functions":     "The function “%s” could not be sent to the phone provider. Calls go on with what the provider has.",
			"phone_numbers": "The number %s could not be sent to the phone provider. Calls go on with what the provider has.",
		},
		failedFor:  "%s The provider says: %s",
		device:     "Somebody signed in to your account from a device that was not used before: %s, %s.",
		deviceEnd:  "If it was you, there is nothing to do. If not, change your password and end that session.",
		deviceLink: "Where you are signed in",
		end:        "There is at most one such mail every %d minutes; what happens in between comes together. You choose what you hear of:",
		choose:     "Your notifications",
		roles: map[string]string{"owner": "owner", "admin": "administrator", "manager": "manager", "agent": "agent",
			"viewer": "viewer", "developer": "developer"},
	},
	"fr": {
		hello: "Bonjour%s,", about: "%s : %s", time: "02/01/2006 à 15:04", zone: "%s (%s)",
		one: map[string]string{MissedCall: "un appel manqué", MemberJoined: "un nouveau membre",
			SyncFailed: "une modification n’est pas arrivée chez le fournisseur téléphonique",
			NewDevice:  "une connexion depuis un nouvel appareil"},
		many: map[string]string{MissedCall: "%d appels manqués", MemberJoined: "%d nouveaux membres",
			SyncFailed: "%d modifications ne sont pas arrivées chez le fournisseur téléphonique",
			NewDevice:  "%d connexions depuis de nouveaux appareils"},
		mixed: "%d notifications", places: "%d notifications dans %d organisations", more: "et %d de plus", see: "Tout voir",
		missed: "Appel manqué de %s, le %s", missedOn: "Appel manqué de %s vers %s, le %s",
		missedGone: "%s. L’assistant n’était plus chez le fournisseur téléphonique comme il devait l’être : il y est envoyé de nouveau.",
		unknown:    "un numéro masqué", joined: "%s a rejoint l’équipe avec le rôle « %s »",
		failed: map[string]string{
			"assistants":    "L’assistant « %s » n’a pas pu être transmis au fournisseur téléphonique. Les appels continuent avec ce que le fournisseur connaît.",
			"functions":     "La fonction « %s » n’a pas pu être transmise au fournisseur téléphonique. Les appels continuent avec ce que le fournisseur connaît.",
			"phone_numbers": "Le numéro %s n’a pas pu être transmis au fournisseur téléphonique. Les appels continuent avec ce que le fournisseur connaît.",
		},
		failedFor:  "%s Réponse du fournisseur : %s",
		device:     "Quelqu’un s’est connecté à votre compte depuis un appareil jamais utilisé : %s, le %s.",
		deviceEnd:  "Si c’était vous, il n’y a rien à faire. Sinon, changez votre mot de passe et fermez cette session.",
		deviceLink: "Où vous êtes connecté",
		end:        "Vous recevez au plus un e-mail de ce type toutes les %d minutes ; ce qui se passe entre-temps est regroupé. Vous choisissez ce qui vous est signalé :",
		choose:     "Vos notifications",
		roles: map[string]string{"owner": "propriétaire", "admin": "administrateur", "manager": "responsable",
			"agent": "agent", "viewer": "lecteur", "developer": "développeur"},
	},
}

// wordsFor are the words of a person's language, else of the organization's.
func wordsFor(chosen ...string) words {
	for _, language := range chosen {
		if w, ok := languages[language]; ok {
			return w
		}
	}
	return languages["en"]
}
