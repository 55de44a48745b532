// Package manifest reads bindings from files, and takes nothing that it does not understand: what is mistyped is an error that names
// the file, the line and the field.
package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// Stdin is the name that stands for the standard input.
const Stdin = "-"

// Document is one binding of a file.
type Document struct {
	v1alpha1.Binding

	fields fields
}

// At says where a field of the document is, as FILE:LINE: FIELD, for errors about its value. The field is a path of JSON names.
func (d *Document) At(path ...string) string { return d.fields.at(path) }

// Reader reads files.
type Reader struct {
	Stdin     io.Reader
	Recursive bool // also the folders in a folder
}

// Read reads the bindings of files and folders, in the order of their names, all of them or none. Of a folder it takes what ends in
// .yaml, .yml or .json. The error joins those of all files: what cannot be read, and each field that is unknown, doubled or has a value that
// it cannot have.
func (r *Reader) Read(names ...string) ([]*Document, error) {
	schema, err := newValidator()
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

// files are those that a name stands for.
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
