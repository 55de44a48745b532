// Command argo-cd is the application controller and the repository server of Argo CD, which run without the rest of it.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
)

func main() {
	root := &cobra.Command{Use: "argo-cd"}
	root.AddCommand(controller.NewCommand(), reposerver.NewCommand(), &cobra.Command{
		Use:   "install FILE",
		Short: "Copy this program into another image, which has git",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return install(args[0]) },
	})
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}

func install(to string) error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	from, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open this program: %w", err)
	}
	defer func() { _ = from.Close() }()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return fmt.Errorf("create the copy: %w", err)
	}
	if _, err := io.Copy(file, from); err != nil {
		return fmt.Errorf("copy this program: %w", err)
	}
	return file.Close()
}
