package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra/doc"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd"
)

// writeFiles writes man pages (as text and compressed, as packages have them) and THIRD_PARTY_NOTICES to the directory to.
func writeFiles(ctx context.Context, to, licences string) error {
	date, err := commitTime(ctx)
	if err != nil {
		return err
	}
	if err := writeManPages(to, date); err != nil { //nolint:contextcheck // it runs no command
		return fmt.Errorf("write man pages: %w", err)
	}
	notices, err := notices(licences)
	if err != nil {
		return fmt.Errorf("collect the licences of dependencies: %w", err)
	}
	return write(filepath.Join(to, "THIRD_PARTY_NOTICES"), []byte(notices))
}

// writeManPages writes a page for each command to man/, and the same compressed to man1/.
func writeManPages(to string, date time.Time) error {
	plain, compressed := filepath.Join(to, "man"), filepath.Join(to, "man1")
	for _, dir := range []string{plain, compressed} {
		if err := os.MkdirAll(dir, 0o750); err != nil { //nolint:gosec // the directory of the command line
			return err //nolint:wrapcheck // names the directory
		}
	}
	root := cmd.NewRootCommand(genericiooptions.NewTestIOStreamsDiscard())
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: "kubectl-pgbind", Manual: "kubectl pgbind"}
	if err := doc.GenManTree(root, header, plain); err != nil {
		return err //nolint:wrapcheck // names the file
	}
	pages, err := filepath.Glob(filepath.Join(plain, "*.1"))
	if err != nil {
		return err //nolint:wrapcheck // a constant pattern
	}
	for _, page := range pages {
		if err := compress(page, filepath.Join(compressed, filepath.Base(page)+".gz")); err != nil {
			return err
		}
	}
	return nil
}

// compress writes the file compressed, without its name and time.
func compress(file, to string) error {
	text, err := os.ReadFile(file) //nolint:gosec // a page that was just written
	if err != nil {
		return err //nolint:wrapcheck // names the file
	}
	packed := &bytes.Buffer{}
	writer, err := gzip.NewWriterLevel(packed, gzip.BestCompression)
	if err != nil {
		return err //nolint:wrapcheck // a constant level
	}
	if _, err := writer.Write(text); err != nil {
		return err //nolint:wrapcheck // memory
	}
	if err := writer.Close(); err != nil {
		return err //nolint:wrapcheck // memory
	}
	return write(to, packed.Bytes())
}

func write(file string, content []byte) error {
	return os.WriteFile(file, content, 0o600) //nolint:wrapcheck,gosec // names the file, which is in the directory of the command line
}

// notices returns the licences and notices of all modules in the directory, in the order of the modules, each text once.
func notices(licences string) (string, error) {
	text := &strings.Builder{}
	text.WriteString("kubectl-pgbind contains software of other projects. These are their licences and notices.\n")
	known := map[string]string{}
	err := fs.WalkDir(os.DirFS(licences), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(os.DirFS(licences), name)
		if err != nil {
			return err //nolint:wrapcheck // names the file
		}
		fmt.Fprintf(text, "\n%s\n%s\n\n", strings.Repeat("=", 80), name)
		if first := known[string(content)]; first != "" {
			fmt.Fprintf(text, "The same as %s\n", first)
			return nil
		}
		known[string(content)] = name
		text.Write(content)
		return nil
	})
	if err == nil && len(known) == 0 {
		err = fmt.Errorf("%s contains none", licences)
	}
	return text.String(), err //nolint:wrapcheck // names the file
}

// commitTime returns the time of the commit that is built, so that a release does not depend on the time of the build. Without a
// repository, SOURCE_DATE_EPOCH sets it.
func commitTime(ctx context.Context) (time.Time, error) {
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		output, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("find the commit's time: %w; outside a repository, set SOURCE_DATE_EPOCH", err)
		}
		seconds = strings.TrimSpace(string(output))
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the commit's time: %w", err)
	}
	return time.Unix(unix, 0).UTC(), nil
}
