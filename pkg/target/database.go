package target

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Database is where SQL is run and how applications reach it.
type Database struct {
	Pod       *corev1.Pod
	Container string

	// PodIP and PodPort reach the server without a Service. SocketDir is the folder of its socket where the container
	// names one by PGHOST, else empty.
	PodIP     string
	PodPort   int32
	SocketDir string

	// Service names the Pod, in the same namespace; it is empty if the caller gave Host. Port belongs to either.
	Service       string
	Host          string
	ClusterDomain string
	Port          int32

	// Address is what the cluster's DNS has for the Service's name; empty where that is not known, or may be one of several.
	Address string

	// HostReachesReplicas says that the Service also leads to other Pods.
	HostReachesReplicas bool

	// Location tells the server from all others in the cluster, and outlives its Pods: NAMESPACE/KIND/NAME.
	Location string

	deployment types.UID // that runs the Pod, if any
}

// HostName is the name that applications use; without HostComplete the cluster's domain may be appended to it.
func (d *Database) HostName() string {
	if d.Host != "" {
		return d.Host
	}
	name := d.Service + "." + d.Pod.Namespace + ".svc"
	if d.ClusterDomain != "" {
		name += "." + d.ClusterDomain
	}
	return name
}

// HostComplete tells whether HostName is the caller's own or ends in the cluster's domain.
func (d *Database) HostComplete() bool { return d.Host != "" || d.ClusterDomain != "" }

// RunBy tells whether the object uid is the Pod or runs it.
func (d *Database) RunBy(uid types.UID) bool {
	if uid == "" {
		return false
	}
	return uid == d.Pod.UID || uid == d.deployment ||
		slices.ContainsFunc(d.Pod.OwnerReferences, func(owner metav1.OwnerReference) bool { return owner.UID == uid })
}

// location names the server that pod belongs to.
func location(pod *corev1.Pod, p product) string {
	if cluster := pod.Labels[p.cluster]; cluster != "" {
		return pod.Namespace + "/" + p.name + "/" + cluster
	}
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return pod.Namespace + "/pod/" + pod.Name
	}
	// A ReplicaSet is new with each rollout of its Deployment.
	if name, ok := strings.CutSuffix(owner.Name, "-"+pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]); ok && owner.Kind == "ReplicaSet" {
		return pod.Namespace + "/deployment/" + name
	}
	return pod.Namespace + "/" + strings.ToLower(owner.Kind) + "/" + owner.Name
}
