package backup

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// opened is an archive of ours, or of the panel, which has no manifest.
type opened struct {
	*os.File
	list     list
	manifest *Manifest
	known    []entry // sorted by id, one for each file but the manifest
	data     bool    // there is a database
	key      bool    // and a master key
	size     int64   // of all files, unpacked, in bytes
	need     int64   // of those that a restore takes
}

// entry is what is kept of a file of an archive: there may be hundreds of thousands.
type entry struct {
	id   [16]byte // the beginning of its name's hash
	size int64    // as the manifest says, notListed before it did
	sum  [sha256.Size]byte
}

const (
	notListed = -1
	// mostFile is more than a disk holds, in bytes; sums of some are still numbers.
	mostFile = 1 << 56
)

func idOf(name string) (id [16]byte) {
	sum := sha256.Sum256([]byte(name))
	copy(id[:], sum[:])
	return id
}

// find is what is known of a file, nil when there is none.
func (a *opened) find(name string) *entry {
	id := idOf(name)
	at, ok := slices.BinarySearchFunc(a.known, id, func(k entry, id [16]byte) int { return bytes.Compare(k.id[:], id[:]) })
	if !ok {
		return nil
	}
	return &a.known[at]
}

// open looks at what an archive says it holds.
func open(at string) (*opened, error) {
	a, account, err := openList(at)
	if err != nil {
		return nil, err
	}
	if err := a.look(account); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// openList finds the list of an archive's files and the place of its manifest.
func openList(at string) (*opened, *zip.File, error) {
	if err := regular(at); err != nil {
		return nil, nil, err
	}
	f, err := os.Open(at)
	if err != nil {
		return nil, nil, err
	}
	a := &opened{File: f}
	if a.list, err = findList(f); err != nil {
		f.Close()
		return nil, nil, refuse("it is not a whole zip file (%v)", err)
	}
	var account *zip.File
	err = a.list.each(func(f *zip.File) error {
		if f.Name == manifestName {
			account = f
		}
		return nil
	})
	if err != nil {
		f.Close()
		return nil, nil, refuse("it is not a whole zip file (%v)", err)
	}
	return a, account, nil
}

// head is what an archive of ours says of itself before its files.
func head(at string) (m Manifest, err error) {
	a, account, err := openList(at)
	if err != nil {
		return m, err
	}
	defer a.Close()
	if account == nil {
		return m, refuse("it has no manifest")
	}
	r, err := account.Open()
	if err != nil {
		return m, err
	}
	defer r.Close()
	m, err = readManifest(io.LimitReader(r, manifestBase), func(File) error { return errEnough })
	if errors.Is(err, errEnough) {
		err = nil
	}
	return m, err
}

// look reads the names of all files, and what the manifest says of them.
func (a *opened) look(account *zip.File) error {
	a.known = make([]entry, 0, min(a.list.files, 1<<20))
	most, accounts := uint64(manifestBase), 0
	var taken places
	err := a.list.each(func(f *zip.File) error {
		if err := taken.add(f, a.list.at); err != nil {
			return err
		}
		most += uint64(manifestEach + len(f.Name)*escaped)
		if f.Name == manifestName {
			accounts++
			return nil
		}
		a.known = append(a.known, entry{id: idOf(f.Name), size: notListed})
		a.data = a.data || f.Name == dataFile
		a.key = a.key || f.Name == sealed.KeyFile
		a.size += int64(f.UncompressedSize64)
		if a.size < 0 {
			return refuse("%s is larger than any disk", f.Name)
		}
		if brought(f.Name) {
			a.need += int64(f.UncompressedSize64)
		}
		return nil
	})
	if err == nil && accounts > 1 {
		err = refuse("%s is there twice", manifestName)
	}
	if err == nil {
		err = taken.apart()
	}
	if err == nil {
		err = a.once()
	}
	if err != nil {
		return err
	}
	switch {
	case account != nil:
		if err := a.compare(account, most); err != nil {
			return err
		}
	case a.list.ours:
		return refuse("its manifest is missing")
	}
	if !a.data {
		return refuse("there is no %s in it", dataFile)
	}
	return nil
}

// once sorts what is known and refuses a name that is there twice, as some disk reads it:
// there one file would be written over the other.
func (a *opened) once() error {
	byID := func(x, y entry) int { return bytes.Compare(x.id[:], y.id[:]) }
	slices.SortFunc(a.known, byID)
	for i := range len(a.known) - 1 {
		if a.known[i].id == a.known[i+1].id {
			return refuse("a file is there twice")
		}
	}
	same := make([][16]byte, 0, len(a.known))
	err := a.list.each(func(f *zip.File) error {
		same = append(same, idOf(onAnyDisk(f.Name)))
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(same, func(x, y [16]byte) int { return bytes.Compare(x[:], y[:]) })
	for i := range len(same) - 1 {
		if same[i] == same[i+1] {
			return a.refuseSame(same[i])
		}
	}
	return nil
}

// onAnyDisk is the same for names that some disk takes for one: letters are small or
// large there, and accents stand by themselves or not.
func onAnyDisk(name string) string {
	if !utf8.ValidString(name) {
		return name // folding would make one of many
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}

// refuseSame says which names are one.
func (a *opened) refuseSame(id [16]byte) error {
	var both []string
	err := a.list.each(func(f *zip.File) error {
		if idOf(onAnyDisk(f.Name)) == id {
			both = append(both, strconv.Quote(f.Name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(both)
	return refuse("%s are one name on some disks: give one of the files another name", strings.Join(both, " and "))
}

// places are where in a zip its files stand.
type places []place

type place struct{ from, to int64 }

// mostPacked is into how many bytes of a file one byte of a zip can unpack at most:
// Deflate writes 258 of them with two bits.
const mostPacked = 258 * 8 / 2

// add notes where a file stands, before the list, and refuses one that cannot be what
// the list says.
func (p *places) add(f *zip.File, list int64) error {
	if !plain(f.Name) {
		return refuse("%q is no name of a file in it", f.Name)
	}
	if f.UncompressedSize64 > mostFile || f.CompressedSize64 > mostFile {
		return refuse("%s is larger than any disk", f.Name)
	}
	from, err := f.DataOffset()
	to := from + int64(f.CompressedSize64)
	if err != nil || to > list {
		return refuse("%s is not where its list says (%v)", f.Name, cmp.Or(err, io.ErrUnexpectedEOF))
	}
	if f.UncompressedSize64 > f.CompressedSize64*mostPacked ||
		f.Method == zip.Store && f.UncompressedSize64 != f.CompressedSize64 {
		return refuse("%s says it is larger than it can be", f.Name)
	}
	if to > from {
		*p = append(*p, place{from, to})
	}
	return nil
}

// apart refuses files that share bytes: a small zip would be read for as long as a
// large one.
func (p places) apart() error {
	slices.SortFunc(p, func(x, y place) int { return cmp.Compare(x.from, y.from) })
	for i := range len(p) - 1 {
		if p[i].to > p[i+1].from {
			return refuse("a file in it reads bytes of another file")
		}
	}
	return nil
}

// compare reads the manifest, which is at most so long, and wants the same files there.
func (a *opened) compare(account *zip.File, most uint64) error {
	if account.UncompressedSize64 > most {
		return refuse("its manifest is longer than that of %d files can be", len(a.known))
	}
	r, err := account.Open()
	if err != nil {
		return refuse("its manifest cannot be read (%v)", err)
	}
	defer r.Close()
	m, err := readManifest(io.LimitReader(r, int64(most)), a.listed)
	if errors.Is(err, ErrArchive) {
		return err
	}
	if err != nil {
		return refuse("its manifest cannot be read (%v)", err)
	}
	if m.Product != product || m.Format != format {
		return refuse("its manifest is of %q in format %d, this program reads %q in format %d", m.Product,
			m.Format, product, format)
	}
	if m.Kind != Full && m.Kind != Database {
		return refuse("its manifest says it is of the kind %q, which there is not", m.Kind)
	}
	a.manifest = &m
	return a.list.each(func(f *zip.File) error {
		switch {
		case f.Name == manifestName:
			return nil
		case a.find(f.Name).size == notListed:
			return refuse("%s is not in its manifest", f.Name)
		case !written(f.Name, m.Kind):
			return refuse("%s does not belong in a backup of the kind %q", f.Name, m.Kind)
		}
		return nil
	})
}

// listed notes what the manifest says of a file.
func (a *opened) listed(f File) error {
	k := a.find(f.Name)
	if k == nil {
		return refuse("%s is missing", f.Name)
	}
	if k.size != notListed || f.Size < 0 {
		return refuse("its manifest says %s twice, or with no size", f.Name)
	}
	k.size = f.Size
	sum, err := hex.DecodeString(f.SHA256)
	if err != nil || len(sum) != len(k.sum) {
		return refuse("its manifest says no hash of %s", f.Name)
	}
	copy(k.sum[:], sum)
	return nil
}

// each reads all files whole and compares them with the manifest; a zip's own
// checksums speak for an archive of the panel. to gives the place of a file, nil
// for one that is only read.
func (a *opened) each(
	ctx context.Context, to func(name string) (io.WriteCloser, error), progress func(string, int64, int64),
) error {
	var done int64
	return a.list.each(func(f *zip.File) error {
		if f.Name == manifestName {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		size, sum, err := readOne(f, to)
		if err != nil {
			return err
		}
		if k := a.find(f.Name); a.manifest != nil && (k.size != size || !bytes.Equal(k.sum[:], sum)) {
			return refuse("%s is not what its manifest says", f.Name)
		}
		done += size
		progress("reading", done, a.size)
		return nil
	})
}

func readOne(f *zip.File, to func(string) (io.WriteCloser, error)) (size int64, sum []byte, err error) {
	r, err := f.Open()
	if err != nil {
		return 0, nil, refuse("%s cannot be read (%v)", f.Name, err)
	}
	defer r.Close()
	out, err := to(f.Name)
	if err != nil {
		return 0, nil, err
	}
	h := newHashing(out)
	_, err = io.Copy(h, r)
	if errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = refuse("%s cannot be read (%v)", f.Name, err)
	}
	return h.size, h.sum(), errors.Join(err, out.Close())
}

// nowhere is where files go that are only read.
type nowhere struct{ io.Writer }

// Close does nothing.
func (nowhere) Close() error { return nil }

// Verify reads an archive whole.
func Verify(ctx context.Context, path string, progress func(what string, done, total int64)) error {
	a, err := open(path)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.each(ctx, func(string) (io.WriteCloser, error) { return nowhere{io.Discard}, nil },
		func(_ string, done, total int64) { progress("checking", done, total) })
}
