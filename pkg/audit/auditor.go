package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// atOnce is the number of servers that are read at the same time.
const atOnce = 8

// Endpoints finds the servers that a reference can mean, and the Services in front of Pods. *server.Finder implements it.
type Endpoints interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
	Services(ctx context.Context, namespace string) (*server.Services, error)
}

// ServerReader reads one server. *postgres.Server implements it.
type ServerReader interface {
	Audit(ctx context.Context) (*postgres.Audit, error)
}

// Auditor audits servers. It changes nothing.
type Auditor struct {
	Kube      kubernetes.Interface
	Metadata  metadata.Interface
	Endpoints Endpoints
	Server    func(*server.Endpoint) ServerReader
	// Resolve reads the controller of an object of a kind that is not built in; see NewResolver.
	Resolve Resolver
}

// Options select what is audited.
type Options struct {
	Namespace   string      // of the Pods; empty: all namespaces
	Ref         *server.Ref // the server; nil: all that run in the namespace
	Container   string      // the server's container; empty: detected
	ReadSecrets bool        // also read the values of the Secrets that pod templates name
	AdminFlags  []string    // of the administrator, to be repeated in commands
}

// Audit reads the cluster and the servers. With an error about some servers it returns the report on the others.
func (a *Auditor) Audit(ctx context.Context, o Options) (*Report, error) {
	r := &reader{kube: a.Kube, metadata: a.Metadata}
	c, err := r.read(ctx, o.Namespace)
	if err != nil {
		return nil, err
	}
	r.finish(ctx, a.Resolve)
	if o.ReadSecrets {
		if err := r.readValues(ctx); err != nil {
			return nil, err
		}
	}
	instances, err := a.instances(ctx, c, o)
	if err != nil {
		return nil, err
	}
	var all []*found
	for _, instance := range instances {
		all = append(all, &found{instance: instance})
	}
	parallel.Each(all, atOnce, func(on *found) { on.err = a.read(ctx, on) })
	report := &Report{}
	var errs []error
	for _, on := range all {
		switch missing, err := (*postgres.MissingProgramError)(nil), on.err; {
		case o.Ref == nil && (errors.As(err, &missing) || errors.Is(err, postgres.ErrNoServer)): // a client can look like a server
			c.gaps = append(c.gaps, err.Error())
		case err != nil:
			errs = append(errs, err)
		default:
			report.add(a.newFacts(ctx, c, on, o))
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, gap := range c.gaps {
		report.Findings = append(report.Findings, notSeen("cluster", gap))
	}
	sortFindings(report.Findings)
	sortAccesses(report.Accesses)
	return report, errors.Join(errs...)
}

// add judges one server.
func (r *Report) add(f *facts) {
	r.Servers = append(r.Servers, f.server)
	r.Accesses = append(r.Accesses, f.accesses...)
	r.Findings = append(r.Findings, f.findings()...)
}

// instances returns the servers to audit.
func (a *Auditor) instances(ctx context.Context, c *cluster, o Options) ([]server.Instance, error) {
	if o.Ref == nil {
		servers, skipped := server.List(
			slices.DeleteFunc(slices.Clone(c.pods), func(p corev1.Pod) bool { return server.PoolerOf(&p) != "" }),
			o.Container,
		)
		for _, err := range skipped {
			c.gaps = append(c.gaps, err.Error())
		}
		return servers, nil
	}
	// The audit connects inside the Pod, so that the server needs no Service: a host spares the search for one.
	candidates, err := a.Endpoints.Candidates(ctx, *o.Ref, server.Choice{Container: o.Container, Host: "localhost"})
	if err != nil {
		return nil, err
	}
	return []server.Instance{{Location: candidates[0].Location, Members: candidates}}, nil
}

// found is what was read of one server, or why it was not.
type found struct {
	instance server.Instance
	member   *server.Endpoint
	audit    *postgres.Audit
	err      error
}

// read reads one server: the first of its members that is not a standby.
func (a *Auditor) read(ctx context.Context, on *found) error {
	err := postgres.OnPrimary(on.instance.Members, func(member *server.Endpoint) (err error) {
		on.member = member
		on.audit, err = a.Server(member).Audit(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("audit %s: %w", on.instance.Location, err)
	}
	return nil
}

func (a *Auditor) newFacts(ctx context.Context, c *cluster, s *found, o Options) *facts {
	f := &facts{now: time.Now(), cluster: c, audit: s.audit, services: serviceNames{}, standbys: len(s.instance.Members) - 1}
	f.server = Server{
		Name:       s.instance.Location,
		Pod:        s.member.Pod.Name,
		Namespace:  s.member.Pod.Namespace,
		Version:    postgres.VersionText(s.audit.Version),
		Superuser:  s.audit.Access.Passwords,
		Statements: s.audit.Access.Statements,
	}
	f.container, f.admin = s.member.Container, o.AdminFlags
	f.ref = refOf(s.member.Pod, o.Ref)
	if err := a.services(ctx, f, s.instance); err != nil {
		f.gaps = append(f.gaps, err.Error())
	}
	f.accesses = f.join()
	f.accesses = append(f.accesses, f.withoutSessions(f.accesses)...)
	f.server.Roles = f.roles()
	return f
}

// services finds the names under which workloads reach the server: its own Services, and those of poolers that have sessions.
func (a *Auditor) services(ctx context.Context, f *facts, instance server.Instance) error {
	pods := map[string][]*corev1.Pod{}
	for _, m := range instance.Members {
		pods[m.Pod.Namespace] = append(pods[m.Pod.Namespace], m.Pod)
	}
	for _, s := range f.audit.Sessions {
		if pod := f.podAt(s.Address); pod != nil && server.PoolerOf(pod) != "" && !slices.Contains(pods[pod.Namespace], pod) {
			pods[pod.Namespace] = append(pods[pod.Namespace], pod)
		}
	}
	var errs []error
	for namespace, list := range pods {
		services, err := a.Endpoints.Services(ctx, namespace)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f.services[namespace] = services.To(list...)
	}
	return errors.Join(errs...)
}

// refOf returns the object that commands name as the server.
func refOf(pod *corev1.Pod, ref *server.Ref) server.Ref {
	if ref != nil {
		return *ref
	}
	return server.Ref{Kind: server.KindPod, Name: pod.Name, Namespace: pod.Namespace}
}
