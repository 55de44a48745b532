package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestComponent(t *testing.T) {
	for image, want := range map[string]string{
		"registry.example/kube-apiserver:v1.2.3":  "kube-apiserver",
		"registry.example/coredns/coredns:v1.2.3": "coredns",
		"registry.example:5000/pause":             "pause",
		"etcd:3":                                  "etcd",
	} {
		assert.Equal(t, want, component(image), image)
	}
}

func TestVersionFlags(t *testing.T) {
	const variable = "-X k8s.io/component-base/version."
	assert.Equal(t, " "+variable+"gitVersion=v1.36.3 "+variable+"gitMajor=1 "+variable+"gitMinor=36", versionFlags("v1.36.3"))
}
