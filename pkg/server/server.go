// Package server finds the server that runs SQL, and the address at which applications reach it: Pod, container and host. It knows the
// labels of common operators and charts, one file for each.
package server

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// The kinds of a Ref.
const (
	KindPod         = "pod"
	KindStatefulSet = "statefulset"
	KindDeployment  = "deployment"
	KindService     = "service"
	KindCluster     = "cluster" // of CloudNativePG
)

// Ref names an object that runs a server or leads to it.
type Ref struct{ Kind, Name, Namespace string }

// String returns the Ref in the form of the command line, without the namespace.
func (r Ref) String() string { return r.Kind + "/" + r.Name }

// NoPrimary returns the error of a server of which every Pod is a standby, as during a failover. standby is what its last Pod said.
func NoPrimary(r Ref, standby error) error {
	return fmt.Errorf("%s in namespace %s has no primary now: %w: wait until one of its Pods is the primary, and run the command again",
		r, r.Namespace, standby)
}

// ParseRef parses TYPE/NAME, with any name of TYPE that kubectl accepts, or the name of a Pod, as an object in namespace.
func ParseRef(s, namespace string) (Ref, error) {
	given, name, typed := strings.Cut(s, "/")
	kind := kindOf(given)
	if !typed && kind == "" {
		kind, name = KindPod, s
	}
	if kind != "" && len(validation.IsDNS1123Subdomain(name)) == 0 {
		return Ref{Kind: kind, Name: name, Namespace: namespace}, nil
	}
	return Ref{}, fmt.Errorf(
		"invalid database %q: use pod/NAME, statefulset/NAME, deployment/NAME, service/NAME, cluster/NAME or the name of a Pod",
		s,
	)
}

// kindOf returns the kind for a TYPE of the command line, or an empty string.
func kindOf(typed string) string {
	for kind, names := range map[string][]string{
		KindPod:         {"pod", "pods", "po"},
		KindStatefulSet: {"statefulset", "statefulsets", "sts", "statefulset.apps", "statefulsets.apps"},
		KindDeployment:  {"deployment", "deployments", "deploy", "deployment.apps", "deployments.apps"},
		KindService:     {"service", "services", "svc"},
		KindCluster:     {"cluster", "clusters", "cluster.postgresql.cnpg.io", "clusters.postgresql.cnpg.io"},
	} {
		if slices.Contains(names, strings.ToLower(typed)) {
			return kind
		}
	}
	return ""
}

// RefOf returns the Ref in a spec whose defaults are filled in.
func RefOf(spec v1alpha1.BindingSpec) (Ref, error) {
	return ParseRef(spec.Postgres, spec.PostgresNamespace)
}

// ChoiceOf returns the Choice in a spec.
func ChoiceOf(spec v1alpha1.BindingSpec) Choice {
	return Choice{Container: spec.PostgresContainer, Host: spec.Host, Port: spec.Port, ClusterDomain: spec.ClusterDomain}
}

// Choice contains what the caller decides. Empty fields are detected.
type Choice struct {
	Container     string // of the server
	Host          string // at which applications reach the server
	Port          int32  // of the Host, or else of a Service
	ClusterDomain string // at the end of the names of Services
	// Location, if set, makes a Pod stand for the server at that location: any of its Pods can be the primary now.
	Location string
}

// Check rejects invalid values. The host becomes part of connection strings and of a line in a password file.
func (c Choice) Check() error {
	name := regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$`)
	if c.Host != "" && !name.MatchString(c.Host) && net.ParseIP(c.Host) == nil {
		return fmt.Errorf("invalid host %q: use a DNS name or an IP address", c.Host)
	}
	if c.ClusterDomain != "" && !name.MatchString(c.ClusterDomain) {
		return fmt.Errorf("invalid cluster domain %q: use a DNS name", c.ClusterDomain)
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("invalid port %d: use 1 to 65535", c.Port)
	}
	return nil
}
