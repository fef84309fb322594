package demo

// script is an assistant of the demonstration.
type script struct {
	name, description, language, prompt, greeting, goodbye, personality, voiceProvider, voice string
}

var frontDesk = script{
	name: "Front desk", description: "Answers the main line, books and moves appointments, gives prices.", language: "en",
	prompt: `You answer the phone for Marlow Dental, a practice with two dentists. Be brief and friendly; one question at a time.
Opening hours: Monday to Friday, 8:30 to 18:00. Address: 12 Harbour Street.
Prices: check-up 60 dollars, cleaning 90 dollars, whitening 240 dollars.
Book, move and cancel appointments with the functions you have. Never promise a time you have not checked.
If somebody is in pain or upset, offer to put them through to the practice.`,
	greeting: "Marlow Dental, good morning. How can I help?", goodbye: "Thank you for calling Marlow Dental. Goodbye!",
	personality: "Calm, warm, quick.", voiceProvider: "vapi", voice: "Elliot",
}

var accueil = script{
	name: "Accueil", description: "Répond sur la ligne française : rendez-vous et tarifs.", language: "fr",
	prompt: `Vous répondez au téléphone du cabinet dentaire Marlow, deux praticiens. Soyez bref et chaleureux, une question à la fois.
Horaires : du lundi au vendredi, de 8 h 30 à 18 h. Adresse : 12, rue du Port.
Tarifs : consultation 60 euros, détartrage 90 euros, blanchiment 240 euros.
Prenez, déplacez et annulez les rendez-vous avec les fonctions dont vous disposez. Ne promettez jamais un horaire sans l'avoir vérifié.
Si la personne souffre ou se fâche, proposez de lui passer le cabinet.`,
	greeting: "Cabinet dentaire Marlow, bonjour. Comment puis-je vous aider ?", goodbye: "Merci de votre appel. Au revoir !",
	personality: "Calme, chaleureuse, efficace.", voiceProvider: "11labs", voice: "sarah",
}

// tool is a function of the demonstration's business.
type tool struct {
	name, description string
	parameters        map[string]any
}

func text(description string) map[string]any {
	return map[string]any{"type": "string", "description": description}
}

func schema(required []string, properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

var tools = []tool{
	{"check_availability", "Looks up free times on a day.", schema([]string{"date"}, map[string]any{
		"date":      text("The day, as 2026-11-20"),
		"partOfDay": map[string]any{"type": "string", "enum": []string{"morning", "afternoon"}},
		"service":   text("What the appointment is for"),
	})},
	{"book_appointment", "Books a free time.", schema([]string{"name"}, map[string]any{
		"slotId": text("The time, as 2026-11-20T09:30"), "date": text("The day, as 2026-11-20"), "time": text("The time, as 09:30"),
		"name": text("The caller's name"), "phone": text("The caller's number"), "service": text("What the appointment is for"),
	})},
	{"get_price", "Gives the price of a service.", schema([]string{"service"}, map[string]any{"service": text("The service, as the caller named it")})},
}
