// Package fix fixes what a check found: it plans which of the fixes run, and runs them through the pipelines of bind, rotate and unbind. It
// contains no command line and no SQL.
package fix

import (
	"cmp"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
)

// Step fixes findings of one binding, or removes one role.
type Step struct {
	Action   check.Action
	Findings check.Findings       // the first one is the worst
	Spec     v1alpha1.BindingSpec // for Bind and Recreate
}

// Plan is what one run does.
type Plan struct {
	Steps []Step         // in the order of the findings, the worst first
	Left  check.Findings // no step fixes them
}

// Planner plans the runs of one command. It plans nothing twice, so that a fix that does not help is not repeated.
type Planner struct{ planned map[tried]bool }

// tried identifies a fix of a finding.
type tried struct {
	action check.Action
	reason check.Reason
	of     subject
}

// subject is a binding, or a role without one. An orphaned role has no Secret.
type subject struct{ namespace, workload, secret, role string }

func subjectOf(f check.Finding) subject {
	s := subject{namespace: f.Namespace, workload: f.Workload, secret: f.Secret}
	if f.Secret == "" {
		s.role = f.Role
	}
	return s
}

// Plan returns the steps for findings.
func (p *Planner) Plan(found check.Findings) *Plan {
	if p.planned == nil {
		p.planned = map[tried]bool{}
	}
	plan := &Plan{}
	removed := map[subject]bool{}
	for _, f := range found {
		removed[subjectOf(f)] = removed[subjectOf(f)] || p.isNew(f) && f.Fix.Action == check.Remove
	}
	for _, f := range found {
		switch {
		case f.Reason == check.OK, f.Reason == check.SharedCode:
		case removed[subjectOf(f)]: // a removal fixes everything about the binding
			f.Fix.Action = check.Remove
			plan.add(f)
		case p.isNew(f):
			plan.add(f)
		default:
			plan.Left = append(plan.Left, f)
		}
	}
	plan.leaveTwins()
	for _, step := range plan.Steps {
		for _, f := range step.Findings {
			p.planned[triedOf(f)] = true
		}
	}
	return plan
}

func triedOf(f check.Finding) tried { return tried{f.Fix.Action, f.Reason, subjectOf(f)} }

// isNew reports whether a finding has a fix that no run has tried.
func (p *Planner) isNew(f check.Finding) bool { return f.Fix.Action != "" && !p.planned[triedOf(f)] }

// add adds a finding to the step of its binding, or adds a step.
func (p *Plan) add(f check.Finding) {
	for i := range p.Steps {
		s := &p.Steps[i]
		if subjectOf(s.Findings[0]) != subjectOf(f) || s.binds() != binds(f.Fix.Action) || !s.binds() && s.Action != f.Fix.Action {
			continue
		}
		if f.Fix.Action == check.Recreate {
			s.Action = check.Recreate
		}
		s.Findings = append(s.Findings, f)
		return
	}
	p.Steps = append(p.Steps, Step{Action: f.Fix.Action, Findings: check.Findings{f}})
}

func binds(a check.Action) bool { return a == check.Bind || a == check.Recreate }

func (s *Step) binds() bool { return binds(s.Action) }

// target is what makes a binding unique.
type target struct {
	namespace, workload, postgres, postgresNamespace, dbname string
	owner                                                    bool
}

// leaveTwins completes the specs, and leaves findings of a second Secret for the same binding: which of the two is right is a decision.
func (p *Plan) leaveTwins() {
	seen := map[target]bool{}
	p.Steps = slices.DeleteFunc(p.Steps, func(s Step) bool {
		if !s.binds() {
			return false
		}
		first := s.Findings[0]
		spec := first.Fix.Spec
		key := target{
			first.Namespace,
			spec.Workload,
			spec.Postgres,
			cmp.Or(spec.PostgresNamespace, first.Namespace),
			spec.DBName,
			spec.IsOwner(),
		}
		if seen[key] {
			p.Left = append(p.Left, s.Findings...)
			return true
		}
		seen[key] = true
		return false
	})
	for i := range p.Steps {
		var change check.Change
		for _, f := range p.Steps[i].Findings {
			change = change.And(f.Fix.Change)
		}
		p.Steps[i].Spec = change.Of(p.Steps[i].Findings[0].Fix.Spec)
	}
}

// Only returns the steps with one of the actions.
func (p *Plan) Only(actions ...check.Action) []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return !slices.Contains(actions, s.Action) })
}
