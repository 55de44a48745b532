package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apply"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

// The exit codes of diff, as kubectl's.
const (
	exitDifferent = 1
	exitTrouble   = 2
)

// externalDiff is the variable by which kubectl's users choose another program.
const externalDiff = "KUBECTL_EXTERNAL_DIFF"

func newDiffCommand(connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams) *cobra.Command {
	files := &fileFlags{}
	cmd := &cobra.Command{
		Use:   "diff -f FILE",
		Short: "Show what an apply would change",
		Long: templates.LongDesc(`
			Show what an apply would change.

			It compares the files with what Secrets and workloads say of their bindings, and asks no database; whether these say the truth is what
			check tells. KUBECTL_EXTERNAL_DIFF names another program than diff, as for kubectl. It ends with status 0 where nothing would change,
			1 where something would, and a higher one on an error.`),
		Example: templates.Examples(`
			# Show what would change
			kubectl pgbind diff -f bindings.yaml`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := runDiff(cmd.Context(), connection, streams, files)
			if exit := (*exitError)(nil); err == nil || errors.As(err, &exit) {
				return err
			}
			cmd.SilenceUsage = true
			fmt.Fprintf(streams.ErrOut, "error: %v\n", err)
			return &exitError{code: exitTrouble}
		},
	}
	files.addTo(cmd.Flags())
	return cmd
}

func runDiff(ctx context.Context, connection *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, files *fileFlags) error {
	documents, err := files.read(connection, streams.In)
	if err != nil {
		return err
	}
	items, err := itemsOf(documents, bind.Options{})
	if err != nil {
		return err
	}
	found, err := readBindings(ctx, connection, items, labels.Everything())
	if err != nil {
		return err
	}
	live, wanted := map[string]*v1alpha1.Binding{}, map[string]*v1alpha1.Binding{}
	for i, d := range apply.Compare(items, found, time.Now()) {
		name := strings.NewReplacer("/", ".").Replace(fmt.Sprintf("%s.%s.%04d", d.Wanted.Namespace, d.Wanted.Spec.Workload, i+1))
		wanted[name] = d.Wanted
		if d.Live != nil {
			live[name] = d.Live
		}
	}
	return showDiff(ctx, streams, live, wanted)
}

// readBindings reads the bindings of the items' namespaces. What cannot be read is an error: a comparison with it would mislead.
func readBindings(ctx context.Context, connection *genericclioptions.ConfigFlags, items []*apply.Item, selector labels.Selector) ([]inventory.Binding, error) {
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
			return nil, ifForbidden(err)
		}
		found = append(found, part.Bindings...)
	}
	return found, nil
}

// showDiff runs the diff program on two folders. The error is an *exitError where they differ.
func showDiff(ctx context.Context, streams genericiooptions.IOStreams, live, wanted map[string]*v1alpha1.Binding) error {
	dir, err := os.MkdirTemp("", "pgbind-diff-")
	if err != nil {
		return fmt.Errorf("make a folder to compare: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"diff", "-u", "-N"}
	if own := strings.Fields(os.Getenv(externalDiff)); len(own) > 0 {
		args = own
	}
	for name, bindings := range map[string]map[string]*v1alpha1.Binding{"LIVE": live, "WANTED": wanted} {
		if err := writeBindings(filepath.Join(dir, name), bindings); err != nil {
			return err
		}
	}
	program := exec.CommandContext(ctx, args[0], append(args[1:], "LIVE", "WANTED")...) //nolint:gosec // the user's own choice of a program
	program.Dir, program.Stdout, program.Stderr = dir, streams.Out, io.Writer(streams.ErrOut)
	err = program.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitDifferent {
		return &exitError{code: exitDifferent}
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", args[0], err)
	}
	return nil
}

func writeBindings(dir string, bindings map[string]*v1alpha1.Binding) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make a folder to compare: %w", err)
	}
	for name, b := range bindings {
		text, err := yaml.Marshal(b)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("write the binding of %s: %w", b.Spec.Workload, err)
		}
	}
	return nil
}
