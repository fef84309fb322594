package accountmail

// Pages of the dashboard that take the token of a link.
const (
	AcceptInvitePage = "/accept-invite"
	ConfirmEmailPage = "/confirm-email"
	ResetPage        = "/reset"
	VerifyPage       = "/verify"
)

// Link leads to a page with a token in the fragment, the part of an address that
// browsers send to no server: neither logs nor proxies nor other sites see it.
// base is our own address from the settings, without a slash at the end.
func Link(base, page, token string) string { return base + page + "#token=" + token }

// letter is a mail of ours: its sentences, in which %s is the product's name.
type letter struct{ subject, what, button, why string }

var takenLetters = map[string]letter{
	"en": {
		"You have an account already",
		"Somebody, perhaps you, tried to begin an account at %s with this address. You have one.",
		"Sign in",
		"“Forgot password” on the sign-in page sends a link for a new password.",
	},
	"fr": {
		"Vous avez déjà un compte",
		"Quelqu’un, peut-être vous, a voulu ouvrir un compte %s avec cette adresse. Vous en avez déjà un.",
		"Se connecter",
		"« Mot de passe oublié » sur la page de connexion envoie un lien pour en choisir un autre.",
	},
}

var endedLetters = map[string]letter{
	"en": {
		"Choose a new password",
		"You proved to %s that this address is yours. The password the account had before that no longer works.",
		"Choose a new password",
		"Somebody who knew your address could have set it. The link works for half an hour; “Forgot password” on the sign-in page sends another.",
	},
	"fr": {
		"Choisissez un nouveau mot de passe",
		"Vous avez prouvé à %s que cette adresse est la vôtre. Le mot de passe que le compte avait avant ne fonctionne plus.",
		"Choisir un nouveau mot de passe",
		"Quelqu’un qui connaissait votre adresse a pu le choisir. Le lien est valable une demi-heure ; " +
			"« Mot de passe oublié » sur la page de connexion en envoie un autre.",
	},
}

var passwordLetters = map[string]letter{
	"en": {
		"Your password was changed",
		"The password of your %s account was changed.",
		"Sign in",
		"If that was not you, choose another one at once: “Forgot password” on the sign-in page sends a link.",
	},
	"fr": {
		"Votre mot de passe a été changé",
		"Le mot de passe de votre compte %s a été changé.",
		"Se connecter",
		"Si ce n’était pas vous, choisissez-en un autre tout de suite : « Mot de passe oublié » sur la page de connexion envoie un lien.",
	},
}

var addressLetters = map[string]letter{
	"en": {
		"The address of your account was changed",
		"Your %s account has another mail address now; this one no longer signs you in, and no more mail comes here.",
		"Sign in",
		"If that was not you, tell an owner of your organization, or whoever runs the installation, at once.",
	},
	"fr": {
		"L’adresse de votre compte a été changée",
		"L’adresse de votre compte %s est maintenant une autre ; celle-ci ne permet plus de se connecter et ne reçoit plus rien.",
		"Se connecter",
		"Si ce n’était pas vous, prévenez tout de suite un propriétaire de votre organisation ou l’exploitant de l’installation.",
	},
}

var resetLinkLetters = map[string]letter{
	"en": {
		"A link for a new password was made",
		"Whoever runs %s made a link with which a new password can be chosen for your account. It works for half an hour.",
		"Sign in",
		"If you did not ask for it, ask whoever runs the installation.",
	},
	"fr": {
		"Un lien pour un nouveau mot de passe a été créé",
		"L’exploitant de %s a créé un lien qui permet de choisir un nouveau mot de passe pour votre compte. Il est valable une demi-heure.",
		"Se connecter",
		"Si vous ne l’avez pas demandé, adressez-vous à l’exploitant de l’installation.",
	},
}

var verifyLinkLetters = map[string]letter{
	"en": {
		"A link that proves your address was made",
		"Whoever runs %s made a link with which your address counts as proved.",
		"Sign in",
		"If you did not ask for it, ask whoever runs the installation.",
	},
	"fr": {
		"Un lien pour confirmer votre adresse a été créé",
		"L’exploitant de %s a créé un lien qui permet de confirmer votre adresse.",
		"Se connecter",
		"Si vous ne l’avez pas demandé, adressez-vous à l’exploitant de l’installation.",
	},
}

var factorOffLetters = map[string]letter{
	"en": {
		"Your second factor was taken off",
		"Signing in to your %s account asks for no second factor any more.",
		"Sign in",
		"If you did not ask for it, choose a new password at once, and set a second factor up again under “Your account”.",
	},
	"fr": {
		"Votre second facteur a été retiré",
		"La connexion à votre compte %s ne demande plus de second facteur.",
		"Se connecter",
		"Si vous ne l’avez pas demandé, choisissez tout de suite un nouveau mot de passe et configurez à nouveau un second facteur dans « Votre compte ».",
	},
}

var factorLetters = map[string]letter{
	"en": {
		"Two-factor sign-in is on",
		"An authenticator app was set up for your account at %s. From now on signing in asks for its code.",
		"See the security of your account",
		"If that was not you, somebody knows your password: choose “Forgot password” on the sign-in page, " +
			"and ask an owner or the operator to take the second factor off.",
	},
	"fr": {
		"La connexion à deux facteurs est activée",
		"Une application d’authentification a été configurée pour votre compte %s. Désormais, la connexion demande son code.",
		"Voir la sécurité de votre compte",
		"Si ce n’était pas vous, quelqu’un connaît votre mot de passe : choisissez « Mot de passe oublié » sur la page de connexion " +
			"et demandez à un propriétaire ou à l’exploitant de retirer le second facteur.",
	},
}

// tookOff names who took a second factor off.
func tookOff(by, organization string) map[string]string {
	switch {
	case organization == "":
		return map[string]string{"en": "Whoever runs the installation took it off.",
			"fr": "L’exploitant de l’installation l’a retiré."}
	case by == "":
		return map[string]string{"en": "It was taken off for " + organization + ".",
			"fr": "Il a été retiré pour " + organization + "."}
	}
	return map[string]string{"en": by + " took it off for " + organization + ".",
		"fr": by + " l’a retiré pour " + organization + "."}
}

// words say what ended beside the password.
func (l Lost) words() []map[string]string {
	var all []map[string]string
	if l.Factor {
		all = append(all, map[string]string{"en": "Its second factor was taken off.",
			"fr": "Son second facteur a été retiré."})
	}
	if l.Keys {
		all = append(all, map[string]string{"en": "The API keys it had made ended.",
			"fr": "Les clés d’API qu’il avait créées ne fonctionnent plus."})
	}
	return all
}

// PocketBase's mails: %s in subject and sentence is the product's name.
var (
	stockResetLetters = map[string]letter{"fr": {
		"Votre nouveau mot de passe %s", "Vous pouvez choisir un nouveau mot de passe pour votre compte %s.",
		"Choisir un mot de passe",
		"Si vous n’avez rien demandé, ignorez cet e-mail : rien ne change.",
	}}
	stockVerifyLetters = map[string]letter{"fr": {
		"Confirmez votre adresse pour %s", "Confirmez que cette adresse est la vôtre pour votre compte %s.",
		"Confirmer l’adresse",
		"Si vous n’avez pas ouvert de compte, ignorez cet e-mail.",
	}}
	stockAddressLetters = map[string]letter{"fr": {
		"Confirmez votre nouvelle adresse pour %s", "Confirmez que cette adresse sera désormais celle de votre compte %s.",
		"Confirmer la nouvelle adresse",
		"Si vous n’avez rien demandé, ignorez cet e-mail : rien ne change.",
	}}
	stockCodeLetters = map[string]letter{"fr": {
		"Votre code pour %s", "Voici le code à usage unique pour vous connecter à %s.", "",
		"Si vous n’avez rien demandé, ignorez cet e-mail et ne donnez ce code à personne.",
	}}
)
