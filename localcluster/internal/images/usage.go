// Package images knows which images a cluster has, on its node and in its registry, who needs them, and which may go.
package images

import (
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/localcluster/internal/registry"
)

// Usage is which pods use which images.
type Usage []use

// use is an image as a pod names it, or as it runs there.
type use struct {
	pod string
	// ref is what the pod asks for; digest is what it got.
	ref    name.Reference
	digest string
}

// UsageOf returns what the pods use that have not ended.
func UsageOf(pods []corev1.Pod) Usage {
	var all Usage
	for i := range pods {
		pod := &pods[i]
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		id := pod.Namespace + "/" + pod.Name
		for _, image := range asked(&pod.Spec) {
			if ref, err := name.ParseReference(image); err == nil {
				all = append(all, use{pod: id, ref: ref})
			}
		}
		for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses} {
			for _, status := range statuses {
				if _, digest, ok := strings.Cut(status.ImageID, "@"); ok {
					all = append(all, use{pod: id, digest: digest})
				}
			}
		}
	}
	return all
}

func asked(spec *corev1.PodSpec) []string {
	var all []string
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		all = append(all, c.Image)
	}
	for _, c := range spec.EphemeralContainers {
		all = append(all, c.Image)
	}
	for _, v := range spec.Volumes {
		if v.Image != nil {
			all = append(all, v.Image.Reference)
		}
	}
	return all
}

// PodsOf returns the pods that use an image, in their order.
func (u Usage) PodsOf(image registry.Image) []string {
	var pods []string
	for _, use := range u {
		if use.digest != "" && is(image, use.digest) || use.ref != nil && names(use.ref, image) {
			pods = append(pods, use.pod)
		}
	}
	slices.Sort(pods)
	return slices.Compact(pods)
}

func is(image registry.Image, digest string) bool {
	return digest == image.Digest || slices.Contains(image.Parts, digest)
}

// names reports whether a pod's image is this one: what was pushed is found by its path, whatever the host.
func names(ref name.Reference, image registry.Image) bool {
	if image.Fetched {
		if ref.Context().Name() != image.Repository {
			return false
		}
	} else if !slices.Contains(registry.LocalNames(ref.Context().RepositoryStr()), image.Repository) {
		return false
	}
	if tag, ok := ref.(name.Tag); ok {
		return slices.Contains(image.Tags, tag.TagStr())
	}
	return is(image, ref.Identifier())
}
