// Command dist packs a release: for each platform an archive with the plugin and its LICENSE, the checksums of the archives, and the krew
// manifest with version, addresses and sums. Two runs on one commit produce the same bytes.
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
	flag.StringVar(&r.version, "version", "", "Version of the release, in the form of its tag: v1.2.3")
	flag.StringVar(&r.dir, "dir", "dist", "Directory for the archives")
	keep := flag.Bool("keep-archives", false, "Use the archives in the directory, and write only checksums and manifest")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.make(ctx, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
