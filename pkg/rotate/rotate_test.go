package rotate

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

var errBroken = errors.New("connection reset")

// inWorld runs a test with a fake clock.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

// reversible and final return the steps of a rotation, in order.
func reversible() []string {
	return []string{
		"createuser " + second, "password of " + second, "secret of " + second, "patch 2", "rollout to " + second,
		"end idle of " + first,
	}
}

func final() []string {
	return []string{"disable " + first, "end sessions of " + first, "drop " + first}
}

// TestRotate_ReplacesPodsOfAnEarlierBinding has a template with the annotation that rotations of an earlier binding of the Secret's name left.
func TestRotate_ReplacesPodsOfAnEarlierBinding(t *testing.T) {
	for _, left := range []string{"2", "former-uid.2"} {
		inWorld(t, func(w *world) {
			w.workload.Template().Annotations = map[string]string{secret.GenerationAnnotation(secretName): left}
			require.NoError(w.t, w.rotate())
			assert.Equal(w.t, "secret-uid.2", w.workload.Template().Annotations[secret.GenerationAnnotation(secretName)])
			assert.Contains(w.t, w.Log, "rollout to "+second)
		})
	}
}

func TestRotate_WritesInOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w.t, w.rotate())
		assert.Equal(w.t, slices.Concat(reversible(), final()), w.Log)
		assert.Equal(w.t, []string{"secret/" + secretName + " rotated", "role/" + first + " dropped"}, w.Results)
		w.assertOnly(second)
		require.NoError(w.t, w.rotate(), "a second rotation")
		w.assertOnly("pgb_abc_3")
	})
}

func TestRotate_RollsBackUntilOldRoleIsDisabled(t *testing.T) {
	for _, step := range reversible() {
		for when, set := range map[string]func(*world){
			"before": func(w *world) { w.Fail[step] = errBroken },
			"after":  func(w *world) { w.Lose[step] = errBroken },
		} {
			t.Run(when+" "+step, func(t *testing.T) {
				inWorld(t, func(w *world) {
					set(w)
					require.ErrorIs(w.t, w.rotate(), errBroken)
					assert.Empty(w.t, w.Results)
					if step == reversible()[0] && when == "after" {
						// It is unknown whether createuser succeeded: the role stays, and the next run uses it.
						delete(w.passes, second)
					}
					w.assertOnly(first)
					require.NoError(w.t, w.rotate())
					w.assertOnly(second)
				})
			})
		}
	}
}

func TestRotate_ContinuesInterruptedRun(t *testing.T) {
	for _, step := range final() {
		t.Run(step, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.Fail[step] = errBroken
				err := w.rotate()
				require.ErrorIs(w.t, err, errBroken)
				require.ErrorContains(w.t, err, "run the same command again")
				require.NoError(w.t, w.rotate())
				w.assertOnly(second)
			})
		})
	}
	t.Run("killed after the Secret was written", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.passes[second] = "p2"
			stored := w.secret().DeepCopy()
			marks, _ := secret.MarksOf(stored)
			marks.Role, marks.Generation = second, 2
			require.NoError(w.t, secret.Renew(stored, marks, secret.Credentials{Host: "svc.ns", Username: second, Password: "p2"}))
			require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), stored, "ns"))
			require.NoError(w.t, w.rotate())
			assert.Equal(
				w.t, slices.Concat([]string{"patch 2", "rollout to " + second, "end idle of " + first}, final()), w.Log,
				"the remaining steps",
			)
			w.assertOnly(second)
		})
	})
}

func TestRotate_KeepsLoginInUseIfRollbackFails(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Fail["rollout to "+second], w.Fail["secret of "+first] = errBroken, errBroken
		require.ErrorIs(w.t, w.rotate(), errBroken)
		assert.Contains(w.t, w.passes, second, "the Secret contains this role")
		assert.NotEmpty(w.t, w.Warned)
		require.NoError(w.t, w.rotate())
		w.assertOnly(second)
	})
}

func TestRotate_UsesPasswordOfConcurrentRun(t *testing.T) {
	inWorld(t, func(w *world) {
		// The other run wrote the same generation to the Secret after this run read it.
		w.kube.PrependReactor("update", "secrets", w.otherRunWins())
		require.NoError(w.t, w.rotate())
		assert.Equal(w.t, "other", w.passes[second], "the role has the password in the Secret")
		w.assertOnly(second)
	})
}

func TestRotate_KeepsPodsThatReadFiles(t *testing.T) {
	inWorld(t, func(w *world) {
		w.setWorkload(corev1.PodSpec{
			Containers: []corev1.Container{{Name: "app", VolumeMounts: []corev1.VolumeMount{{Name: "login", MountPath: "/login"}}}},
			Volumes: []corev1.Volume{
				{Name: "login", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secretName}}},
			},
		})
		start := time.Now()
		require.NoError(w.t, w.rotate())
		assert.Equal(w.t, 2*time.Minute, time.Since(start))
		assert.Contains(w.t, w.passes, first)
		assert.False(w.t, w.locked[first])
		assert.Empty(w.t, w.workload.Template().Annotations, "no Pod is replaced")
		w.pods = second

		require.NoError(w.t, w.rotate())
		assert.NotContains(w.t, w.passes, first)
		assert.Contains(w.t, w.passes, second)
		w.pods = "pgb_abc_4"

		require.NoError(w.t, w.rotate(func(o *Options) { o.DropAfter = 3 * time.Minute }))
		w.assertOnly("pgb_abc_4")
	})
}

func TestRotate_FailsBeforeWritingIfForbidden(t *testing.T) {
	for _, request := range []string{"secret", "patch", "pods", "users"} {
		inWorld(t, func(w *world) {
			w.refused[request] = errors.New("not for you")
			for _, dryRun := range []cmdutil.DryRunStrategy{cmdutil.DryRunNone, cmdutil.DryRunServer} {
				require.ErrorContains(w.t, w.rotate(func(o *Options) { o.DryRun = dryRun }), "not for you")
				assert.Empty(w.t, w.Log)
				assert.Equal(w.t, map[string]string{first: "p1"}, w.passes)
			}
		})
	}
}

func TestRotate_JoinsFasterRotation(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Then["password of "+second] = func() {
			theirs := w.secret().DeepCopy()
			marks, _ := secret.MarksOf(theirs)
			marks.Role, marks.Generation = second, 2
			require.NoError(w.t, secret.Renew(theirs, marks, secret.Credentials{Host: "svc.ns", Username: second, Password: "theirs"}))
			theirs.ResourceVersion = "theirs"
			require.NoError(w.t, w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("secrets"), theirs, "ns"))
			w.pods = second
			delete(w.passes, first)
		}
		require.NoError(w.t, w.rotate())
		w.assertOnly(second)
		assert.Equal(w.t, "theirs", w.passes[second])
	})
}

func TestRotate_RecreatesDeletedSecret(t *testing.T) {
	inWorld(t, func(w *world) {
		labels := w.secret().Labels
		require.NoError(w.t, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName))
		require.NoError(w.t, w.rotate(func(o *Options) { o.Postgres.Kind, o.Postgres.Name = "pod", "pg-0" }))
		marks, ok := secret.MarksOf(w.secret())
		require.True(w.t, ok)
		assert.Equal(w.t, "all", marks.Access)
		assert.Equal(w.t, second, marks.Role)
		c, _ := secret.Of(w.secret())
		assert.Equal(w.t, w.passes[second], c.Password)
		assert.NotContains(w.t, w.passes, first)
		assert.Contains(w.t, labels, "theirs")
	})
}

func TestRotate_InPlace(t *testing.T) {
	in := func(o *Options) { o.InPlace = true }
	t.Run("only the password", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w.t, w.rotate(in))
			assert.Equal(w.t, []string{"password of " + first, "secret of " + first}, w.Log)
			assert.NotEqual(w.t, "p1", w.passes[first])
			require.Len(w.t, w.Warned, 1)
			assert.Contains(w.t, w.Warned[0], "kubectl rollout restart")
			w.assertOnly(first)
		})
	})
	t.Run("undone", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.Fail["secret of "+first] = errBroken
			require.ErrorIs(w.t, w.rotate(in), errBroken)
			assert.Equal(w.t, "p1", w.passes[first])
			w.assertOnly(first)
		})
	})
}

func TestRotate_ChangesNothing(t *testing.T) {
	t.Run("dry run", func(t *testing.T) {
		inWorld(t, func(w *world) {
			require.NoError(w.t, w.rotate(func(o *Options) { o.DryRun = cmdutil.DryRunClient }))
			assert.Empty(w.t, w.Log)
			w.assertOnly(first)
		})
	})
	t.Run("dry run after an interrupted rotation", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.Fail["disable "+first] = errBroken
			require.ErrorIs(w.t, w.rotate(), errBroken)
			w.Results = nil
			require.NoError(w.t, w.rotate(func(o *Options) { o.DryRun = cmdutil.DryRunClient }))
			assert.Equal(w.t, []string{"role/" + first + " dropped", "secret/" + secretName + " rotated"}, w.Results, "no further role")
			w.Results = nil
			require.NoError(w.t, w.rotate())
			assert.ElementsMatch(
				w.t, []string{"role/" + first + " dropped", "secret/" + secretName + " rotated"}, w.Results,
				"as the dry run says",
			)
		})
	})
	t.Run("own privileges would be lost", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.granted = 1
			require.ErrorContains(w.t, w.rotate(), "privileges on table t")
			assert.Empty(w.t, w.Log)
			require.NoError(w.t, w.rotate(func(o *Options) { o.Force = true }))
			w.assertOnly(second)
		})
	})
	t.Run("a variable is hidden", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.hidden = []workload.Hidden{{Container: "app", Variable: "POSTGRES_HOST", By: "env"}}
			require.ErrorContains(
				w.t, w.rotate(),
				"deployment.apps/web would not use the new login: container app gets POSTGRES_HOST from env",
			)
			assert.Empty(w.t, w.Log)
			require.NoError(w.t, w.rotate(func(o *Options) { o.Force = true }))
			w.assertOnly(second)
		})
	})
	t.Run("missing role", func(t *testing.T) {
		inWorld(t, func(w *world) {
			delete(w.passes, first)
			require.ErrorContains(w.t, w.rotate(), "create it again with: kubectl pgbind deployment.apps/web -n ns")
		})
	})
}

func TestRotate_WarnsOfUnfinishedRevokes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.unfinished = []postgres.Unfinished{
			{Statement: "REVOKE TRIGGER ON TABLE public.t FROM x", Blockers: []string{"process 7 of user boss"}},
		}
		require.NoError(w.t, w.rotate())
		assert.Contains(w.t, w.Warned, "REVOKE TRIGGER ON TABLE public.t FROM x: another session prevents it (process 7 of user boss); "+
			"run the command again when it has ended")
		w.assertOnly(second)
	})
}

func TestRotate_RepeatsAfterAnotherWritersChange(t *testing.T) {
	for name, options := range map[string]func(*Options){"a new user": func(*Options) {}, "in place": func(o *Options) { o.InPlace = true }} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				changes := 0
				w.kube.PrependReactor("update", "secrets", func(action k8stesting.Action) (bool, runtime.Object, error) {
					update, _ := action.(k8stesting.UpdateActionImpl)
					if update.UpdateOptions.DryRun == nil && changes < 2 {
						changes++
						stored := w.secret().DeepCopy()
						stored.Labels["theirs"], stored.ResourceVersion = "label", fmt.Sprintf("theirs-%d", changes)
						require.NoError(w.t, w.kube.Tracker().Update(action.GetResource(), stored, "ns"))
					}
					return false, nil, nil
				})
				before := w.passes[first]
				require.NoError(w.t, w.rotate(options))
				role := second
				if name == "in place" {
					role = first
				}
				assert.NotEqual(w.t, before, w.passes[role])
				w.assertOnly(role)
			})
		})
	}
	t.Run("who never stops", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.kube.PrependReactor("update", "secrets", func(action k8stesting.Action) (bool, runtime.Object, error) {
				update, _ := action.(k8stesting.UpdateActionImpl)
				if update.UpdateOptions.DryRun != nil {
					return false, nil, nil
				}
				return true, nil, apierrors.NewConflict(action.GetResource().GroupResource(), secretName, errBroken)
			})
			require.ErrorContains(w.t, w.rotate(), "Operation cannot be fulfilled")
			w.assertOnly(first)
		})
	})
}
