package phone

import (
	"slices"
	"testing"
)

func TestSeek_reads_whole_numbers(t *testing.T) {
	for country, typed := range map[string][]string{
		"GB": {
			"+442079460018", "442079460018", "+44 20 7946 0018", "+44-20-7946-0018", "+44.20.7946.0018", "0044 20 7946 0018",
			"+44 (0)20 7946 0018",
			"020 7946 0018", "02079460018", "(020) 7946 0018", "tel:+442079460018", "+44 20 7946\u00a00018",
			"\u202a+442079460018\u202c", "+44/20/79460018",
			"٠٢٠٧٩٤٦٠٠١٨", "＋４４ ２０ ７９４６ ００１８", "020–7946–0018", "(+44) 20 7946 0018", "00442079460018", "011 44 20 7946 0018",
		},
		"US": {"+442079460018", "0044 20 7946 0018", "011 44 20 7946 0018"},
		"":   {"+442079460018", "442079460018", "0044 (0)20 7946 0018"},
	} {
		for _, text := range typed {
			if s, found := Seek(text, country); !found || !slices.Contains(s.Whole, "+442079460018") {
				t.Errorf("%q in %q: got %+v (%v)", text, country, s, found)
			}
		}
	}
}

func TestSeek_reads_parts(t *testing.T) {
	for _, one := range []struct{ typed, country, ending, beginning string }{
		{"020 7946", "GB", "207946", "+44207946"},
		{"(0)20 7946", "GB", "207946", "+44207946"},
		{"+44 20 7946", "GB", "", "+44207946"},
		{"+44 (0)20 7946", "GB", "", "+44207946"},
		{"0044 20 7946", "GB", "44207946", "+44207946"},
		{"06 12 34", "FR", "61234", "+3361234"},
		{"(415) 555", "US", "415555", "+1415555"},
		{"555-2671", "US", "5552671", "+15552671"},
		{"+4", "", "", "+4"},
		{"2671", "US", "2671", ""},
		{"0018", "US", "0018", ""},
	} {
		s, found := Seek(one.typed, one.country)
		if !found || s.Ending != one.ending || one.beginning != "" && !slices.Contains(s.Beginnings, one.beginning) ||
			one.beginning == "" && len(s.Beginnings) > 0 {
			t.Errorf("%q in %q: got %+v (%v)", one.typed, one.country, s, found)
		}
	}
}

func TestSeek_leaves_words_alone(t *testing.T) {
	for _, text := range []string{"", "+", "12", "order 48123456", `"48123456"`, "#48123456", "SW1A 1AA",
		"12:30 15", "120.50 €", "123456789012345678901", "bread"} {
		if s, found := Seek(text, "GB"); found {
			t.Errorf("%q: got %+v", text, s)
		}
	}
}
