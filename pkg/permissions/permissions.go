// Package permissions finds out what the user may do, with few requests.
package permissions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
)

// Permission is a verb on a resource of a namespace.
type Permission struct {
	Namespace string
	Verb      string
	Resource  schema.GroupResource // with a subresource: pods/exec
	Name      string               // of the only object that it is needed for; empty: all
}

// On returns a permission. The resource is written as in kubectl: deployments.apps, or pods/exec.
func On(namespace, verb, resource string) Permission {
	return Permission{Namespace: namespace, Verb: verb, Resource: schema.ParseGroupResource(resource)}
}

// To returns the permission for one object.
func (p Permission) To(name string) Permission {
	p.Name = name
	return p
}

// String names the permission as kubectl does.
func (p Permission) String() string { return p.Verb + " " + p.Resource.String() }

// Reviewer asks the API server what the user may do. It is safe for concurrent use.
type Reviewer struct {
	kube kubernetes.Interface

	mu    sync.Mutex
	rules map[string]func(context.Context) (authorizationv1.SubjectRulesReviewStatus, error) // by namespace
}

// NewReviewer returns a Reviewer that asks once for each namespace.
func NewReviewer(kube kubernetes.Interface) *Reviewer {
	return &Reviewer{kube: kube, rules: map[string]func(context.Context) (authorizationv1.SubjectRulesReviewStatus, error){}}
}

// Missing returns those of the wanted permissions that the user does not have, in their order. Only if the authorizer
// cannot list the rules of the user, it asks for each permission that is left.
func (r *Reviewer) Missing(ctx context.Context, wanted []Permission) (missing []Permission, err error) {
	denied := make([]bool, len(wanted))
	var asks errgroup.Group
	for i, p := range wanted {
		asks.Go(func() error {
			status, err := r.status(p.Namespace)(ctx)
			if err != nil {
				return err
			}
			allowed := allows(status.ResourceRules, p)
			if !allowed && status.Incomplete {
				allowed, err = r.may(ctx, p)
			}
			denied[i] = !allowed
			return err
		})
	}
	if err := asks.Wait(); err != nil {
		return nil, err
	}
	for i, p := range wanted {
		if denied[i] {
			missing = append(missing, p)
		}
	}
	return missing, nil
}

// status returns what reads the rules of a namespace once.
func (r *Reviewer) status(namespace string) func(context.Context) (authorizationv1.SubjectRulesReviewStatus, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rules[namespace] == nil {
		var once sync.Once
		var status authorizationv1.SubjectRulesReviewStatus
		var failure error
		r.rules[namespace] = func(ctx context.Context) (authorizationv1.SubjectRulesReviewStatus, error) {
			once.Do(func() { status, failure = r.review(ctx, namespace) })
			return status, failure
		}
	}
	return r.rules[namespace]
}

// review reads the rules of a namespace.
func (r *Reviewer) review(ctx context.Context, namespace string) (authorizationv1.SubjectRulesReviewStatus, error) {
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	review, err := r.kube.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return authorizationv1.SubjectRulesReviewStatus{}, fmt.Errorf("list your permissions in namespace %s: %w", namespace, err)
	}
	return review.Status, nil
}

// may asks for one permission.
func (r *Reviewer) may(ctx context.Context, p Permission) (bool, error) {
	resource, subresource, _ := strings.Cut(p.Resource.Resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: p.Namespace, Verb: p.Verb, Group: p.Resource.Group, Resource: resource, Subresource: subresource, Name: p.Name,
		},
	}}
	review, err := r.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("ask whether you may %s in namespace %s: %w", p, p.Namespace, err)
	}
	return review.Status.Allowed, nil
}

// allows reports whether rules contain a permission.
func allows(rules []authorizationv1.ResourceRule, p Permission) bool {
	return slices.ContainsFunc(rules, func(rule authorizationv1.ResourceRule) bool {
		named := len(rule.ResourceNames) == 0 || p.Name != "" && slices.Contains(rule.ResourceNames, p.Name)
		return named && has(rule.Verbs, p.Verb) && has(rule.APIGroups, p.Resource.Group) && hasResource(rule.Resources, p.Resource.Resource)
	})
}

func has(list []string, one string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, one)
}

// hasResource also knows the form */exec, which is the subresource of every resource.
func hasResource(list []string, resource string) bool {
	_, subresource, nested := strings.Cut(resource, "/")
	return has(list, resource) || nested && slices.Contains(list, "*/"+subresource)
}
