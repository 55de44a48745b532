package target

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

type Ref struct{ Kind, Name, Namespace string }

func (r Ref) String() string { return r.Kind + "/" + r.Name }

func ParseRef(s, ns string) (Ref, error) { k, n, _ := strings.Cut(s, "/"); return Ref{k, n, ns}, nil }

type Choice struct {
	Container, Host string
	Port            int32
	ClusterDomain   string
}
type Database struct {
	Pod           *corev1.Pod
	Container     string
	Location      string
	Port, PodPort int32
	PodIP         string
	SocketDir     string
	svc, ns       string
}

func (d *Database) RunBy(types.UID) bool { return false }
func (d *Database) HostName() string     { return d.svc + "." + d.ns + ".svc" }
func (d *Database) HostComplete() bool   { return false }

type Finder struct{ k kubernetes.Interface }

func NewFinder(k kubernetes.Interface) *Finder { return &Finder{k} }
func (f *Finder) Find(ctx context.Context, r Ref, c Choice) (*Database, error) {
	p, err := f.k.CoreV1().Pods(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return &Database{Pod: p, Container: p.Spec.Containers[0].Name, Location: r.Namespace + "/" + r.String(), Port: 5432, PodPort: 5432, PodIP: p.Status.PodIP, svc: "postgresql-svc", ns: r.Namespace}, nil
}
