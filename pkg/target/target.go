// Package target finds the server that runs SQL, and the address at which applications reach it: Pod, container and host. It knows the
// labels of common operators and charts, one file for each.
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

// Ref names a Pod, a StatefulSet or a Service that runs a server or leads to it.
type Ref struct{ Kind, Name, Namespace string }

// String returns the Ref in the form of the command line, without the namespace.
func (r Ref) String() string { return r.Kind + "/" + r.Name }

// ParseRef parses TYPE/NAME, with any name of TYPE that kubectl accepts, as an object in namespace.
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
	return Ref{}, fmt.Errorf("invalid database %q: use pod/NAME, statefulset/NAME or service/NAME", s)
}

// Choice contains what the caller decides. Empty fields are detected.
type Choice struct {
	Container     string // of the server
	Host          string // at which applications reach the server
	Port          int32  // of the Host, or else of a Service
	ClusterDomain string // at the end of the names of Services
}

// check rejects invalid values. The host becomes part of connection strings and of a line in a password file.
func (c Choice) check() error {
	name := regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$`)
	if c.Host != "" && !name.MatchString(c.Host) && net.ParseIP(c.Host) == nil {
		return fmt.Errorf("invalid --host %q: use a DNS name or an IP address", c.Host)
	}
	if c.ClusterDomain != "" && !name.MatchString(c.ClusterDomain) {
		return fmt.Errorf("invalid --cluster-domain %q: use a DNS name", c.ClusterDomain)
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("invalid --port %d: use 1 to 65535", c.Port)
	}
	return nil
}
