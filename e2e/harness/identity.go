package harness

import (
	"context"
	"fmt"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Identity makes a ServiceAccount that has the given rights in this namespace and no others, and writes a kubeconfig
// with its token to a file in dir. It returns that file's path, for Command.As.
func (n *Namespace) Identity(ctx context.Context, name, dir string, rules []rbacv1.PolicyRule) (string, error) {
	meta := metav1.ObjectMeta{Name: name}
	if _, err := n.Client.CoreV1().ServiceAccounts(n.Name).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("make a ServiceAccount: %w", err)
	}
	if _, err := n.Client.RbacV1().Roles(n.Name).Create(ctx, &rbacv1.Role{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("make a Role: %w", err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: meta,
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: n.Name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
	}
	if _, err := n.Client.RbacV1().RoleBindings(n.Name).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("make a RoleBinding: %w", err)
	}
	return n.writeKubeconfig(ctx, name, filepath.Join(dir, name+".kubeconfig"))
}

// writeKubeconfig writes the cluster's kubeconfig with the ServiceAccount's token instead of the administrator's key.
func (n *Namespace) writeKubeconfig(ctx context.Context, serviceAccount, file string) (string, error) {
	token, err := n.Client.CoreV1().ServiceAccounts(n.Name).CreateToken(ctx, serviceAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
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
