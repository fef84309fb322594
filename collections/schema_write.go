package collections

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations" // a scratch database needs PocketBase's own tables
)

// Where the generated files stand, from the repository's root.
const (
	stepsDir   = "pb_migrations"
	hashesFile = "pb_migrations/released.sha256"
	typesFile  = "ui/src/lib/pb-types.gen.ts"
	rulesFile  = "collections/testdata/rules.golden"
	accessFile = "docs/access.md"
	grantsFile = "ui/src/lib/rules.gen.ts"
)

var (
	stepName     = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	numberedName = regexp.MustCompile(`^([0-9]{10})_([a-z][a-z0-9_]*)$`)
)

// Write compares All() with the database that the steps linked into this
// program produce, and writes the difference as one step below root, the
// repository's directory. It also rewrites what is generated from All().
//
// name is a few words in snake_case; a ten-digit number before it is kept as
// the step's place. The name of the newest step replaces that step: do so only
// while nobody has run it. The path is empty when nothing differs.
func Write(root, name string) (path string, err error) {
	files, err := stepFiles(root)
	if err != nil {
		return "", err
	}
	file, replaced, err := stepFile(files, name, time.Now())
	if err != nil {
		return "", err
	}
	if replaced {
		files = files[:len(files)-1]
	}
	app, remove, err := scratch(files)
	if err != nil {
		return "", err
	}
	defer remove()
	step, err := Pending(app)
	if err != nil {
		return "", err
	}
	if !step.Empty() {
		raw, err := encode(step)
		if err != nil {
			return "", err
		}
		path = filepath.Join(root, stepsDir, file)
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			return "", err
		}
		if err := writeHash(root, file, raw); err != nil {
			return "", err
		}
	}
	return path, Generate(root)
}

// Pending says what a database still lacks to be what All() and Statements()
// define. It is empty when the steps and the definitions agree.
func Pending(app core.App) (Step, error) {
	stored, err := app.FindAllCollections()
	if err != nil {
		return Step{}, fmt.Errorf("read the database's collections: %w", err)
	}
	step, err := Diff(stored, All())
	if err != nil {
		return Step{}, err
	}
	step.DropSQL, step.SQL, err = diffSQL(app, Statements())
	return step, err
}

// Generate rewrites the files printed from All(): the dashboard's types, the
// golden rules and the page about access.
func Generate(root string) error {
	generated, err := Generated()
	if err != nil {
		return err
	}
	for name, content := range generated {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// scratch is an app on an empty directory with exactly these steps applied.
func scratch(files []string) (core.App, func(), error) {
	var steps core.MigrationsList
	for _, m := range core.AppMigrations.Items() {
		if slices.Contains(files, m.File) {
			steps.Add(m)
		}
	}
	if n := len(steps.Items()); n != len(files) {
		return nil, nil, fmt.Errorf("this program has %d of the %d steps: build it again", n, len(files))
	}
	dir, err := os.MkdirTemp("", "schema")
	if err != nil {
		return nil, nil, err
	}
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: dir})
	remove := func() {
		app.ClearBootstrap()
		os.RemoveAll(dir)
	}
	if err := app.Bootstrap(); err != nil {
		remove()
		return nil, nil, err
	}
	if err := app.RunSystemMigrations(); err != nil {
		remove()
		return nil, nil, err
	}
	if _, err := core.NewMigrationsRunner(app, steps).Up(); err != nil {
		remove()
		return nil, nil, err
	}
	return app, remove, nil
}

// stepFiles are the names of the steps below root, oldest first.
func stepFiles(root string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(root, stepsDir, "*.json"))
	if err != nil {
		return nil, err
	}
	files := make([]string, len(paths))
	for i, p := range paths {
		files[i] = filepath.Base(p)
	}
	slices.Sort(files)
	return files, nil
}

// stepFile names the file of a new step; replaced when it is the newest one.
func stepFile(files []string, name string, now time.Time) (file string, replaced bool, err error) {
	newest := ""
	if len(files) > 0 {
		newest = files[len(files)-1]
	}
	if m := numberedName.FindStringSubmatch(name); m != nil {
		file = name + ".json"
	} else if !stepName.MatchString(name) {
		return "", false, fmt.Errorf("step name %q: use small letters, digits and _", name)
	} else if newest != "" && newest[11:] == name+".json" {
		file = newest
	} else {
		file = fmt.Sprintf("%010d_%s.json", now.Unix(), name)
	}
	if file < newest {
		return "", false, fmt.Errorf("step %s would stand before %s, which is already there", file, newest)
	}
	return file, file == newest, nil
}

// writeHash adds the step's hash to the list, or replaces it.
func writeHash(root, file string, content []byte) error {
	path := filepath.Join(root, hashesFile)
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if !strings.HasSuffix(strings.TrimSpace(line), "  "+file) {
			lines = append(lines, line)
		}
	}
	lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), file))
	return os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644)
}
