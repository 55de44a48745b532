// Package version is the command "kubectl pgbind version".
package version

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/version"
)

// build is the version in JSON and YAML.
type build struct {
	Version         string `json:"version"`
	Commit          string `json:"commit,omitempty"`
	GoVersion       string `json:"goVersion"`
	ClientGoVersion string `json:"clientGoVersion,omitempty"`
	Platform        string `json:"platform"`
}

// Options select the format.
type Options struct {
	streams genericiooptions.IOStreams
	output  string
}

// NewCommand returns the command.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &Options{streams: streams}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of kubectl pgbind",
		Long: templates.LongDesc(`
			Print the version of kubectl pgbind. "kubectl pgbind --version" is the same.

			The API server's audit log contains the same version in the user agent. This command needs no cluster.`),
		Example: templates.Examples(`
			# Print the version
			kubectl pgbind version

			# Print the version as JSON, with the commit, the versions of Go and client-go, and the platform of the build
			kubectl pgbind version --output json`),
		Args: cobra.NoArgs,
		RunE: command.RunE(o),
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "Output format: json or yaml")
	flags.CompleteOutput(cmd, []string{"json", "yaml"})
	return cmd
}

// Complete implements command.Options.
func (o *Options) Complete(*cobra.Command, []string) error { return nil }

// Validate rejects unknown formats.
func (o *Options) Validate() error {
	switch o.output {
	case "", "json", "yaml":
		return nil
	}
	return fmt.Errorf("invalid --output %q: use json or yaml", o.output)
}

// Run prints the version.
func (o *Options) Run(context.Context) error {
	b := build{
		Version:         version.String(),
		Commit:          version.Commit(),
		GoVersion:       runtime.Version(),
		ClientGoVersion: version.Module("k8s.io/client-go"),
		Platform:        runtime.GOOS + "/" + runtime.GOARCH,
	}
	text, err := []byte(b.Version+"\n"), error(nil)
	switch o.output {
	case "json":
		text, err = json.MarshalIndent(b, "", "  ")
		text = append(text, '\n')
	case "yaml":
		text, err = yaml.Marshal(b)
	}
	if err != nil {
		return fmt.Errorf("write the version: %w", err)
	}
	_, err = o.streams.Out.Write(text)
	return err
}
