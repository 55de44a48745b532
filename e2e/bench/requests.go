package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// The users of a first and of a second bind in the API server's audit log.
const (
	freshUser  = "bench-fresh"
	secondUser = "bench-second"
)

// benchRequests counts the requests of a bind, without its Event and the rollout. The discovery cache is empty.
func (b *bench) benchRequests(ctx context.Context, r *report) error {
	n, err := b.database(ctx)
	if err != nil {
		return err
	}
	if err := b.deploy(ctx, n, 1, 0); err != nil {
		return err
	}
	for _, goal := range []struct {
		what, user      string
		execs, requests int
	}{{"a fresh bind", freshUser, 1, 12}, {"a second bind", secondUser, 1, 6}} {
		counted, err := b.countBind(ctx, n, goal.user)
		if err != nil {
			return fmt.Errorf("%s: %w", goal.what, err)
		}
		r.hold(goal.what+", exec sessions", fmt.Sprint(counted.execs), fmt.Sprintf("at most %d", goal.execs), counted.execs <= goal.execs)
		r.hold(
			goal.what+", API requests, execs included", fmt.Sprint(counted.requests),
			fmt.Sprintf("at most %d", goal.requests), counted.requests <= goal.requests,
		)
	}
	return nil
}

// countBind binds a Deployment as a user, and counts that user's requests.
func (b *bench) countBind(ctx context.Context, n *harness.Namespace, user string) (count, error) {
	everything := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}
	kubeconfig, err := n.Identity(ctx, user, b.dir, everything)
	if err != nil {
		return count{}, err
	}
	empty := "--cache-dir=" + filepath.Join(b.dir, "discovery-"+user)
	if _, err := n.Pgbind("deployment/"+deploymentName(0), "--wait=false", empty).As(kubeconfig).Output(ctx); err != nil {
		return count{}, err
	}
	// The log is written a moment after the answer.
	var counted count
	err = wait.PollUntilContextTimeout(ctx, 2*time.Second, time.Minute, false, func(ctx context.Context) (bool, error) {
		before := counted
		counted, err = auditCount(ctx, "system:serviceaccount:"+n.Name+":"+user)
		return counted == before && counted.requests > 0, err
	})
	return counted, err
}

// count is the number of a user's requests; an exec is one of them.
type count struct{ requests, execs int }

// auditCount counts a user's requests in the API server's audit log.
func auditCount(ctx context.Context, user string) (count, error) {
	var counted count
	cmd := exec.CommandContext(ctx, "go", "run", "./e2e/cluster", "audit")
	log, err := cmd.StdoutPipe()
	if err != nil {
		return counted, fmt.Errorf("read the audit log: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return counted, fmt.Errorf("read the audit log: %w", err)
	}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if bytes.Contains(line, []byte(user)) {
			counted.add(line, user)
		}
		if err == io.EOF {
			return counted, cmd.Wait()
		}
		if err != nil {
			return counted, fmt.Errorf("read the audit log: %w", err)
		}
	}
}

// add counts one line of the log, if it is a request of the user and no Event.
func (c *count) add(line []byte, user string) {
	var entry struct {
		User      struct{ Username string }
		ObjectRef struct{ Resource, Subresource string }
	}
	if json.Unmarshal(line, &entry) != nil || entry.User.Username != user || entry.ObjectRef.Resource == "events" {
		return
	}
	c.requests++
	if entry.ObjectRef.Subresource == "exec" {
		c.execs++
	}
}
