package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

//go:embed ansible/playbook.yaml
var playbook string

const (
	ansibleImage = "pgbind-ansible:dev"
	ansibleLimit = 0.1 // times the duration of the playbook
)

// peerSizes are the numbers of bindings that Ansible makes, with the rounds of each: the larger one takes minutes.
func (b *bench) peerSizes() []struct{ bindings, rounds int } {
	return []struct{ bindings, rounds int }{{20, min(b.runs, 3)}, {200, 1}}
}

// benchAnsible compares an apply with a playbook of Ansible that does the same work. Both start without any binding, in turn.
func (b *bench) benchAnsible(ctx context.Context, r *report) (err error) {
	n, err := b.database(ctx)
	if err != nil {
		return err
	}
	a, err := b.startAnsible(ctx, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.stop(context.WithoutCancel(ctx))) }()
	for _, size := range b.peerSizes() {
		f := fleet{[]*harness.Namespace{n}, size.bindings}
		var applied, played []figures
		for range size.rounds {
			with, err := b.apply(ctx, f)
			if err != nil {
				return err
			}
			if err := errors.Join(b.verify(ctx, f), b.clear(ctx, n)); err != nil {
				return err
			}
			without, err := a.play(ctx, f)
			if err != nil {
				return err
			}
			if err := errors.Join(b.verify(ctx, f), a.clear(ctx, n)); err != nil {
				return fmt.Errorf("after the playbook: %w", err)
			}
			say("%d bindings in %s, by Ansible in %s", size.bindings, rounded(with.took), rounded(without.took))
			applied, played = append(applied, with), append(played, without)
		}
		r.compare(comparison{
			what: fmt.Sprintf("apply of %d bindings", size.bindings), took: median(applied),
			against: "Ansible", other: median(played), limit: ansibleLimit,
		})
	}
	return nil
}

// verify checks the bindings of a fleet: each Deployment refers to a Secret, whose user logs in and may change the table.
func (b *bench) verify(ctx context.Context, f fleet) error {
	for _, n := range f.namespaces {
		list, err := b.client.AppsV1().Deployments(n.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("list the bound Deployments: %w", err)
		}
		var logins []harness.Login
		for i := range list.Items {
			for _, source := range list.Items[i].Spec.Template.Spec.Containers[0].EnvFrom {
				login, err := n.Login(ctx, source.SecretRef.Name)
				if err != nil {
					return err
				}
				logins = append(logins, login)
			}
		}
		users, err := n.LogsIn(ctx, logins)
		if err != nil {
			return err
		}
		slices.Sort(users)
		if distinct := len(slices.Compact(users)); len(list.Items) != f.each || distinct != f.each {
			return fmt.Errorf("%d of %d Deployments have a user of their own that logs in, want %d", distinct, len(list.Items), f.each)
		}
		writers, err := n.AdminSQL(
			ctx,
			"SELECT count(*) FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND has_table_privilege(oid, 'company', 'INSERT')",
		)
		if err != nil || writers != strconv.Itoa(f.each) {
			return errors.Join(fmt.Errorf("%s users may change the table, want %d", writers, f.each), err)
		}
	}
	return nil
}

// ansible is a container with Ansible, as if it was installed on this machine, and a port of this machine that leads to the database.
type ansible struct {
	*bench
	namespace *harness.Namespace
	forward   *forward
	container string
	dir       string // /playbook in the container
}

func (b *bench) startAnsible(ctx context.Context, n *harness.Namespace) (*ansible, error) {
	if err := exec.CommandContext(ctx, "docker", "image", "inspect", ansibleImage).Run(); err != nil {
		return nil, fmt.Errorf("the image %s is missing: run go run ./e2e/cluster ansible: %w", ansibleImage, err)
	}
	a := &ansible{bench: b, namespace: n, dir: filepath.Join(b.dir, "ansible")}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for Ansible: %w", err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "playbook.yaml"), []byte(playbook), 0o600); err != nil {
		return nil, fmt.Errorf("write the playbook: %w", err)
	}
	id, err := docker(
		ctx, "run", "--detach", "--rm", "--network=host", "--volume="+a.dir+":/playbook", "--workdir=/playbook",
		"--volume="+os.Getenv("PGBIND_E2E_KUBECONFIG")+":/kubeconfig:ro", "--env=KUBECONFIG=/kubeconfig", ansibleImage, "sleep", "7200",
	)
	if err != nil {
		return nil, err
	}
	a.container = id
	if a.forward, err = startForward(ctx, n); err != nil {
		return nil, errors.Join(err, a.stop(context.WithoutCancel(ctx)))
	}
	return a, nil
}

func (a *ansible) stop(ctx context.Context) error {
	var errs []error
	if a.forward != nil {
		errs = append(errs, a.forward.stop())
	}
	_, err := docker(ctx, "rm", "--force", a.container)
	return errors.Join(append(errs, err)...)
}

// play runs the playbook for a fleet on one database, whose Deployments it creates first.
func (a *ansible) play(ctx context.Context, f fleet) (figures, error) {
	if err := a.deploy(ctx, a.namespace, f.each, 0); err != nil {
		return figures{}, err
	}
	secret, err := a.client.CoreV1().Secrets(a.namespace.Name).Get(ctx, "postgresql-secrets", metav1.GetOptions{})
	if err != nil {
		return figures{}, fmt.Errorf("read the administrator's password: %w", err)
	}
	type binding struct {
		Deployment string `json:"deployment"`
		Role       string `json:"role"`
	}
	var bindings []binding
	for i := range f.each {
		bindings = append(bindings, binding{deploymentName(i), "ansible-" + deploymentName(i)})
	}
	variables, err := json.Marshal(map[string]any{
		"namespace": a.namespace.Name, "port": a.forward.port, "admin_password": string(secret.Data["POSTGRES_PASSWORD"]),
		"host": lesson.DatabaseService + "." + a.namespace.Name + ".svc.cluster.local", "bindings": bindings,
	})
	if err != nil {
		return figures{}, fmt.Errorf("encode the variables of the playbook: %w", err)
	}
	if err := errors.Join(
		os.RemoveAll(filepath.Join(a.dir, "credentials")),
		os.WriteFile(filepath.Join(a.dir, "variables.json"), variables, 0o600),
	); err != nil {
		return figures{}, fmt.Errorf("write the variables of the playbook: %w", err)
	}
	return rested(exec.CommandContext( //nolint:gosec // our own container
		ctx, "docker", "exec", a.container, "ansible-playbook", "--inventory=localhost,", "--extra-vars=@variables.json", "playbook.yaml",
	))
}

// clear deletes what the playbook made, and the Deployments.
func (a *ansible) clear(ctx context.Context, n *harness.Namespace) error {
	if err := a.client.CoreV1().Secrets(n.Name).DeleteCollection(
		ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=ansible"},
	); err != nil {
		return fmt.Errorf("delete the Secrets of the playbook: %w", err)
	}
	if _, err := n.AdminSQL(ctx, `DROP OWNED BY application; DROP ROLE application;
		SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'ansible-%' \gexec`); err != nil {
		return err
	}
	return a.bench.clear(ctx, n)
}

// docker runs a short command of the engine.
func docker(ctx context.Context, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput() //nolint:gosec // our own arguments
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, strings.TrimSpace(string(output)))
	}
	return strings.TrimSpace(string(output)), nil
}
