package flags

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
)

// Files selects files of bindings.
type Files struct {
	names     []string
	recursive bool
}

// AddTo adds the flags.
func (f *Files) AddTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.names, "filename", "f", nil, "File or folder with bindings, repeatable; - for the standard input")
	flags.BoolVarP(&f.recursive, "recursive", "R", false, "Also read the folders in a folder")
	cobra.CheckErr(cmd.MarkFlagFilename("filename", "json", "yaml", "yml")) // it fails only where there is no such flag
}

// Validate requires a file.
func (f *Files) Validate() error {
	if len(f.names) == 0 {
		return errors.New("file required: name a file or a folder with -f")
	}
	for _, name := range f.names {
		if strings.Contains(name, "://") {
			return fmt.Errorf("-f %s: a file of bindings is not read from a URL: use curl -L %[1]s | kubectl pgbind apply -f -", name)
		}
	}
	return nil
}

// Read reads the bindings of the files, each with its namespace.
func (f *Files) Read(connection *genericclioptions.ConfigFlags, stdin io.Reader) ([]*manifest.Document, error) {
	namespace, enforced, err := connection.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, fmt.Errorf("find the namespace: %w", err)
	}
	documents, err := (&manifest.Reader{Stdin: stdin, Recursive: f.recursive}).Read(f.names...)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, d := range documents {
		switch {
		case d.Namespace == "":
			d.Namespace = namespace
		case enforced && d.Namespace != namespace:
			errs = append(
				errs,
				fmt.Errorf("%s: namespace %q does not match --namespace %q", d.At("metadata", "namespace"), d.Namespace, namespace),
			)
		}
	}
	return documents, errors.Join(errs...)
}
