package flags

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// stdinName is the file name of the standard input, as in kubectl.
const stdinName = "-"

// Manifests selects workloads by the manifests that describe them.
type Manifests struct{ options resource.FilenameOptions }

// AddTo adds the flags.
func (f *Manifests) AddTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.options.Filenames, "filename", "f", nil,
		"File, folder or URL with manifests, repeatable: its workloads are used, other objects are skipped; - for the standard input")
	flags.BoolVarP(&f.options.Recursive, "recursive", "R", false, "Also read the folders in a folder of -f")
	cobra.CheckErr(cmd.MarkFlagFilename("filename", "json", "yaml", "yml")) // it fails only where there is no such flag
}

// CheckStdin refuses to read manifests and a password from the same standard input.
func (f *Manifests) CheckStdin(passwords ...secret.Source) error {
	if f.readsStdin() && slices.Contains(passwords, secret.Source{Kind: secret.FromStdin}) {
		return errors.New("-f - and a password cannot both read stdin: use secret/NAME:KEY for the password")
	}
	return nil
}

// IsSet reports whether manifests select the workloads.
func (f *Manifests) IsSet() bool { return len(f.options.Filenames) > 0 }

func (f *Manifests) readsStdin() bool { return slices.Contains(f.options.Filenames, stdinName) }

// Workloads returns the workloads in the form TYPE/NAME, and their namespace: the arguments and the current namespace,
// or those of the manifests. It sends no request to the cluster. Its errors are usage errors.
func (f *Manifests) Workloads(connection *genericclioptions.ConfigFlags, stdin io.Reader, args []string) ([]string, string, error) {
	namespace, enforced, err := connection.ToRawKubeConfigLoader().Namespace()
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("find the namespace: %w", err)
	case len(f.options.Filenames) == 0 && f.options.Recursive:
		return nil, "", errors.New("--recursive needs -f")
	case len(f.options.Filenames) == 0:
		return args, namespace, nil
	case len(args) > 0:
		return nil, "", errors.New("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well")
	}
	infos, err := f.read(connection, stdin, namespace, enforced)
	if err != nil {
		return nil, "", err
	}
	var names []string
	namespaces := sets.New[string]()
	for _, info := range infos {
		kind := info.Object.GetObjectKind().GroupVersionKind().GroupKind()
		name := workload.QualifiedName(kind, info.Name)
		word, _, _ := strings.Cut(name, "/")
		if _, ok := workload.TypeFor(word); !ok {
			continue
		}
		if info.Namespace == "" {
			info.Namespace = namespace
		}
		namespaces.Insert(info.Namespace)
		names = append(names, name)
	}
	switch {
	case len(names) == 0:
		return nil, "", fmt.Errorf(
			"no workload in %s: name files with Deployments, StatefulSets or other workloads",
			strings.Join(f.options.Filenames, ", "),
		)
	case len(namespaces) > 1:
		return nil, "", fmt.Errorf("the files have workloads of several namespaces (%s): run the command once for each namespace",
			strings.Join(sets.List(namespaces), ", "))
	}
	return names, sets.List(namespaces)[0], nil
}

// read reads the files as kubectl does.
func (f *Manifests) read(
	connection *genericclioptions.ConfigFlags, stdin io.Reader, namespace string, enforced bool,
) ([]*resource.Info, error) {
	options := f.options
	options.Filenames = slices.DeleteFunc(slices.Clone(options.Filenames), func(name string) bool { return name == stdinName })
	builder := resource.NewBuilder(connection).Unstructured().Local().ContinueOnError().NamespaceParam(
		namespace,
	).FilenameParam(
		enforced,
		&options,
	)
	if f.readsStdin() {
		builder = builder.Stream(stdin, "STDIN")
	}
	infos, err := builder.Flatten().Do().Infos()
	if err != nil {
		return nil, fmt.Errorf("read -f: %w", err)
	}
	return infos, nil
}
