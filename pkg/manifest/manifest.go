// Package manifest reads bindings from files. It rejects everything that it does not understand, with an error that names the file,
// the line and the field.
package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// Stdin is the file name that means standard input.
const Stdin = "-"

// Document is one binding of a file.
type Document struct {
	v1alpha1.Binding

	fields fields
}

// At returns the position of a field as FILE:LINE: FIELD, for errors about its value. path consists of JSON names.
func (d *Document) At(path ...string) string { return d.fields.at(path) }

// Reader reads files of bindings.
type Reader struct {
	Stdin     io.Reader
	Recursive bool // also read subdirectories
}

// Read reads the bindings of files and directories in the order of their names. Of a directory it reads the files that end in .yaml,
// .yml or .json. If anything is wrong it returns no bindings and an error that joins the mistakes of all files: unreadable files, and
// unknown, duplicate or invalid fields.
func (r *Reader) Read(names ...string) ([]*Document, error) {
	schema, err := newSchema()
	if err != nil {
		return nil, err
	}
	var documents []*Document
	var errs []error
	for _, name := range names {
		files, err := r.files(name)
		errs = append(errs, err)
		for _, file := range files {
			d := &decoder{file: file, schema: schema}
			errs = append(errs, r.readFile(d))
			documents = append(documents, d.documents...)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return documents, nil
}

// files returns the files that a name means.
func (r *Reader) files(name string) ([]string, error) {
	if name == Stdin {
		return []string{name}, nil
	}
	var files []string
	err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != name && !r.Recursive:
			return fs.SkipDir
		case !entry.IsDir() && (path == name || slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path))):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return files, nil
}

func (r *Reader) readFile(d *decoder) error {
	if d.file == Stdin {
		d.file = "stdin"
		return d.decode(r.Stdin)
	}
	file, err := os.Open(filepath.Clean(d.file))
	if err != nil {
		return fmt.Errorf("read the bindings: %w", err)
	}
	defer func() { _ = file.Close() }()
	return d.decode(file)
}
