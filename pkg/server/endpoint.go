package server

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Endpoint is where SQL runs and how applications reach the server.
type Endpoint struct {
	Pod       *corev1.Pod
	Container string

	// PodIP and PodPort reach the server without a Service. SocketDir is the directory of its socket if the container sets PGHOST, and
	// else empty.
	PodIP     string
	PodPort   int32
	SocketDir string

	// Service is the name of a Service in the namespace of the Pod, empty if the caller set Host. Port belongs to Service or Host.
	Service       string
	Host          string
	ClusterDomain string
	Port          int32

	// Address is the address that the cluster's DNS returns for the Service; empty if it is unknown or one of several.
	Address string

	// HostReachesReplicas is true if the Service also leads to other Pods.
	HostReachesReplicas bool

	// Location identifies the server in the cluster, independent of its current Pods: NAMESPACE/KIND/NAME.
	Location string

	deployment types.UID // of the Pod, if any
	network    *network  // of the namespace; nil if the caller set Host
}

// HostName returns the name that applications use. Unless HostComplete, the cluster's domain can be appended to it.
func (e *Endpoint) HostName() string {
	if e.Host != "" {
		return e.Host
	}
	name := e.Service + "." + e.Pod.Namespace + ".svc"
	if e.ClusterDomain != "" {
		name += "." + e.ClusterDomain
	}
	return name
}

// HostComplete reports whether HostName was set by the caller or ends in the cluster's domain.
func (e *Endpoint) HostComplete() bool { return e.Host != "" || e.ClusterDomain != "" }

// RunBy reports whether uid is the Pod, or an owner that runs it.
func (e *Endpoint) RunBy(uid types.UID) bool {
	if uid == "" {
		return false
	}
	return uid == e.Pod.UID || uid == e.deployment ||
		slices.ContainsFunc(e.Pod.OwnerReferences, func(owner metav1.OwnerReference) bool { return owner.UID == uid })
}

// location returns the Location of the server that runs in pod.
func location(pod *corev1.Pod, p product) string {
	if cluster := pod.Labels[p.cluster]; cluster != "" {
		return pod.Namespace + "/" + p.name + "/" + cluster
	}
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return pod.Namespace + "/pod/" + pod.Name
	}
	// Each rollout of a Deployment creates a new ReplicaSet, so use the name of the Deployment.
	if name := deploymentOf(pod); name != "" {
		return pod.Namespace + "/deployment/" + name
	}
	return pod.Namespace + "/" + strings.ToLower(owner.Kind) + "/" + owner.Name
}

// deploymentOf returns the name of the Deployment that runs pod through a ReplicaSet, or an empty string. It sends no request: the name of
// the ReplicaSet contains that of the Deployment.
func deploymentOf(pod *corev1.Pod) string {
	owner, hash := metav1.GetControllerOf(pod), pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	if owner == nil || owner.Kind != "ReplicaSet" || hash == "" {
		return ""
	}
	name, ours := strings.CutSuffix(owner.Name, "-"+hash)
	if !ours {
		return ""
	}
	return name
}
