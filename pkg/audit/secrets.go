package audit

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// secretLogin is a login that a Secret holds. It is compared and never printed.
type secretLogin struct {
	secret         types.NamespacedName
	hosts          []string
	user, password string
}

// readValues reads the Secrets that pod templates name.
func (r *reader) readValues(ctx context.Context) error {
	r.cluster.valuesRead = true
	seen := map[types.NamespacedName]bool{}
	for _, t := range r.cluster.templates {
		for _, name := range t.secrets {
			if seen[name] {
				continue
			}
			seen[name] = true
			stored, err := r.kube.CoreV1().Secrets(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err):
			case err != nil && ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil:
				r.cluster.gaps = append(
					r.cluster.gaps,
					fmt.Sprintf("secret/%s in namespace %s cannot be read: %v", name.Name, name.Namespace, err),
				)
				r.cluster.valuesRead = false
			default:
				r.cluster.secretLogins = append(r.cluster.secretLogins, loginsIn(stored)...)
			}
		}
	}
	return nil
}

// loginsIn returns the logins that a Secret holds: one in keys of their own, and those in connection strings.
func loginsIn(stored *corev1.Secret) []secretLogin {
	name := types.NamespacedName{Namespace: stored.Namespace, Name: stored.Name}
	keyed := secretLogin{secret: name}
	var found []secretLogin
	for key, value := range stored.Data {
		text := string(value)
		l, isURL := parseURL(text)
		switch means := func(words string) bool { return regexp.MustCompile(`(?i)` + words).MatchString(key) }; {
		case isURL:
			if l.user != "" {
				found = append(found, secretLogin{name, l.hosts, l.user, l.password})
			}
		case means("pass|pwd"):
			keyed.password = text
		case means("user|login|role"):
			keyed.user = text
		case means("host|server|addr"):
			keyed.hosts = append(keyed.hosts, text)
		}
	}
	if keyed.user != "" {
		found = append(found, keyed)
	}
	slices.SortFunc(found, func(a, b secretLogin) int { return compareBool(a.password == "", b.password == "") })
	return found
}
