package password

import (
	"strings"
	"testing"
)

func TestWeak_knows_what_is_tried_first(t *testing.T) {
	const email, name = "ann.owner@harbour-dental.example", "Ann Owner"
	for password, want := range map[string]string{
		"password1234": passwordCommon, "PassWord1234": passwordCommon, "1234password": passwordCommon, "P@ssw0rd2026!": passwordCommon,
		"pa$$word....1": passwordCommon, "password-123-": passwordCommon, "passwordpassword": passwordCommon, "Password1Password1": passwordCommon,
		"letmein123456": passwordCommon, "iloveyou2026!": passwordCommon, "qwertyuiop123": passwordCommon, "azertyuiop12": passwordCommon,
		"123456789012": passwordCommon, "210987654321": passwordCommon, "aaaaaaaaaaaa": passwordCommon, "abcabcabcabc": passwordCommon,
		"abcdefghijkl": passwordCommon, "qwerty asdfgh": passwordCommon, "11112222333344": passwordCommon, "123123123123": passwordCommon,
		"administrator": passwordCommon, "welcomemaster": passwordCommon, "ｐａｓｓｗｏｒｄ１２３４": passwordCommon, "1qaz2wsx3edc": passwordCommon,
		"            password": passwordCommon,

		"ann.owner@harbour-dental.example": passwordOwn, "ANN.OWNER@Harbour-Dental.example": passwordOwn, "ann.owner2026": passwordOwn,
		"AnnOwner1234": passwordOwn, "owner-ann-12": passwordOwn, "harbourdental1": passwordOwn, "Pocketline2026": passwordOwn,
		"pocketline pocketline": passwordOwn, "p0cketl1ne!!!": passwordOwn, "pocketlinepassword": passwordOwn, "ann.owner@1": passwordOwn,

		"correct horse 9": "", "a long password": "", "demo-front-desk": "", "another long one": "", "operator-of-tests": "", "known to Mallory": "",
		"a-password-for-the-bench": "", "Ann likes green tea": "", "tr0ub4dor&3-x9": "", "8f3k-29dm-qpx7": "", "пароль для стола": "", "馬は正しい電池の留め金です": "",
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
