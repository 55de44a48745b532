package fix

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
)

// steps describes the steps of a plan.
func steps(p *Plan) map[check.Action][]check.Reason {
	of := map[check.Action][]check.Reason{}
	for _, s := range p.Steps {
		for _, f := range s.Findings {
			of[s.Action] = append(of[s.Action], f.Reason)
		}
	}
	return of
}

func TestPlan_OneBindForABinding(t *testing.T) {
	limit := int32(5)
	few, lost := finding(check.TooFewConnections, check.Bind), finding(check.Unreferenced, check.Bind)
	few.Fix.Change.ConnectionLimit, lost.Fix.Change.Inject = &limit, "env"
	plan := (&Planner{}).Plan(check.Findings{lost, few, finding(check.BadSecret, check.Recreate), finding(check.StalePods, check.Restart)})
	assert.Equal(t, map[check.Action][]check.Reason{
		check.Recreate: {check.Unreferenced, check.TooFewConnections, check.BadSecret}, check.Restart: {check.StalePods},
	}, steps(plan))
	assert.Equal(t, v1alpha1.BindingSpec{
		Workload: "statefulset.apps/web", Postgres: "pod/pg-0", DBName: "shop", ConnectionLimit: &limit, Inject: "env",
	}, plan.Steps[0].Spec)
}

func TestPlan_LeavesWhatAPersonDecides(t *testing.T) {
	plan := (&Planner{}).Plan(check.Findings{
		finding(check.Exceeds, ""), finding(check.Unknown, ""), finding(check.SharedCode, ""), finding(check.OK, ""),
	})
	assert.Empty(t, plan.Steps)
	assert.Len(t, plan.Left, 2)
}

func TestPlan_ARemovalFixesEverythingOfABinding(t *testing.T) {
	orphan := check.Finding{Reason: check.OrphanedRole, Namespace: "ns", Role: "pgb_x_1", Fix: check.Fix{Action: check.Remove}}
	plan := (&Planner{}).Plan(
		check.Findings{finding(check.Lacks, check.Bind), finding(check.Expired, check.Remove), finding(check.Exceeds, ""), orphan},
	)
	assert.Equal(
		t,
		map[check.Action][]check.Reason{check.Remove: {check.Lacks, check.Expired, check.Exceeds, check.OrphanedRole}},
		steps(plan),
	)
	assert.Len(t, plan.Steps, 2, "the orphan is another step")
	assert.Empty(t, plan.Left)
}

func TestPlan_TriesNothingTwice(t *testing.T) {
	p := &Planner{}
	found := check.Findings{finding(check.Lacks, check.Bind)}
	assert.Len(t, p.Plan(found).Steps, 1)
	again := p.Plan(append(found, finding(check.Leftover, check.Rotate)))
	assert.Equal(t, map[check.Action][]check.Reason{check.Rotate: {check.Leftover}}, steps(again))
	assert.Equal(t, found, again.Left)
	assert.Empty(t, p.Plan(append(found, finding(check.Leftover, check.Rotate))).Steps)
}

func TestPlan_LeavesTheSecondSecretOfABinding(t *testing.T) {
	twin := finding(check.Lacks, check.Bind)
	twin.Secret = "twin"
	plan := (&Planner{}).Plan(check.Findings{finding(check.Lacks, check.Bind), twin})
	assert.Len(t, plan.Steps, 1)
	assert.Equal(t, check.Findings{twin}, plan.Left)
}
