package phone

import (
	"fmt"
	"strings"
	"testing"
)

func TestRead_gives_one_number_one_text(t *testing.T) {
	for _, tt := range []struct {
		country, want string
		spellings     []string
	}{
		{"US", "+14155552671", []string{
			"+14155552671", "14155552671", "4155552671", "(415) 555-2671", "415.555.2671", "1-415-555-2671", "+1 415-555-2671",
			"+1 (415) 555 2671", "0014155552671", "01114155552671", "011 1 415 555 2671", "+0014155552671", "++14155552671",
			"+ 1 415 555 2671",
			"tel:+14155552671", "TEL:+1-415-555-2671", "tel:+1-415-555-2671;ext=12", "tel:555-2671;phone-context=+1415",
			"tel://4155552671",
			"sip:+14155552671@sip.example.com", "sip:+14155552671@10.0.0.1:5060;user=phone",
			"SIPS:+14155552671@example.com;transport=tls",
			"sip:14155552671@example.com", "sip:4155552671@example.com;user=phone", "sip:%2B14155552671@example.com",
			"sip:+14155552671;npdi@example.com",
			`"Ann Lee" <sip:+14155552671@example.com>;tag=1928`, "<tel:+14155552671>", "+14155552671@example.com",
			"callto:+14155552671", "whatsapp:+14155552671",
			"\u202a+14155552671\u202c", "\u200e+1\u00a0415\u00a0555\u00a02671\u200f", "\ufeff+14155552671",
			"+1\u200b415\u200b555\u200b2671", "\u2066+14155552671\u2069",
			"+1\u2011415\u2013555\u20142671", "＋１４１５５５５２６７１", "（４１５）５５５－２６７１", "+١٤١٥٥٥٥٢٦٧١", "+۱۴۱۵۵۵۵۲۶۷۱", "+१४१५५५५२६७१",
			" +14155552671\n", "+1\t4155552671", "+14155552671\x00", "+1 415 555 2671 x12", "+1 415 555 2671 ext. 12",
			"+1/415/555/2671", "+1 415 555 2671",
		}},
		{"GB", "+442079460123", []string{
			"+442079460123", "442079460123", "02079460123", "020 7946 0123", "(020) 7946 0123", "+44 (0)20 7946 0123",
			"+4402079460123", "00442079460123",
			"0044 (0)20 7946 0123", "01144 20 7946 0123", "tel:020-7946-0123", "sip:02079460123@pbx.example.co.uk;user=phone",
		}},
		{"", "+442079460123", []string{"+442079460123", "442079460123", "00442079460123", "+44 (0) 20 7946 0123"}},
		{"GB", "+14155552671", []string{"14155552671", "0014155552671", "001 415 555 2671"}},
		{"US", "+442079460123", []string{"442079460123", "011442079460123", "00442079460123"}},
		{"IT", "+390612345678", []string{"+390612345678", "06 1234 5678", "+39 06 12345678", "0039 06 12345678"}},
		{"+493012345678", "+4930123456", []string{"030 123456"}}, // at home where its own number is
		{"DE", "+4930123456", []string{"030 123456", "+49 (0)30 123456", "+4930123456", "0049-30-123456"}},
		{"MX", "+525512345678", []string{"+525512345678", "55 1234 5678"}},
		// Not given out, but of the right length: kept as they are meant.
		{"US", "+15550001234", []string{"+15550001234", "15550001234", "5550001234", "(555) 000-1234", "0015550001234"}},
		{"US", "+18003569377", []string{"1-800-FLOWERS", "+1 800 356 9377"}},
	} {
		for _, spelling := range tt.spellings {
			if got := Read(spelling, tt.country); got != (Number{Telephone, tt.want}) {
				t.Errorf("%q in %q: got %v, want %s", spelling, tt.country, got, tt.want)
			}
		}
	}
}

func TestRead_knows_callers_who_hide(t *testing.T) {
	for want, spellings := range map[string][]string{
		Anonymous: {"Anonymous", "ANONYMOUS", "anonymous", "+266696687", "266696687", "00266696687", "+1266696687",
			"sip:anonymous@anonymous.invalid",
			"<sip:Anonymous@Anonymous.Invalid>", `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=7`,
			"sip:+266696687@10.0.0.1", "sip:c8oqz84@anonymous.invalid",
			"anonymous@anonymous.invalid", "tel:anonymous", "Anonymous Caller", "\u200eAnonymous", "Ａｎｏｎｙｍｏｕｓ", "Anonyme"},
		Restricted: {"Restricted", "+7378742833", "restricted", "sip:restricted@carrier.example"},
		Unknown: {"Unknown", "unknown caller", "+8656696", "+8566", "UNKNOWN NUMBER", "null", "0", "+0",
			"0000000000", "+10000000000", "sip:unknown@unknown.invalid", "n/a", "Unbekannt"},
		Unavailable: {"Unavailable", "+86282452253", "sip:unavailable@unknown.invalid", "Not available", "OUT-OF-AREA"},
		Private:     {"Private", "Private Number", "+7748283", "No Caller ID", "withheld", "Number withheld", "hidden"},
		Blocked:     {"Blocked", "+2562533", "Caller ID blocked", "BLOCKED"},
	} {
		for _, spelling := range spellings {
			got := Read(spelling, "US")
			if got != (Number{Hidden, want}) || got.Someone() {
				t.Errorf("%q: got %v, want hidden: %s", spelling, got, want)
			}
		}
	}
	for _, nothing := range []string{"", "  ", "\u200e", "\x00", "tel:", "sip:", "<>"} {
		if got := Read(nothing, "US"); got.Kind != None || got.Someone() {
			t.Errorf("%q: got %v, want nothing", nothing, got)
		}
	}
}

func TestRead_leaves_numbers_alone_that_spell_a_word(t *testing.T) {
	for _, number := range []string{"+17378742833", "(737) 874-2833"} { // Austin
		if got := Read(number, "US"); got != (Number{Telephone, "+17378742833"}) {
			t.Errorf("%q: got %v", number, got)
		}
	}
}

func TestRead_keeps_what_is_no_number(t *testing.T) {
	for spelling, want := range map[string]Number{
		"sip:Ann@Example.com":           {Address, "sip:ann@example.com"},
		"sip:ann@example.com:5060;lr":   {Address, "sip:ann@example.com"},
		"ann@example.com":               {Address, "sip:ann@example.com"},
		"sip:1001@pbx.example.com":      {Address, "sip:1001@pbx.example.com"},
		"sip:1001@pbx.example.com:5080": {Address, "sip:1001@pbx.example.com:5080"},
		"1001":                          {Other, "1001"},
		"911":                           {Other, "911"},
		"*67":                           {Other, "67"},
		"555-2671":                      {Other, "5552671"},
		"+12345":                        {Other, "+12345"},
		"Front Desk":                    {Other, "front desk"},
		"Known Caller":                  {Other, "known caller"},
		"caller":                        {Other, "caller"},
		"client:alice":                  {Other, "client:alice"},
		strings.Repeat("7", 40):         {Other, strings.Repeat("7", 40)},
	} {
		got := Read(spelling, "US")
		if got != want || !got.Someone() {
			t.Errorf("%q: got %v, want %v", spelling, got, want)
		}
	}
}

// What is stored reads as itself, so that a number may be read again.
func FuzzRead_of_a_reading_changes_nothing(f *testing.F) {
	for _, seed := range []string{
		"+14155552671", "(415) 555-2671", "sip:Ann@Example.com;x=1", "Anonymous", "+266696687", "011 44 20",
		"tel:7;phone-context=+1", "x1001", "+39 06 1",
		"<sip:a:b@c?d>", "\u202a0\u202c", "sip:sip:sip:", "a;b;c", "sip:%41@x", "0x0", "+00", "１", "unknown@",
	} {
		f.Add(seed, "US")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, text, country string) {
		if country != "" && country != "US" && country != "GB" {
			return
		}
		once := Read(text, country)
		if again := Read(once.Text, country); again != once {
			t.Errorf("%q in %q: read %v, read again %v", text, country, once, again)
		}
	})
}

func TestRegion(t *testing.T) {
	for number, want := range map[string]string{"+14155552671": "US", "+442079460123": "GB", "+18765551234": "JM",
		"anonymous": ""} {
		if got := Region(number); got != want {
			t.Errorf("%s: got %q, want %q", number, got, want)
		}
	}
}

func TestMemory_is_bounded(t *testing.T) {
	for n := range maxRemembered + 10 {
		Read(fmt.Sprintf("x%d", n), "")
	}
	if len(memory.known) > maxRemembered {
		t.Errorf("%d readings are remembered", len(memory.known))
	}
	Read(strings.Repeat("y", maxSpelling+1), "")
	if _, kept := memory.known[spelling{strings.Repeat("y", maxSpelling+1), ""}]; kept {
		t.Error("a long text is remembered")
	}
}

func BenchmarkRead(b *testing.B) {
	for name, text := range map[string]string{"plain": "+14155552671", "remembered": "+442079460123"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Read(text, "US")
			}
		})
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			read("+442079460123", "US")
		}
	})
}

// A caller of another country whose number came as it is dialled at home gets no
// country: +1 061… is nobody's.
func TestRead_invents_no_country_for_a_number_that_cannot_be_one_there(t *testing.T) {
	for _, c := range []struct{ home, text, want string }{
		{"US", "0612345678", "0612345678"}, {"US", "06 12 34 56 78", "0612345678"}, {"CA", "0123456789", "0123456789"},
		{"+14155552671", "0612345678", "0612345678"}, {"FR", "0612345678", "+33612345678"},
		{"US", "+33612345678", "+33612345678"},
		{"", "0612345678", "0612345678"},
	} {
		got := Read(c.text, c.home)
		if got.Text != c.want || !got.Someone() {
			t.Errorf("%s at home in %q: got %+v, want %s", c.text, c.home, got, c.want)
		}
	}
}
