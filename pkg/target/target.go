// Package target finds the server that runs SQL and the address at which applications reach it: which Pod, container
// and host. It knows the labels of the usual operators and charts, one file for each.
package target

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// The kinds of a Ref.
const (
	KindPod         = "pod"
	KindStatefulSet = "statefulset"
	KindService     = "service"
)

// Ref names what runs or reaches a server: a Pod, a StatefulSet or a Service.
type Ref struct{ Kind, Name, Namespace string }

// String is the Ref as the command line takes it, without the namespace.
func (r Ref) String() string { return r.Kind + "/" + r.Name }

// ParseRef reads TYPE/NAME, with TYPE in any of the spellings that kubectl knows, as an object in namespace.
// The error says which forms there are.
func ParseRef(s, namespace string) (Ref, error) {
	spellings := map[string][]string{
		KindPod:         {"pod", "pods", "po"},
		KindStatefulSet: {"statefulset", "statefulsets", "sts", "statefulset.apps", "statefulsets.apps"},
		KindService:     {"service", "services", "svc"},
	}
	given, name, _ := strings.Cut(s, "/")
	for kind, names := range spellings {
		if slices.Contains(names, strings.ToLower(given)) && len(validation.IsDNS1123Subdomain(name)) == 0 {
			return Ref{Kind: kind, Name: name, Namespace: namespace}, nil
		}
	}
	return Ref{}, fmt.Errorf("%q does not name a database: use pod/NAME, statefulset/NAME or service/NAME", s)
}

// Choice is what the caller decides itself; what is empty is found.
type Choice struct {
	Container     string // that runs the server
	Host          string // at which applications reach the server
	Port          int32  // of the Host, or else of a Service
	ClusterDomain string // that ends the names of Services
}

// check refuses what cannot be: a host stands in connection strings, and in a line of a password file.
func (c Choice) check() error {
	name := regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$`)
	if c.Host != "" && !name.MatchString(c.Host) && net.ParseIP(c.Host) == nil {
		return fmt.Errorf("the host %q is neither a DNS name nor an IP address: correct --host", c.Host)
	}
	if c.ClusterDomain != "" && !name.MatchString(c.ClusterDomain) {
		return fmt.Errorf("the cluster's domain %q is no DNS name: correct --cluster-domain", c.ClusterDomain)
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("the port %d is not one of 1 to 65535: correct --port", c.Port)
	}
	return nil
}
