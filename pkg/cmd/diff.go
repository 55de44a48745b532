package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

// The exit codes of diff, like those of kubectl diff.
const (
	exitDifferent = 1
	exitTrouble   = 2
)

func newDiffCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	files := &fileFlags{}
	cmd := &cobra.Command{
		Use:   "diff -f FILE",
		Short: "Show what apply would change",
		Long: templates.LongDesc(`
			Show what apply would change.

			It compares the files with the metadata of Secrets and workloads. It does not query the database; use check for that. The exit
			code is 0 if nothing would change, 1 if something would change, and higher after an error.`),
		Example: templates.Examples(`
			# Show what would change
			kubectl pgbind diff -f bindings.yaml`),
		Args:        cobra.NoArgs,
		Annotations: map[string]string{errorCode: strconv.Itoa(exitTrouble)},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			return runDiff(cmd.Context(), connection, streams, files)
		},
	}
	files.addTo(cmd)
	return cmd
}

func runDiff(ctx context.Context, connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, files *fileFlags) error {
	documents, err := files.read(connection, streams.In)
	if err != nil {
		return err
	}
	items, err := itemsOf(documents, binding.Options{})
	if err != nil {
		return err
	}
	found, err := readBindings(ctx, connection, items, labels.Everything())
	if err != nil {
		return err
	}
	return showDiff(streams.Out, binding.Compare(items, found, time.Now()))
}

// readBindings reads the bindings in the namespaces of the items. It fails if something cannot be read, because the comparison would be
// misleading.
func readBindings(ctx context.Context, connection *genericclioptions.ConfigFlags, items []*binding.Item,
	selector labels.Selector) ([]inventory.Binding, error) {
	reader, err := newReader(connection)
	if err != nil {
		return nil, err
	}
	var found []inventory.Binding
	read := map[string]bool{}
	for _, item := range items {
		namespace := item.Document.Namespace
		if read[namespace] {
			continue
		}
		read[namespace] = true
		part, err := reader.Read(ctx, namespace, selector)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(part.Gaps...); err != nil {
			return nil, err
		}
		found = append(found, part.Bindings...)
	}
	return found, nil
}

// showDiff prints each difference like diff -u. If there is one, it returns an *exitError.
func showDiff(out io.Writer, differences []binding.Difference) error {
	different := false
	for _, d := range differences {
		live, err := textOf(d.Live)
		if err != nil {
			return err
		}
		wanted, err := textOf(d.Wanted)
		if err != nil {
			return err
		}
		name := d.Wanted.Namespace + "/" + d.Wanted.Spec.Workload
		text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
			A: live, B: wanted, FromFile: "LIVE/" + name, ToFile: "WANTED/" + name, Context: 3,
		})
		if err != nil {
			return fmt.Errorf("compare the binding of %s: %w", d.Wanted.Spec.Workload, err)
		}
		different = different || text != ""
		fmt.Fprint(out, shown(text))
	}
	if different {
		return &exitError{code: exitDifferent}
	}
	return nil
}

// textOf returns the binding as lines, or nothing if there is no binding.
func textOf(b *v1alpha1.Binding) ([]string, error) {
	if b == nil {
		return nil, nil
	}
	text, err := yaml.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("write the binding of %s: %w", b.Spec.Workload, err)
	}
	return slices.Collect(strings.Lines(string(text))), nil
}
