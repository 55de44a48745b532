package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Identity creates a ServiceAccount that has the given permissions in this namespace and no others, and writes a kubeconfig
// with its token to a file in dir. It returns that file's path, for Command.As.
func (n *Namespace) Identity(ctx context.Context, name, dir string, rules []rbacv1.PolicyRule) (string, error) {
	meta := metav1.ObjectMeta{Name: name}
	if _, err := n.Client.CoreV1().ServiceAccounts(n.Name).Create(
		ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{},
	); err != nil {
		return "", fmt.Errorf("make a ServiceAccount: %w", err)
	}
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: n.Name}
	if err := n.Permit(ctx, account, rules); err != nil {
		return "", err
	}
	return n.writeKubeconfig(ctx, name, filepath.Join(dir, name+".kubeconfig"))
}

// Permit gives a user or a ServiceAccount permissions in this namespace, with a Role and a RoleBinding of its name. It
// waits until they apply.
func (n *Namespace) Permit(ctx context.Context, subject rbacv1.Subject, rules []rbacv1.PolicyRule) error {
	meta := metav1.ObjectMeta{Name: subject.Name}
	if _, err := n.Client.RbacV1().Roles(n.Name).Create(
		ctx, &rbacv1.Role{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{},
	); err != nil {
		return fmt.Errorf("make a Role: %w", err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: meta, Subjects: []rbacv1.Subject{subject},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: subject.Name},
	}
	if _, err := n.Client.RbacV1().RoleBindings(n.Name).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("make a RoleBinding: %w", err)
	}
	for _, rule := range rules {
		if err := n.awaitRight(ctx, subject, rule); err != nil {
			return fmt.Errorf("wait until %s has its rights: %w", subject.Name, err)
		}
	}
	return nil
}

// awaitRight waits until the API server allows the subject the first permission of a rule, a minute at most.
func (n *Namespace) awaitRight(ctx context.Context, subject rbacv1.Subject, rule rbacv1.PolicyRule) error {
	user := subject.Name
	if subject.Kind == rbacv1.ServiceAccountKind {
		user = "system:serviceaccount:" + subject.Namespace + ":" + subject.Name
	}
	resource, subresource, _ := strings.Cut(rule.Resources[0], "/")
	asked := &authorizationv1.ResourceAttributes{
		Namespace:   n.Name,
		Verb:        rule.Verbs[0],
		Group:       rule.APIGroups[0],
		Resource:    resource,
		Subresource: subresource,
	}
	if len(rule.ResourceNames) > 0 {
		asked.Name = rule.ResourceNames[0]
	}
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: asked}}
		answer, err := n.Client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err == nil && answer.Status.Allowed, err
	})
}

// writeKubeconfig writes the cluster's kubeconfig with the ServiceAccount's token instead of the administrator's key.
func (n *Namespace) writeKubeconfig(ctx context.Context, serviceAccount, file string) (string, error) {
	token, err := n.Client.CoreV1().ServiceAccounts(n.Name).CreateToken(
		ctx, serviceAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{},
	)
	if err != nil {
		return "", fmt.Errorf("get a token for the ServiceAccount %s/%s: %w", n.Name, serviceAccount, err)
	}
	config, err := clientcmd.LoadFromFile(n.config.Kubeconfig)
	if err != nil {
		return "", fmt.Errorf("read the cluster's kubeconfig: %w", err)
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	}
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return "", fmt.Errorf("write the kubeconfig of the ServiceAccount %s/%s: %w", n.Name, serviceAccount, err)
	}
	return file, nil
}
