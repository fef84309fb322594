package backup

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Retention says which archives of a folder stay.
type Retention struct {
	// Prefix begins their names.
	Prefix string
	// Installation is the one they are of, as Manifest.Installation says. What is
	// another's, or no archive, stays.
	Installation string
	// Keep is how many stay, Newest the path of the one just made, which does.
	Keep   int
	Newest string
	// Now is the clock: what is dated after it is not believed.
	Now time.Time
}

// dated is an archive and when it was made, the zero time when nothing believable
// says so.
type dated struct {
	name       string
	made, said time.Time
}

// Prune removes all but the newest archives. The newest are told by what they say of
// themselves, and where that lies in the future by the file system.
func Prune(folder string, r Retention) (removed []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []dated
	newest := filepath.Base(r.Newest)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), r.Prefix) || !ours(e.Name()) || !e.Type().IsRegular() || e.Name() == newest {
			continue
		}
		if one, ok := r.dates(folder, e); ok {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b dated) int {
		return cmp.Or(a.made.Compare(b.made), a.said.Compare(b.said), strings.Compare(a.name, b.name))
	})
	for len(all) > 0 && len(all)+1 > r.Keep {
		if err := os.Remove(filepath.Join(folder, all[0].name)); err != nil {
			return removed, err
		}
		removed, all = append(removed, all[0].name), all[1:]
	}
	return removed, nil
}

// dates tells when an archive was made, and whether it is of the installation.
func (r Retention) dates(folder string, e os.DirEntry) (one dated, ok bool) {
	m, err := head(filepath.Join(folder, e.Name()))
	if err != nil || r.Installation == "" || m.Product != product || m.Installation != r.Installation {
		return one, false
	}
	one = dated{name: e.Name(), said: m.Made}
	if !one.said.After(r.Now) {
		one.made = one.said
	} else if info, err := e.Info(); err == nil && !info.ModTime().After(r.Now) {
		one.made = info.ModTime()
	}
	return one, true
}
