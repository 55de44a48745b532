// Command dist packs a release: for each platform an archive with the plugin and its LICENSE, the archives' checksums, and the krew
// manifest with the release's version, addresses and sums. Two runs on one commit give the same bytes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	r := release{platforms: platforms()}
	flag.StringVar(&r.version, "version", "", "Version of the release, as its tag has it: v1.2.3")
	flag.StringVar(&r.dir, "dir", "dist", "Folder for the archives")
	keep := flag.Bool("keep-archives", false, "Use the archives that are in the folder, and only write checksums and manifest")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.make(ctx, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
