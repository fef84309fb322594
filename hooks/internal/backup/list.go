package backup

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A zip's list of its files stands at its end. archive/zip keeps all of it in memory, to
// read and to write, some hundred bytes for each file: here it is gone through in pieces.
// The format is that of APPNOTE.TXT, sections 4.3.12 to 4.3.16
// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).

const (
	recordMark, recordLength = "PK\x01\x02", 46 // one file in the list
	endMark, endLength       = "PK\x05\x06", 22 // the end of a zip
	end64Mark, end64Length   = "PK\x06\x06", 56 // the same in large numbers
	findMark, findLength     = "PK\x06\x07", 20 // where those are

	// A piece of the list is at most so many files, and stops at so many bytes.
	pieceFiles = 1 << 10
	pieceBytes = 1 << 20
	// mostComment is what may stand behind the end.
	mostComment = 1<<16 - 1
)

// comment stands at the end of our archives, so that one which lost its manifest is not
// taken for one of the panel.
var comment = []byte("pocketline backup")

var errNoZip = errors.New("its list of files is damaged")

// list is where that of a zip stands.
type list struct {
	file     *os.File
	at, size int64
	files    int64
	ours     bool // it has our comment
}

// findList reads the end of a zip.
func findList(f *os.File) (l list, err error) {
	info, err := f.Stat()
	if err != nil {
		return l, err
	}
	tail := make([]byte, min(info.Size(), findLength+endLength+mostComment))
	from := info.Size() - int64(len(tail))
	if _, err := f.ReadAt(tail, from); err != nil {
		return l, err
	}
	end := -1
	for i := len(tail) - endLength; i >= 0; i-- {
		if string(tail[i:i+4]) == endMark && i+endLength+int(binary.LittleEndian.Uint16(tail[i+20:])) == len(tail) {
			end = i
			break
		}
	}
	if end < 0 {
		return l, zip.ErrFormat
	}
	b := tail[end:]
	l = list{
		file: f, files: int64(binary.LittleEndian.Uint16(b[10:])), size: int64(binary.LittleEndian.Uint32(b[12:])),
		at: int64(binary.LittleEndian.Uint32(b[16:])), ours: bytes.Equal(b[endLength:], comment),
	}
	ends := from + int64(end)
	if l.files == 1<<16-1 || l.size == 1<<32-1 || l.at == 1<<32-1 {
		if ends, err = l.large(tail[:end]); err != nil {
			return l, err
		}
	}
	if l.at < 0 || l.size < 0 || l.files < 0 || l.at+l.size != ends || l.files > l.size/recordLength {
		return l, errNoZip
	}
	return l, nil
}

// large reads the large numbers, to which what stands before the end leads.
func (l *list) large(before []byte) (ends int64, err error) {
	if len(before) < findLength || string(before[len(before)-findLength:][:4]) != findMark {
		return 0, errNoZip
	}
	ends = int64(binary.LittleEndian.Uint64(before[len(before)-findLength+8:]))
	var b [end64Length]byte
	if ends < 0 {
		return 0, errNoZip
	}
	if _, err := l.file.ReadAt(b[:], ends); err != nil || string(b[:4]) != end64Mark {
		return 0, errors.Join(errNoZip, err)
	}
	l.files = int64(binary.LittleEndian.Uint64(b[32:]))
	l.size, l.at = int64(binary.LittleEndian.Uint64(b[40:])), int64(binary.LittleEndian.Uint64(b[48:]))
	return ends, nil
}

// each visits the files of a zip in the order of its list; folders are left out.
func (l list) each(visit func(*zip.File) error) error {
	r := bufio.NewReaderSize(io.NewSectionReader(l.file, l.at, l.size), 1<<16)
	for left := l.files; left > 0; {
		piece, files, err := records(r, left)
		if err != nil {
			return err
		}
		left -= files
		whole := pieced{l.file, l.at, append(piece, ending(l.at, int64(len(piece)), files, nil)...)}
		z, err := zip.NewReader(whole, l.at+int64(len(whole.tail)))
		if err != nil {
			return err
		}
		for _, f := range z.File {
			if f.FileInfo().IsDir() {
				continue
			}
			if err := visit(f); err != nil {
				return err
			}
		}
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return errNoZip
	}
	return nil
}

// records reads the next files of a list, at most so many as are left.
func records(r *bufio.Reader, left int64) (piece []byte, files int64, err error) {
	for ; files < min(left, pieceFiles) && len(piece) < pieceBytes; files++ {
		head, err := r.Peek(recordLength)
		if err != nil || string(head[:4]) != recordMark {
			return nil, 0, errNoZip
		}
		length := recordLength
		for _, at := range []int{28, 30, 32} { // of the name, of what is more, of a comment
			length += int(binary.LittleEndian.Uint16(head[at:]))
		}
		at := len(piece)
		piece = append(piece, make([]byte, length)...)
		if _, err := io.ReadFull(r, piece[at:]); err != nil {
			return nil, 0, errNoZip
		}
	}
	return piece, files, nil
}

// ending is what stands behind a list: its place, its length in bytes and its files in
// large numbers, which every reader takes.
func ending(at, size, files int64, comment []byte) []byte {
	var b []byte
	le := binary.LittleEndian
	b = le.AppendUint64(append(b, end64Mark...), end64Length-12)
	b = le.AppendUint64(append(b, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0), uint64(files)) // version 4.5, disk 0
	b = le.AppendUint64(b, uint64(files))
	b = le.AppendUint64(le.AppendUint64(b, uint64(size)), uint64(at))
	b = le.AppendUint64(append(append(b, findMark...), 0, 0, 0, 0), uint64(at+size))
	b = append(append(b, 1, 0, 0, 0), endMark...)
	b = append(b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)
	b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	return append(le.AppendUint16(b, uint16(len(comment))), comment...)
}

// pieced is a zip whose list has only a piece of its files.
type pieced struct {
	file io.ReaderAt
	at   int64 // where the list stands
	tail []byte
}

// ReadAt reads what stands before the list from the file.
func (p pieced) ReadAt(b []byte, off int64) (n int, err error) {
	if off < p.at {
		n, err = p.file.ReadAt(b[:min(int64(len(b)), p.at-off)], off)
		if err != nil || n == len(b) {
			return n, err
		}
	}
	more := copy(b[n:], p.tail[min(off+int64(n)-p.at, int64(len(p.tail))):])
	if n += more; n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// packer writes a zip whose list is on the disk until its end.
type packer struct {
	out   *os.File
	at    int64    // bytes written
	list  *os.File // the list so far
	size  int64    // of it
	files int64
	z     *zip.Writer // for the files of one piece
	piece int
}

// newPacker writes into out; the list is kept in a folder.
func newPacker(out *os.File, folder string) (*packer, error) {
	f, err := os.Create(filepath.Join(folder, "list"))
	return &packer{out: out, list: f}, err
}

// Write writes bytes of the zip.
func (p *packer) Write(b []byte) (int, error) {
	n, err := p.out.Write(b)
	p.at += int64(n)
	return n, err
}

// add begins a file.
func (p *packer) add(name string, method uint16, at time.Time) (io.Writer, error) {
	if p.piece == pieceFiles {
		if err := p.turn(); err != nil {
			return nil, err
		}
	}
	if p.z == nil {
		p.z = zip.NewWriter(p)
		p.z.SetOffset(p.at)
		compress(p.z)
	}
	p.piece++
	p.files++
	return p.z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: at})
}

// turn moves the list of a piece from the end of the zip to the others.
func (p *packer) turn() error {
	if p.z == nil {
		return nil
	}
	if err := p.z.Close(); err != nil {
		return err
	}
	l, err := findList(p.out)
	if err != nil {
		return fmt.Errorf("the list of a piece: %w", err)
	}
	n, err := io.Copy(p.list, io.NewSectionReader(p.out, l.at, l.size))
	if err != nil {
		return err
	}
	p.size += n
	p.at, p.z, p.piece = l.at, nil, 0
	if err := p.out.Truncate(l.at); err != nil {
		return err
	}
	_, err = p.out.Seek(l.at, io.SeekStart)
	return err
}

// close writes the list, and the zip is whole.
func (p *packer) close() error {
	defer p.list.Close()
	if err := p.turn(); err != nil {
		return err
	}
	if _, err := p.list.Seek(0, io.SeekStart); err != nil {
		return err
	}
	at := p.at
	if _, err := io.Copy(p, p.list); err != nil {
		return err
	}
	if _, err := p.Write(ending(at, p.size, p.files, comment)); err != nil {
		return err
	}
	return p.out.Sync()
}
