package cmd

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/version"
)

// build is the version in JSON and YAML.
type build struct {
	Version   string `json:"version"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func newVersionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of kubectl pgbind",
		Long: templates.LongDesc(`
			Print the version of kubectl pgbind.

			The API server's audit log contains the same version in the user agent. This command needs no cluster.`),
		Example: templates.Examples(`
			# Print the version
			kubectl pgbind version

			# Print the version as JSON, with the Go version and the platform of the build
			kubectl pgbind version --output json`),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := versionAs(output)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(streams.Out, text)
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "Output format: json or yaml")
	complete(cmd, cmd.Flag("output"), fixed("json", "yaml"))
	return cmd
}

// versionAs returns the version in an output format; an empty format is plain text.
func versionAs(format string) (string, error) {
	b := build{Version: version.String(), GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	switch format {
	case "":
		return b.Version, nil
	case "json":
		text, err := json.MarshalIndent(b, "", "  ")
		return string(text), err
	case "yaml":
		text, err := yaml.Marshal(b)
		return string(text[:max(0, len(text)-1)]), err
	}
	return "", fmt.Errorf("invalid --output %q: use json or yaml", format)
}
