package hooks_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// The server's sentences are English; the dashboard shows those it knows in
// French. These tests read the sources for sentences and compare them with the
// catalogue, so that neither side runs ahead of the other.
const frenchSentences = "../ui/src/locales/server/fr.json"

// unseen are files whose sentences no person meets in the dashboard, or meets
// in words that are not this catalogue's.
var unseen = map[string]string{
	"internal/accountmail/letters.go": "mails, in both languages",
	"assistants/vapi.go":              "prompts: the model reads them",
	"assistants/outputs.go":           "prompts: the model reads them",
	"calls/answer.go":                 "spoken to callers, in both languages",
	"calls/vapi_answer.go":            "told to the assistant during a call",
	"calls/fold/apply.go":             "marks in a transcript",
	"calls/tools/tools.go":            "told to the assistant during a call",
	"internal/inbox/receive.go":       "answers to providers",
	"internal/schedule/command.go":    "command line",
	"notifications/words.go":          "mails, in both languages",
	"privacy/compliance.go":           "a document, in English",
	"orgs/mail.go":                    "mails, in both languages",
	"internal/chain/chain.go":         "why each middleware stands where it does",
	"internal/audit/chain.go":         "what the command audit verify finds",
	"internal/sealed/reseal.go":       "what the command rotate-key finds",
	"rotate.go":                       "what the command rotate-key says",
	"internal/audit/command.go":       "what it prints",
	"supabase/supabase.go":            "read by the pages of the old system, never by the dashboard",
	"system/mailcheck.go":             "the dashboard has words of its own for each outcome's code",
}

// untold are single sentences no person meets in the dashboard.
var untold = []string{
	"{} is in {} as well", // of a start, in the terminal
	"{}: {} cannot be read ({}). Nothing was changed, and nothing of it had begun: remove {}, start the server with the data " +
		"from before, and restore again", // the same
	"{}: {} cannot be read ({}). Nothing was changed. What it had moved aside lies in {}, if anything: keep a copy of {}, " +
		"move what is in {} back to where it was, in the place of what has the same name, remove {}, start the server with " +
		"the data from before, and restore again",
	"{} is a folder, where the file of the request log belongs: remove it, a new file is made", // the same
	// Said to programs whose body is no JSON; the dashboard's is.
	"It is JSON of another kind: an object begins with {", "The field {} stands there twice",
	"It ends before the object does", "It is not JSON from byte {} on",
	"Account created. Please log in", // documented answer of a route the dashboard reads by its fields
	"An organization you belong to",  // begins a sentence the catalogue holds
	"No session",                     // beside "Not authenticated"
	// For whoever writes programs: no page of ours asks so.
	"Filters and sorts of {} cannot use {}",
	"A topic can expand {} relations of the row itself",
	"The fields of a topic can name fields and what is expanded, not what is in a field",
	"The parameter fields of a change can name fields and what is expanded, not what is in a field",
	"The parameter {} {}",
	"The query string has more than {} parameters",
	"The query string is longer than {} KB",
	"{} is not known here and was ignored",
	"Vous répondez au téléphone pour {}. {}", // a prompt
	"You answer the phone of {}. {}",         // a prompt
	"{} after {} {}: {}",                     // a log
	// Health and metrics speak to whoever runs the program.
	"{} messages wait to be applied again, the first for {}",
	"{} of {} refused in five minutes",
	"{} of {} messages of providers were refused in five minutes",
	"{} of {} failed in five minutes",
	"{} was damaged: a new one is made, the request log begins anew",
	"{}; the log says why",
	"{}; the first has been due for {}",
	"All checks pass.\n",
	"{} was damaged: a new one is made, the request log begins anew", // the terminal
}

// spelledOut are sentences whose varying part is one of few words: the
// catalogue holds a sentence for each.
var spelledOut = []string{
	"Must be {}",
	"This assistant answers {}. Assign another assistant first, or delete it anyway: nobody answers there then",
}

// weekday is what hours of one day are put behind.
var weekday = regexp.MustCompile(`^(Mon|Tue|Wed|Thu|Fri|Sat|Sun): \{\}$`)

// pocketbaseUntold are answers of PocketBase's record routes that the dashboard
// never causes.
var pocketbaseUntold = []string{
	"All superusers are verified by default",
	"All superusers can change their emails directly",
	"Failed to read MFA Id",
	"Invalid token payload - newEmail must be set",
	"Missing email token claim",
	"Only superusers can filter by {}",
	"The provided token is for different auth collection",
	"The record email doesn't match with the requested token claims",
	"Unsupported collection type",
	"You can't delete the only existing superuser",
}

// shown are the answers whose sentence the dashboard shows; for the others
// (signed out, not there, the server's own trouble) it has better words.
var shown = []string{"BadRequestError", "ForbiddenError", "TooManyRequestsError", "NewApiError", "NewError"}

// documented are fields of literals that describe, for docs and commands.
var documented = []string{"Summary", "Body", "Answer", "Errors", "Query", "Message", "Short", "Long", "Use", "Example"}

// sentence is a text for people: parts that vary are {}.
type sentence struct {
	text, at string
	by       string // the call that answers with it, if it is one of those
}

// verb is one of fmt's, or one of PocketBase's parameters.
var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]|\{\{\.\w+\}\}`)

// template writes down what an expression says, {} for what is only known when
// the program runs; ok when it says anything.
func template(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ = strconv.Unquote(e.Value)
			return text, true
		}
	case *ast.ParenExpr:
		return template(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			left, a := template(e.X)
			right, b := template(e.Y)
			return left + right, a || b
		}
	case *ast.CallExpr:
		if name := called(e); name == "Sprintf" || name == "Errorf" {
			text, ok := template(e.Args[0])
			return verb.ReplaceAllString(text, "{}"), ok
		}
	}
	return "{}", false
}

// logs tells e.Logger().Error("what", …) from e.Error(status, "sentence").
func logs(e *ast.CallExpr) bool {
	_, text := e.Args[0].(*ast.BasicLit)
	return text
}

// called is the last name of what a call calls.
func called(e *ast.CallExpr) string {
	switch f := e.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// plain is how sentences are compared: the server ends some with a dot and
// begins them with a capital on the way out.
func plain(text string) string {
	text = strings.TrimSuffix(verb.ReplaceAllString(text, "{}"), ".")
	text = strings.ReplaceAll(text, "{}{}", "{}")
	runes := []rune(text)
	if len(runes) > 0 {
		runes[0] = unicode.ToUpper(runes[0])
	}
	return string(runes)
}

var (
	// code is SQL, also the end of a statement, a method with its path, a variable's name.
	code = regexp.MustCompile(`^(\{\} ?)?[A-Z][A-Z0-9_-]+\b`)
	told = regexp.MustCompile(` successfully$|^Bearer |^Key: `)
)

// spoken tells whether a text looks like a sentence wherever it stands.
func spoken(text string) bool {
	if strings.HasPrefix(text, "{}") { // a name comes first
		return strings.Count(text, " ") > 3 && !code.MatchString(text)
	}
	first := []rune(text + " ")[0]
	return unicode.IsUpper(first) && strings.Contains(strings.TrimSpace(text), " ") && !code.MatchString(text) &&
		!told.MatchString(text)
}

// sentencesOf reads the sentences of a file. Where people are answered (what
// only answers them is called so) any text counts, elsewhere what begins with a
// capital and has two words; an error that ends with a dot is for a person too.
func sentencesOf(t *testing.T, file string) (found []sentence, literals []string) {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr, text string) {
		found = append(found, sentence{text: plain(text), at: set.Position(e.Pos()).String()})
	}
	// answered adds a text that people are answered, whatever it looks like.
	answered := func(by string, e ast.Expr) {
		if text, ok := template(e); ok && strings.ContainsFunc(text, unicode.IsLetter) {
			found = append(found, sentence{plain(text), set.Position(e.Pos()).String(), by})
		}
	}
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && slices.Contains(documented, key.Name) {
				return false
			}
		case *ast.AssignStmt:
			if index, ok := n.Lhs[0].(*ast.IndexExpr); ok && len(n.Rhs) == 1 {
				if of, ok := index.X.(*ast.Ident); ok && (of.Name == "reasons" || of.Name == "missing") {
					answered("reasons", n.Rhs[0])
				}
			}
		case *ast.CallExpr:
			switch name := called(n); name {
			case "Println", "Printf", "Fprintln", "Fprintf", "Fprint", "Document":
				return false
			case "BadRequestError", "ForbiddenError", "NotFoundError", "TooManyRequestsError", "UnauthorizedError",
				"InternalServerError":
				answered(name, n.Args[0])
			case "NewApiError", "NewError", "refuse", "wrong":
				if len(n.Args) > 1 {
					answered(name, n.Args[1])
				}
			case "Invalid":
				ast.Inspect(n, func(n ast.Node) bool {
					if pair, ok := n.(*ast.KeyValueExpr); ok {
						answered(name, pair.Value)
					}
					return true
				})
			case "Error":
				if len(n.Args) > 1 && !logs(n) {
					answered(name, n.Args[1])
					for _, details := range n.Args[2:] {
						ast.Inspect(details, func(n ast.Node) bool {
							if pair, ok := n.(*ast.KeyValueExpr); ok {
								answered(name, pair.Value)
							}
							return true
						})
					}
				}
			case "New", "Errorf":
				if len(n.Args) > 0 {
					if text, ok := template(n.Args[0]); ok && strings.HasSuffix(text, ".") {
						add(n, text)
					}
				}
			}
			if text, ok := template(n); ok {
				if spoken(text) {
					add(n, text)
				}
				for _, arg := range n.Args[1:] {
					ast.Inspect(arg, visit)
				}
				return false
			}
		case *ast.BinaryExpr:
			if text, ok := template(n); ok {
				if spoken(text) {
					add(n, text)
				}
				return false
			}
		case *ast.BasicLit:
			if text, ok := template(n); ok {
				literals = append(literals, text)
				if spoken(text) {
					add(n, text)
				}
			}
		}
		return true
	}
	ast.Inspect(tree, visit)
	return found, literals
}

// catalogue is the French side, as the dashboard reads it.
type catalogue struct {
	Sentences, Pocketbase, Words map[string]string
}

var gap = regexp.MustCompile(`\{\d+\}`)

// inEnglish is a catalogue's sentence as the collected ones are written.
func inEnglish(english string) string { return plain(gap.ReplaceAllString(english, "{}")) }

func readCatalogue(t *testing.T) catalogue {
	t.Helper()
	raw, err := os.ReadFile(frenchSentences)
	if err != nil {
		t.Fatal(err)
	}
	var c catalogue
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// ourSentences reads all sources below hooks, and the literals of those, of what
// is stored and of what is offered.
func ourSentences(t *testing.T) (found []sentence, literals []string) {
	t.Helper()
	for _, root := range []string{".", "../collections", "../providers/catalog"} {
		err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (slices.Contains([]string{"testdata", "demo"}, d.Name()) || kits["hooks/internal/"+d.Name()]):
				return fs.SkipDir
			case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
				return nil
			}
			sentences, texts := sentencesOf(t, file)
			literals = append(literals, texts...)
			if root == "." && unseen[filepath.ToSlash(file)] == "" {
				found = append(found, sentences...)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range refusal.Table() {
		found = append(found, sentence{text: inEnglish(r.English), at: "the refusal " + r.Name})
	}
	return found, literals
}

// fits turns a collected sentence into the pattern of what it can become.
func fits(text string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(text), `\{\}`, ".+") + ")$")
}

func TestSentences_people_meet_have_a_translation(t *testing.T) {
	c := readCatalogue(t)
	routes, err := os.ReadFile("../docs/routes.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, line := range strings.Split(string(routes), "\n") { // what describes a route
		known[plain(line)] = true
	}
	var keys []string
	for english := range c.Sentences {
		keys = append(keys, inEnglish(english))
		known[inEnglish(english)] = true
	}
	for english := range c.Pocketbase {
		known[inEnglish(english)] = true
	}
	for _, text := range untold {
		known[text] = true
	}
	for _, text := range spelledOut {
		known[text] = slices.ContainsFunc(keys, fits(text).MatchString)
	}
	found, _ := ourSentences(t)
	if len(found) < 250 {
		t.Fatalf("only %d sentences were found: the reader has lost its way", len(found))
	}
	for _, s := range found {
		if !known[s.text] {
			t.Errorf("%s: %q is not in %s; translate it, or list it in untold when nobody sees it in the dashboard",
				s.at, s.text, frenchSentences)
		}
	}
}

func TestSentences_the_catalogue_holds_are_still_said(t *testing.T) {
	c := readCatalogue(t)
	found, literals := ourSentences(t)
	said, varying := map[string]bool{}, []*regexp.Regexp{}
	for _, s := range found {
		said[s.text] = true
		if slices.Contains(spelledOut, s.text) || strings.HasPrefix(s.text, "{} ") {
			varying = append(varying, fits(s.text))
		}
	}
	for english := range c.Sentences {
		text := inEnglish(english)
		if !said[text] && !weekday.MatchString(text) &&
			!slices.ContainsFunc(varying, func(p *regexp.Regexp) bool { return p.MatchString(text) }) {
			t.Errorf("nothing says %q any more: take it out of %s", english, frenchSentences)
		}
	}
	for word := range c.Words {
		if !slices.Contains(literals, word) && !slices.Contains(literals, strings.ReplaceAll(word, " ", "_")) {
			t.Errorf("the word %q stands in no source any more: take it out of %s", word, frenchSentences)
		}
	}
	for _, text := range slices.Concat(untold, spelledOut) {
		if !said[text] {
			t.Errorf("nothing says %q any more: take it out of this test", text)
		}
	}
	for file := range unseen {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("unseen: %v", err)
		}
	}
}

// PocketBase answers people too: where they sign in, and where they store.
func TestSentences_of_PocketBase_are_its_own(t *testing.T) {
	c := readCatalogue(t)
	said, answers := map[string]bool{}, []sentence{}
	for _, name := range []string{
		"github.com/pocketbase/pocketbase/apis", "github.com/pocketbase/pocketbase/core",
		"github.com/pocketbase/pocketbase/core/validators",
		"github.com/pocketbase/pocketbase/forms", "github.com/pocketbase/pocketbase/tools/router",
		"github.com/pocketbase/ozzo-validation/v4", "github.com/pocketbase/ozzo-validation/v4/is",
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.Dir}}{{range .GoFiles}}{{"\n"}}{{.}}{{end}}`,
			name).Output()
		if err != nil {
			t.Fatal(name, err)
		}
		files := strings.Split(strings.TrimSpace(string(out)), "\n")
		for _, file := range files[1:] {
			sentences, literals := sentencesOf(t, filepath.Join(files[0], file))
			for _, s := range sentences {
				said[s.text] = true
				if strings.HasPrefix(file, "record_") && strings.HasSuffix(name, "/apis") && slices.Contains(shown, s.by) {
					answers = append(answers, s)
				}
			}
			for _, text := range literals {
				said[plain(text)] = true
			}
		}
	}
	for english := range c.Pocketbase {
		if !said[inEnglish(english)] {
			t.Errorf("PocketBase does not say %q: take it out of %s", english, frenchSentences)
		}
	}
	for _, text := range pocketbaseUntold {
		if !said[text] {
			t.Errorf("PocketBase does not say %q any more: take it out of this test", text)
		}
	}
	known := map[string]bool{}
	for english := range c.Pocketbase {
		known[inEnglish(english)] = true
	}
	for english := range c.Sentences {
		known[inEnglish(english)] = true
	}
	for _, s := range answers {
		if !known[s.text] && !slices.Contains(pocketbaseUntold, s.text) {
			t.Errorf("%s: %q is not in %s; translate it, or list it in pocketbaseUntold", s.at, s.text, frenchSentences)
		}
	}
}

func TestSentences_are_read_from_every_way_of_saying_them(t *testing.T) {
	file := filepath.Join(t.TempDir(), "said.go")
	source := `package said
const last = "The last one. Choose another."
func f() {
	re.BadRequestError("one", err)
	re.Error(http.StatusConflict, "two "+name+" three", map[string]string{"a": "four"})
	refusal.Invalid(map[string]string{"a": "Five"})
	validation.NewError("code", fmt.Sprintf("at least %d", n))
	reasons["x"] = "Six"
	errors.New("seven is told.")
	errors.New("kept for the log")
	app.Logger().Error("for the log", "error", "err")
	app.DB().NewQuery("SELECT a FROM b")
	facade.Route{Summary: "Tells nobody anything."}
	return name + " asks for a second factor."
}`
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	found, _ := sentencesOf(t, file)
	var got []string
	for _, s := range found {
		got = append(got, s.text)
	}
	slices.Sort(got)
	got = slices.Compact(got)
	want := []string{"At least {}", "Five", "Four", "One", "Seven is told", "Six", "The last one. Choose another",
		"Two {} three", "{} asks for a second factor"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Where a sentence or a document sends somebody to a page of the settings, the page
// bears that name there.
func TestSentences_name_pages_of_the_settings_as_the_menu_does(t *testing.T) {
	pages := map[string]string{}
	for language, settings := range map[string]string{"en": "Settings", "fr": "Réglages"} {
		raw, err := os.ReadFile("../ui/src/locales/people/" + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var words struct {
			Settings struct {
				Nav map[string]string `json:"nav"`
			} `json:"settings"`
		}
		if err := json.Unmarshal(raw, &words); err != nil || len(words.Settings.Nav) == 0 {
			t.Fatalf("no names of pages in %s: %v", language, err)
		}
		for _, page := range words.Settings.Nav {
			pages[page] = settings
		}
	}
	pages["Backups"], pages["Mail"] = "Settings", "Settings" // of the operator's panel
	way := regexp.MustCompile(`\b(Settings|Réglages)(?: →| >|,) (\p{Lu}[\p{L}’ ]*)`)
	sources := []string{"../CHANGELOG.md", "../README.md", frenchSentences}
	for _, pattern := range []string{"../docs/*.md", "*/*.go", "internal/*/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, found...)
	}
	for _, path := range sources {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, match := range way.FindAllStringSubmatch(string(raw), -1) {
			known := false
			for page, settings := range pages {
				known = known || settings == match[1] && strings.HasPrefix(match[2], page)
			}
			if !known {
				t.Errorf("%s: there is no page %q", path, match[0])
			}
		}
	}
}
