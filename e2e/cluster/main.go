// Command cluster starts a real Kubernetes cluster for the project's tests, on a machine that need only have Go, make and root on
// Debian, and deletes it again.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: go run ./e2e/cluster VERB

  up                  start the cluster, or keep the one that runs
  down                remove the cluster, and the engine if "up" started it
  kubeconfig          print the path of the cluster's kubeconfig
  path                print the folder of the kubectl and kind that belong to the cluster
  load IMAGE...       load images of the engine into the cluster
  postgres MAJOR...   get the images postgres:MAJOR and load them
  pooler              build the image pgbouncer:dev and load it
  extras              build the image postgres-extras:17 and load it
  git                 build the image pgbind-git:dev, a Git server, and load it
  redis               build the image pgbind-redis:dev and load it
  patroni MAJOR...    build the images patroni:MAJOR and load them
  app                 build the web app's image pgbind-app:dev and load it
  applications NAME...  build the images pgbind-NAME:dev of the modules e2e/tools/NAME and load them
  plugin              build the image kubectl-pgbind:dev and load it
  bsdtar              install bsdtar, with which tests unpack packages
  ansible             build the image pgbind-ansible:dev, in which the benchmark runs Ansible
  chromium            install the browser in which tests open the page of an audit
  audit               print the API server's audit log, one JSON object per line
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 0 {
		return fmt.Errorf("no verb given\n%s", usage)
	}
	w, err := newWorkspace(os.Stderr)
	if err != nil {
		return err
	}
	verb, rest := args[0], args[1:]
	switch verb {
	case "kubeconfig":
		return printLine(w.kubeconfig())
	case "path":
		return printLine(w.bin())
	case "audit":
		return w.printAuditLog(ctx, os.Stdout)
	}
	unlock, err := w.lock()
	if err != nil {
		return err
	}
	defer unlock()
	defer w.steps.summary()
	return w.change(ctx, verb, rest)
}

// change runs the verbs that alter the machine; the caller holds the lock.
func (w *workspace) change(ctx context.Context, verb string, args []string) error {
	switch verb {
	case "up":
		return w.up(ctx)
	case "down":
		return w.down(ctx)
	case "load":
		return w.load(ctx, args...)
	case "postgres":
		return w.postgres(ctx, args...)
	case "pooler":
		return w.debianImage(ctx, poolerImage, "pgbouncer")
	case "extras":
		return w.extras(ctx)
	case "git":
		return w.debianImage(ctx, gitImage, "git")
	case "redis":
		return w.debianImage(ctx, redisImage, "redis")
	case "patroni":
		return w.patroni(ctx, args...)
	case "app":
		return w.app(ctx)
	case "applications":
		return w.applications(ctx, args...)
	case "plugin":
		return w.plugin(ctx)
	case "bsdtar":
		return w.debianPackages(ctx, "bsdtar", "libarchive-tools")
	case "ansible":
		return w.ansible(ctx)
	case "chromium":
		return w.debianPackages(ctx, "chromium", "chromium", "fonts-dejavu-core")
	}
	return fmt.Errorf("unknown verb %q\n%s", verb, usage)
}

func printLine(text string) error {
	_, err := fmt.Fprintln(os.Stdout, text)
	return err
}
