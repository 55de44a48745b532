// Command demo runs the lesson on the cluster that the environment names: it deploys the database and the web app,
// binds them with "kubectl pgbind", and prints the app's page to stdout. Progress goes to stderr.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stdout, progress io.Writer) error {
	return harness.Use(func(h *harness.Harness) error {
		d := &demo{namespace: h.Namespace(lesson.Namespace), progress: progress}
		return d.play(ctx, stdout)
	})
}

// demo runs the lesson in one namespace.
type demo struct {
	namespace *harness.Namespace
	progress  io.Writer
	page      string // the answer of the app
}

// play runs the steps. Each step keeps what an earlier run created.
func (d *demo) play(ctx context.Context, stdout io.Writer) error {
	bind := d.namespace.Harness.Pgbind("deployment/"+lesson.Application, "-n", lesson.Namespace).Mirror(d.progress)
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"deploy the lesson's database and web app", d.deploy},
		{"make the table COMPANY", d.makeTable},
		{"run: " + bind.String(), func(ctx context.Context) error { return d.show(ctx, bind) }},
		{"fetch the app's page through the API server's Service proxy", d.fetch},
	} {
		_, _ = fmt.Fprintf(d.progress, "==> %s\n", step.what)
		start := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("demo: %s: %w", step.what, err)
		}
		_, _ = fmt.Fprintf(d.progress, "    done in %s\n", time.Since(start).Round(100*time.Millisecond))
	}
	_, err := fmt.Fprintln(stdout, d.page)
	return err
}

func (d *demo) deploy(ctx context.Context) error {
	if err := d.namespace.ApplyLesson(ctx); err != nil {
		return err
	}
	for _, workload := range []string{"statefulset/" + lesson.Database, "deployment/" + lesson.Application} {
		if err := d.namespace.Rollout(ctx, workload); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) makeTable(ctx context.Context) error {
	_, err := d.namespace.AdminSQL(ctx, lesson.CompanySQL())
	return err
}

// fetch waits for the page of a bound app and stores it.
func (d *demo) fetch(ctx context.Context) error {
	if err := d.namespace.WaitForPage(ctx, lesson.Page); err != nil {
		return err
	}
	_, page, err := d.namespace.Page(ctx)
	d.page = page
	return err
}

// show runs the command and prints its result to the progress, because stdout is for the page.
func (d *demo) show(ctx context.Context, command *harness.Command) error {
	output, err := command.Output(ctx)
	_, _ = fmt.Fprint(d.progress, output)
	return err
}
