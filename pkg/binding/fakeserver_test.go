package binding

import (
	"context"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/metadata"
	metadatafake "k8s.io/client-go/metadata/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// roleState is a login role of the world.
type roleState struct {
	name, mark, run, password string
	granted, settled          bool
}

// fakeServer is one Pod of the world's PostgreSQL server.
type fakeServer struct {
	*world
	pod string
}

func (s *fakeServer) exec(requests []postgres.Request) {
	s.mu.Lock()
	s.execs = append(s.execs, len(requests))
	s.mu.Unlock()
	if s.slow != nil {
		s.slow(requests)
	}
}

func (s *fakeServer) standby() bool { return s.primary != "" && s.pod != s.primary }

func (s *fakeServer) CreateDatabase(_ context.Context, d postgres.NewDatabase) ([]string, error) {
	s.mu.Lock()
	s.created = append(s.created, d)
	s.mu.Unlock()
	if err := s.fault("create database"); err != nil {
		return nil, err
	}
	if s.standby() {
		return nil, postgres.ErrStandby
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.databases[d.Name] {
		return nil, nil
	}
	s.databases[d.Name], s.log = true, append(s.log, "create database")
	return []string{"CREATE DATABASE"}, nil
}

func (s *fakeServer) CreateAll(_ context.Context, requests []postgres.Request) []postgres.Creation {
	s.exec(requests)
	creations := make([]postgres.Creation, len(requests))
	for i, r := range requests {
		creations[i].Made, creations[i].Result, creations[i].Err = s.create(r)
	}
	return creations
}

func (s *fakeServer) create(r postgres.Request) (made bool, result *postgres.Result, err error) {
	s.mu.Lock()
	s.asked = append(s.asked, s.pod)
	s.mu.Unlock()
	if err := s.fault("createuser"); err != nil {
		return false, nil, err
	}
	if s.standby() {
		return false, nil, postgres.ErrStandby
	}
	s.mu.Lock()
	there := s.roles[r.Role.Name] != nil
	s.mu.Unlock()
	if there {
		return false, nil, postgres.ErrExists
	}
	s.mu.Lock()
	s.log = append(s.log, "createuser")
	s.roles[r.Role.Name] = &roleState{name: r.Role.Name}
	err = s.lose["createuser"]
	s.mu.Unlock()
	if err != nil {
		return false, nil, err
	}
	result, err = s.bindOne(r)
	return true, result, err
}

func (s *fakeServer) BindAll(_ context.Context, requests []postgres.Request) []postgres.Outcome {
	s.exec(requests)
	outcomes := make([]postgres.Outcome, len(requests))
	for i, r := range requests {
		outcomes[i].Result, outcomes[i].Err = s.bindOne(r)
	}
	return outcomes
}

func (s *fakeServer) bindOne(r postgres.Request) (*postgres.Result, error) {
	spec, l := r.Role, r.Login
	for _, name := range []string{"psql", "psql " + spec.Access.Database} {
		if err := s.fault(name); err != nil {
			return nil, err
		}
	}
	if s.standby() {
		return nil, postgres.ErrStandby
	}
	s.mu.Lock()
	role := s.roles[spec.Name]
	s.mu.Unlock()
	switch {
	case role == nil || !l.Set && role.password == "":
		return nil, postgres.ErrIncomplete
	case role.mark != "" && role.mark != spec.Owner.ID, role.mark == "" && !l.Set && !spec.Adopt:
		return nil, &postgres.ForeignRoleError{Role: spec.Name, Verdict: "foreign"}
	}
	result := &postgres.Result{Host: l.Host, Reached: l.Host, Verified: true, SSL: true, Others: s.others}
	if !role.granted {
		result.Did = []string{"GRANT"}
	}
	role.granted = true
	if spec.Adopt {
		s.wrote("adopt")
		role.mark, role.run = spec.Owner.ID, spec.Owner.Run
	}
	if l.Set {
		s.wrote("psql")
		role.mark, role.run, role.password = spec.Owner.ID, spec.Owner.Run, l.Password
		if err := s.fault("proof"); err != nil {
			return nil, err
		}
	}
	if l.Password != role.password {
		return result, &postgres.LoginError{Message: "no"}
	}
	return result, s.lose["psql"]
}

func (s *fakeServer) Adoptable(_ context.Context, spec postgres.RoleSpec, l postgres.Login) error {
	if err := s.fault("adoptable"); err != nil {
		return err
	}
	if s.standby() {
		return postgres.ErrStandby
	}
	role := s.roles[spec.Name]
	switch {
	case role == nil:
		return &postgres.GoneError{Role: spec.Name}
	case role.mark != "" && role.mark != spec.Owner.ID:
		return &postgres.ForeignRoleError{Role: spec.Name, Verdict: "foreign"}
	case role.password != l.Password:
		return &postgres.LoginError{Message: "no"}
	}
	return nil
}

func (s *fakeServer) CompleteAdoption(_ context.Context, spec postgres.RoleSpec) (*postgres.TransferResult, error) {
	if err := s.fault("settle"); err != nil {
		return &postgres.TransferResult{}, err
	}
	s.wrote("settle")
	s.roles[spec.Name].settled = true
	return &postgres.TransferResult{Kept: []postgres.Kept{{Object: "function f()", Reason: "it runs as its owner"}}}, nil
}

func (s *fakeServer) TransferOwnership(_ context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error) {
	if err := s.fault("hand over"); err != nil {
		return &postgres.TransferResult{}, err
	}
	s.wrote("hand over")
	s.owner = transfer.Access.Role()
	return &postgres.TransferResult{Did: []string{"ALTER TABLE"}}, nil
}

func (s *fakeServer) ReturnOwnership(_ context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error) {
	s.wrote("give back")
	s.owner = transfer.Login
	assert.Equal(s.t, []string{"table x"}, transfer.Except)
	return &postgres.TransferResult{Did: []string{"ALTER TABLE"}}, nil
}

func (s *fakeServer) Release(_ context.Context, spec postgres.RoleSpec) ([]string, error) {
	role := s.roles[spec.Name]
	if role == nil || role.run != spec.Owner.Run {
		return nil, nil
	}
	s.wrote("release")
	role.mark, role.run, role.granted = "", "", false
	return []string{"COMMENT"}, nil
}

func (s *fakeServer) LastRun(_ context.Context, role string) (string, error) {
	return s.roles[role].run, nil
}

func (s *fakeServer) Undo(_ context.Context, spec postgres.RoleSpec) ([]string, error) {
	if err := s.fault("drop role"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	role := s.roles[spec.Name]
	if role == nil || role.run != "" && role.run != spec.Owner.Run {
		return nil, nil
	}
	s.log = append(s.log, "drop role")
	delete(s.roles, spec.Name)
	return []string{"DROP ROLE"}, nil
}

// metadata shows the Secrets of kube as a metadata client does.
func (w *world) metadata() metadata.Interface {
	scheme := metadatafake.NewTestScheme()
	require.NoError(w.t, metav1.AddMetaToScheme(scheme))
	client := metadatafake.NewSimpleMetadataClient(scheme)
	client.PrependReactor("*", "*", func(action k8stesting.Action) (bool, runtime.Object, error) {
		if action.GetVerb() != "list" || action.GetResource().Resource != "secrets" {
			w.t.Errorf("unexpected request: %s %s", action.GetVerb(), action.GetResource().Resource)
		}
		if err := w.fault("list secrets"); err != nil {
			return true, nil, err
		}
		list, err := w.kube.Tracker().List(action.GetResource(), corev1.SchemeGroupVersion.WithKind("Secret"), "ns")
		require.NoError(w.t, err)
		found := &metav1.List{}
		secrets, _ := list.(*corev1.SecretList)
		for _, s := range secrets.Items {
			found.Items = append(found.Items, runtime.RawExtension{Object: &metav1.PartialObjectMetadata{ObjectMeta: s.ObjectMeta}})
		}
		return true, found, nil
	})
	return client
}
