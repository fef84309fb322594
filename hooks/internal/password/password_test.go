package password

import (
	"strings"
	"testing"
)

func TestWeak_knows_what_is_tried_first(t *testing.T) {
	const email, name = "ann.owner@harbour-dental.example", "Ann Owner"
	for password, want := range map[string]string{
		"password1234": whyCommon, "PassWord1234": whyCommon, "1234password": whyCommon, "P@ssw0rd2026!": whyCommon,
		"pa$$word....1": whyCommon, "password-123-": whyCommon, "passwordpassword": whyCommon,
		"Password1Password1": whyCommon,
		"letmein123456":      whyCommon, "iloveyou2026!": whyCommon, "qwertyuiop123": whyCommon, "azertyuiop12": whyCommon,
		"123456789012": whyCommon, "210987654321": whyCommon, "aaaaaaaaaaaa": whyCommon, "abcabcabcabc": whyCommon,
		"abcdefghijkl": whyCommon, "qwerty asdfgh": whyCommon, "11112222333344": whyCommon, "123123123123": whyCommon,
		"administrator": whyCommon, "welcomemaster": whyCommon, "ｐａｓｓｗｏｒｄ１２３４": whyCommon, "1qaz2wsx3edc": whyCommon,
		"            password": whyCommon,

		"ann.owner@harbour-dental.example": whyOwn, "ANN.OWNER@Harbour-Dental.example": whyOwn, "ann.owner2026": whyOwn,
		"AnnOwner1234": whyOwn, "owner-ann-12": whyOwn, "harbourdental1": whyOwn, "Pocketline2026": whyOwn,
		"pocketline pocketline": whyOwn, "p0cketl1ne!!!": whyOwn, "pocketlinepassword": whyOwn, "ann.owner@1": whyOwn,

		"correct horse 9": "", "a long password": "", "demo-front-desk": "", "another long one": "", "operator-of-tests": "",
		"known to Mallory":         "",
		"a-password-for-the-bench": "", "Ann likes green tea": "", "tr0ub4dor&3-x9": "", "8f3k-29dm-qpx7": "",
		"пароль для стола": "", "馬は正しい電池の留め金です": "",
		"field-root-12345": "", "489201773356": "", "": "", strings.Repeat("ab", 200): "",
	} {
		if got := Weak(password, email, name); got != want {
			t.Errorf("%q: got %q, want %q", password, got, want)
		}
	}
	if got := Weak("demo-front-desk", "owner@demo.pocketline.test", "Robin Marlow"); got != "" {
		t.Errorf("the demonstration's: %q", got)
	}
}

func FuzzWeak(f *testing.F) {
	for _, text := range []string{"password1234", "", "\xff", "ﬀ", "aaaa", "ann@x.test"} {
		f.Add(text, text, text)
	}
	f.Fuzz(func(_ *testing.T, password, email, name string) { Weak(password, email, name) })
}
