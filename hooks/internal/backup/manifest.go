package backup

import (
	"bufio"
	"encoding/json"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"io"
)

// errEnough ends reading a manifest before its end.
var errEnough = errors.New("enough was read")

// readManifest reads what an archive says of itself, and visits what it says of each file.
// What is there twice, or behind the end, is an error.
func readManifest(r io.Reader, visit func(File) error) (m Manifest, err error) {
	d := jsontext.NewDecoder(r)
	if open, err := d.ReadToken(); err != nil || open.Kind() != '{' {
		return m, errors.Join(errors.New("it is no object"), err)
	}
	fields := map[string]any{
		"product": &m.Product, "format": &m.Format, "version": &m.Version, "kind": &m.Kind, "made": &m.Made,
		"installation": &m.Installation, "step": &m.Step, "tables": &m.Tables,
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return m, err
		}
		field, known := fields[name.String()]
		switch {
		case known:
			err = jsonv2.UnmarshalDecode(d, field)
		case name.String() == "files":
			m.Files, err = readFiles(d, visit)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return m, err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return m, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return m, errors.Join(errors.New("something stands behind its end"), err)
	}
	return m, nil
}

func readFiles(d *jsontext.Decoder, visit func(File) error) (n int, err error) {
	if open, err := d.ReadToken(); err != nil || open.Kind() != '[' {
		return 0, errors.Join(errors.New("its files are no list"), err)
	}
	for ; d.PeekKind() == '{'; n++ {
		var f File
		if err := jsonv2.UnmarshalDecode(d, &f, jsonv2.RejectUnknownMembers(true)); err != nil {
			return n, err
		}
		if err := visit(f); err != nil {
			return n, err
		}
	}
	end, err := d.ReadToken()
	if err == nil && end.Kind() != ']' {
		err = errors.New("its files are no list")
	}
	return n, err
}

// writeManifest writes it, with the files of which listed has one a line.
func writeManifest(w io.Writer, m Manifest, listed io.Reader) error {
	head, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	out.Write(head[:len(head)-len("\n}")]) // errors of a bufio.Writer stay until Flush
	out.WriteString(",\n  \"files\": [")
	lines := bufio.NewScanner(listed)
	lines.Buffer(nil, 1<<20)
	for before := "\n    "; lines.Scan(); before = ",\n    " {
		out.WriteString(before)
		out.Write(lines.Bytes())
	}
	out.WriteString("\n  ]\n}\n")
	return errors.Join(lines.Err(), out.Flush())
}
