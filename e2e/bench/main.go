// Command bench measures kubectl pgbind on the cluster that the environment names: compared with the lesson as a script of kubectl
// calls, with the least that a program must do and with Ansible, and with a thousand bindings. It writes the report to docs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	runs := flag.Int("runs", 7, "how often each figure is taken; the median counts")
	fleets := flag.Int("fleets", 7, "how often a thousand bindings are made; each takes a minute or more to prepare and to clear away")
	docs := flag.String("docs", "docs", "the folder in which the result is written")
	draw := flag.Bool("draw", false, "draw the page and the picture again from the figures of the last run, without a cluster")
	only := flag.String("only", "", "the one section to run: "+sectionNames()+"; nothing is written then")
	flag.Parse()
	if *draw {
		report, err := readReport(*docs)
		if err != nil {
			return err
		}
		return report.write(*docs)
	}
	dir, err := os.MkdirTemp("", "pgbind-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the benchmark: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b, err := newBench(ctx, dir)
	if err != nil {
		return err
	}
	b.runs, b.fleets = *runs, *fleets
	report, err := b.measure(ctx, *only)
	if err != nil {
		return err
	}
	fmt.Fprint(os.Stdout, report.table())
	if *only != "" {
		return nil
	}
	return report.write(*docs)
}

// bench is one run of the benchmark.
type bench struct {
	*harness.Harness
	dir    string // deleted at the end
	runs   int
	fleets int
	floor  string // the program floor
	script string // the lesson
	client kubernetes.Interface
	made   []*harness.Namespace
}

// unlimited is more requests a second than the preparations send.
const unlimited = 1000

func newBench(ctx context.Context, dir string) (*bench, error) {
	config, err := harness.ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	h, err := harness.New(config, dir)
	if err != nil {
		return nil, err
	}
	fast := rest.CopyConfig(h.REST)
	fast.QPS, fast.Burst = unlimited, unlimited
	client, err := kubernetes.NewForConfig(fast)
	if err != nil {
		return nil, fmt.Errorf("create a client for the cluster: %w", err)
	}
	b := &bench{Harness: h, dir: dir, client: client, floor: filepath.Join(dir, "floor"), script: filepath.Join(dir, "lesson.sh")}
	if err := os.WriteFile(b.script, []byte(lessonScript), 0o600); err != nil {
		return nil, fmt.Errorf("write the lesson's script: %w", err)
	}
	build := exec.CommandContext( //nolint:gosec // our own program
		ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.floor, "./e2e/bench/floor",
	)
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the program floor: %w: %s", err, output)
	}
	return b, nil
}

// cleanUp deletes the namespaces of a section, and waits until they are gone.
func (b *bench) cleanUp(ctx context.Context) error {
	made := b.made
	b.made = nil
	var errs []error
	for _, namespace := range made {
		errs = append(errs, namespace.Delete(ctx))
	}
	for _, namespace := range made {
		errs = append(errs, b.until(ctx, "namespace "+namespace.Name+" is gone", func(ctx context.Context) (bool, error) {
			_, err := b.client.CoreV1().Namespaces().Get(ctx, namespace.Name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return true, nil
			}
			return false, err
		}))
	}
	return errors.Join(errs...)
}

// say prints progress to the standard error.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
