package identity

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
