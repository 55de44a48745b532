// Package fake has what the tests of the pipelines share: a strict API server, steps that fail, and a reporter that records. Only tests
// import it.
package fake

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
)

// NewCluster returns a cluster with objects. A request whose verb and resource, such as "get secrets", is not among allowed fails the
// test. react answers the allowed ones first; nil: the objects do.
func NewCluster(t *testing.T, allowed []string, react k8stesting.ReactionFunc, objects ...runtime.Object) *fake.Clientset {
	t.Helper()
	kube := fake.NewClientset(objects...)
	kube.PrependReactor("*", "*", func(action k8stesting.Action) (bool, runtime.Object, error) {
		verb := action.GetVerb() + " " + action.GetResource().Resource
		switch {
		case !slices.Contains(allowed, verb):
			t.Errorf("unexpected request: %s", verb)
			return true, nil, fmt.Errorf("unexpected request: %s", verb)
		case react != nil:
			return react(action)
		}
		return false, nil, nil
	})
	return kube
}

// Steps are what a test changes in memory, with the failures that it declares.
type Steps struct {
	// Fail lets the step of that name fail once before its effect, Lose after it.
	Fail, Lose map[string]error
	// Then is what another run does after the step of that name.
	Then map[string]func()
	// Log has the names of the steps that ran.
	Log []string
}

// NewSteps returns steps that do not fail.
func NewSteps() Steps {
	return Steps{Fail: map[string]error{}, Lose: map[string]error{}, Then: map[string]func(){}}
}

// Fault returns the failure that is declared for a name, once.
func (s *Steps) Fault(name string) error {
	err := s.Fail[name]
	delete(s.Fail, name)
	return err
}

// Run runs one step, unless it fails first.
func (s *Steps) Run(name string, do func()) error {
	if err := s.Fault(name); err != nil {
		return err
	}
	do()
	s.Log = append(s.Log, name)
	if then := s.Then[name]; then != nil {
		delete(s.Then, name)
		then()
	}
	err := s.Lose[name]
	delete(s.Lose, name)
	return err
}

// Reporter records what is reported. It implements report.Reporter, also for several goroutines.
type Reporter struct {
	Results, Warned, Shown []string
	// Check sees every message, except results; nil: none is checked.
	Check func(text string)

	mu sync.Mutex
}

// Reset removes what was recorded.
func (r *Reporter) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Results, r.Warned, r.Shown = nil, nil, nil
}

// Done records a result.
func (r *Reporter) Done(object, verb string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Results = append(r.Results, object+" "+verb)
}

// Step checks a message.
func (r *Reporter) Step(format string, args ...any) { r.check(fmt.Sprintf(format, args...)) }

// Detail checks a message.
func (r *Reporter) Detail(format string, args ...any) { r.check(fmt.Sprintf(format, args...)) }

// Warn checks and records a warning.
func (r *Reporter) Warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.check(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Warned = append(r.Warned, text)
}

// Show checks and records a text.
func (r *Reporter) Show(text string) {
	r.check(text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Shown = append(r.Shown, text)
}

func (r *Reporter) check(text string) {
	if r.Check != nil {
		r.Check(text)
	}
}
