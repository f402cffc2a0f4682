package devloop

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// hostingWithin bounds how long the cluster is asked for its registry.
const hostingWithin = 2 * time.Second

// RegistryOf returns the registry that a cluster names as its own, HOST:PORT, where this machine pushes and its nodes
// pull: that of ConfigMap local-registry-hosting in kube-public. It is "" where there is none, or none that one may
// read.
func RegistryOf(ctx context.Context, config *rest.Config) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, hostingWithin)
	defer cancel()
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", err
	}
	found, err := clients.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, "local-registry-hosting", metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) || apierrors.IsForbidden(err):
		return "", nil
	case err != nil:
		return "", err
	}
	return registryIn(found.Data["localRegistryHosting.v1"]), nil
}

// registryIn returns the host in what a cluster says of its registry.
func registryIn(text string) string {
	var hosting struct {
		Host string `json:"host"`
	}
	if err := yaml.Unmarshal([]byte(text), &hosting); err != nil {
		return ""
	}
	return hosting.Host
}
