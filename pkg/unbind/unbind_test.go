package unbind

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

var (
	errBroken = errors.New("connection reset")
	forbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no"))
)

// inWorld runs a test with a fake clock.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

func order() []string {
	return []string{
		"patch reference", "drain", "disable " + roleName, "end sessions of " + roleName, "drop " + roleName,
		"delete secret", "patch note",
	}
}

func TestUnbind_WritesInOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w.t, w.unbind())
		assert.Equal(w.t, order(), w.Log)
		assert.Equal(
			w.t,
			[]string{"role/" + roleName + " dropped", "secret/" + secretName + " deleted", "deployment.apps/web unbound"},
			w.Results,
		)
		assert.Equal(w.t, server.Ref{Kind: server.KindPod, Name: "pg-0", Namespace: "db"}, w.location, "the Secret names the server")
		w.assertUnbound()
	})
}

func TestUnbind_ChangesNothingTheSecondTime(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w.t, w.unbind())
		require.NoError(w.t, w.unbind())
		assert.Empty(w.t, w.Log)
		assert.Equal(w.t, []string{"deployment.apps/web unchanged"}, w.Results)
	})
}

func TestUnbind_ContinuesInterruptedRun(t *testing.T) {
	for _, step := range order() {
		for when, set := range map[string]func(*world){
			"before": func(w *world) { w.Fail[step] = errBroken },
			"after":  func(w *world) { w.Lose[step] = errBroken },
		} {
			t.Run(when+" "+step, func(t *testing.T) {
				inWorld(t, func(w *world) {
					set(w)
					err := w.unbind()
					require.ErrorIs(w.t, err, errBroken)
					require.ErrorContains(w.t, err, "run the same command again")
					require.NoError(w.t, w.unbind())
					w.assertUnbound()
				})
			})
			t.Run(when+" "+step+", and then the workload is deleted", func(t *testing.T) {
				inWorld(t, func(w *world) {
					set(w)
					require.ErrorIs(w.t, w.unbind(), errBroken)
					w.workload = nil
					require.NoError(w.t, w.unbind())
					w.assertUnbound()
				})
			})
		}
	}
}

func TestUnbind_DropsRoleOfConcurrentRotation(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Then["drop "+roleName] = func() {
			stored := w.secret().DeepCopy()
			marks, _ := secret.MarksOf(stored)
			marks.Role, marks.Generation = rotatedRole, 2
			require.NoError(w.t, secret.Renew(stored, marks, secret.Credentials{Host: "h", Username: rotatedRole, Password: "p"}))
			stored.ResourceVersion = "later"
			require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), stored, "ns"))
			w.role = &postgres.RoleDependencies{Role: rotatedRole, NewOwner: accessRole, Access: accessRole, CanLogin: true}
		}
		require.NoError(w.t, w.unbind())
		assert.Contains(w.t, w.Log, "drop "+rotatedRole)
		w.assertUnbound()
	})
}

func TestUnbind_KeepsNewerBinding(t *testing.T) {
	for name, secret := range map[string]string{"same Secret name": secretName, "other Secret name": "another"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				again := w.bound("web", bindingID)
				w.Then["drain"] = func() {
					require.NoError(w.t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
					theirs := w.boundSecret()
					theirs.Name, theirs.UID = secret, "another"
					require.NoError(w.t, w.kube.Tracker().Add(theirs))
					w.workload, w.role = again, &postgres.RoleDependencies{Role: roleName, OID: 16500, CanLogin: true}
				}
				require.NoError(w.t, w.unbind())
				assert.Equal(w.t, []string{"patch reference", "drain"}, w.Log)
				assert.True(w.t, w.role.CanLogin)
				assert.Equal(w.t, again.Annotations(), w.workload.Annotations())
			})
		})
	}
}

func TestUnbind_RefusesWithoutChanges(t *testing.T) {
	tests := map[string]struct {
		set  func(*world)
		want string
	}{
		"other workload uses the Secret": {
			func(w *world) { w.others = []*workload.Workload{w.bound("other", "x")} },
			"deployment.apps/other: remove these references first, or use --force",
		},
		"other reference in the workload": {func(w *world) {
			container := &w.workload.Template().Spec.Containers[0]
			container.Env = append(
				container.Env,
				corev1.EnvVar{Name: "PW", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: secretName}, Key: "POSTGRES_PASSWORD"}}},
			)
		}, "in a way that pgbind did not create"},
		"the manifest has the reference": {func(w *world) {
			w.workload.SetAnnotation(corev1.LastAppliedConfigAnnotation, `{"spec":{"template":{"spec":{"containers":[
				{"name":"app","envFrom":[{"secretRef":{"name":"`+secretName+`"}}]}]}}}}`)
		}, "kubectl apply would restore the reference"},
		"patch is rejected":       {func(w *world) { w.Fail["try patch"] = errBroken }, "cannot be removed"},
		"Pods cannot be listed":   {func(w *world) { w.Fail["list pods"] = errBroken }, "cannot wait for"},
		"deletion is forbidden":   {func(w *world) { w.Fail["try delete secret"] = errBroken }, "needs permission"},
		"database does not exist": {func(w *world) { w.Fail["find"] = errBroken }, "--abandon-role"},
		"foreign role": {func(w *world) {
			w.Fail["holdings"] = &postgres.ForeignRoleError{Role: "postgres", Verdict: "privileged"}
		}, `role "postgres" exists and does not belong to this binding`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				test.set(w)
				require.ErrorContains(w.t, w.unbind(), test.want)
				w.assertBound()
			})
		})
	}
}

// TestUnbind_LocksOutFirst requires that a role that cannot be dropped is disabled, and that the Secret stays for the next run.
func TestUnbind_LocksOutFirst(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*postgres.Holdings)
		want   string
	}{
		"prepared transaction": {func(h *postgres.Holdings) {
			h.Roles[0].Prepared = []postgres.Prepared{{Name: "tx", Database: "shop"}}
		}, `"tx" in database "shop" holds locks of the role: end it there with COMMIT PREPARED`},
		"database without connections": {func(h *postgres.Holdings) { h.Databases = []postgres.HeldDatabase{{Name: "shop"}} }, "ALLOW_CONNECTIONS true"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.held = &postgres.Holdings{Roles: []postgres.RoleDependencies{*w.role}}
				test.change(w.held)
				require.ErrorContains(w.t, w.unbind(), test.want)
				assert.Contains(w.t, w.Log, "disable "+roleName)
				assert.NotContains(w.t, w.Log, "drop "+roleName)
				assert.NotNil(w.t, w.secret())
			})
		})
	}
}

func TestUnbind_ForceIgnoresOtherWorkloads(t *testing.T) {
	inWorld(t, func(w *world) {
		w.others = []*workload.Workload{w.bound("other", "x")}
		require.NoError(w.t, w.unbind(func(o *Options) { o.Force = true }))
		w.assertUnbound()
	})
}

func TestUnbind_FindsPartialBinding(t *testing.T) {
	t.Run("deleted workload", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.workload = nil
			require.NoError(w.t, w.unbind())
			w.assertUnbound()
		})
	})
	t.Run("deleted workload, Secrets cannot be listed", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.workload, w.Fail["list secrets"] = nil, forbidden
			require.ErrorContains(w.t, w.unbind(), "get the right to list them")
		})
	})
	t.Run("Secrets cannot be listed", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.kube.PrependReactor("list", "secrets", refuseList)
			require.NoError(w.t, w.unbind())
			w.assertUnbound()
		})
	})
	t.Run("deleted Secret", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w.t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
			require.NoError(w.t, w.unbind())
			assert.Equal(w.t, "default-0", w.location.Name)
			w.assertUnbound()
		})
	})
	t.Run("database Pod named by the user", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w.t, w.unbind(func(o *Options) { o.Named = true }))
			assert.Equal(w.t, "default-0", w.location.Name)
		})
	})
}

func TestUnbind_RejectsAmbiguousBinding(t *testing.T) {
	inWorld(t, func(w *world) {
		second := w.boundSecret()
		second.Name = "second"
		require.NoError(w.t, w.kube.Tracker().Add(second))
		require.ErrorContains(
			w.t, w.unbind(),
			"choose one with --secret: postgresql-secret-2 (database postgres), second (database postgres)",
		)
		w.assertBound()
		w.filter.Secret = secretName
		require.NoError(w.t, w.unbind())
		assert.Nil(w.t, w.secret())
	})
}

func TestUnbind_AppliesOptions(t *testing.T) {
	t.Run("abandon", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w.t, w.unbind(func(o *Options) { o.Abandon = true }))
			assert.Equal(w.t, []string{"patch reference", "drain", "delete secret", "patch note"}, w.Log)
			require.Len(w.t, w.Shown, 1)
			assert.Contains(w.t, w.Shown[0], `REASSIGN OWNED BY "pgb_abc_1" TO "pgbind_postgres_public_all_u26fcriu4q";`)
			assert.Contains(w.t, w.Shown[0], `DROP ROLE "pgb_abc_1";`)
			assert.Nil(w.t, w.secret())
		})
	})
	t.Run("keep", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w.t, w.unbind(func(o *Options) { o.Keep = true }))
			require.NotNil(w.t, w.role)
			assert.False(w.t, w.role.CanLogin)
			assert.Nil(w.t, w.secret())
		})
	})
	for stays, verb := range map[bool]string{false: "dropped", true: ""} {
		t.Run("purge "+verb, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.stays, w.Lose["purge "+accessRole] = stays, errBroken
				require.ErrorIs(w.t, w.unbind(func(o *Options) { o.Purge = true }), errBroken)
				require.NoError(w.t, w.unbind(func(o *Options) { o.Purge = true }), "the Secret still names the access role")
				assert.Contains(w.t, w.Log, "purge "+accessRole)
				assert.Equal(w.t, stays, len(w.Warned) > 0)
				w.assertUnbound()
			})
		})
	}
	t.Run("dry run", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w.t, w.unbind(func(o *Options) { o.DryRun = cmdutil.DryRunServer }))
			w.assertBound()
			assert.Contains(w.t, w.Results, "secret/"+secretName+" deleted")
		})
	})
}
