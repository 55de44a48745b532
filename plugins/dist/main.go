// Command dist writes what a release contains and goreleaser does not make: before goreleaser, the files next to the program (man pages,
// the completion script, the licences of dependencies); after it, the krew manifest and the manifests that name the image. Two runs on one commit write the same bytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

const usage = `usage: dist files -to DIR -licences DIR
       dist krew -version TAG -dir DIR
       dist manifests -version TAG -dir DIR`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	to := flags.String("to", "", "Directory for the files")
	licences := flags.String("licences", "", "Directory with the licences that go-licenses saved")
	version := flags.String("version", "", "Version of the release, in the form of its tag: v1.2.3")
	dir := flags.String("dir", "dist", "Directory with the archives and their checksums")
	if err := flags.Parse(args[1:]); err != nil {
		return err //nolint:wrapcheck // the flag set has printed the usage
	}
	switch args[0] {
	case "files":
		return writeFiles(ctx, *to, *licences)
	case "krew":
		return writeKrewManifest(*version, *dir)
	case "manifests":
		return writeManifests(*version, *dir)
	}
	return errors.New(usage)
}
