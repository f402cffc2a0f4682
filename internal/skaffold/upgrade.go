package skaffold

import (
	"slices"
	"strings"
)

// firstWithManifests is the version since which what is deployed stands in manifests, and how in deploy.
const firstWithManifests = "v3alpha1"

// upgrade returns the steps of a document or a profile as the newest version writes them.
func upgrade(pipeline *node, version string, r *report) *node {
	if order(version) >= order(firstWithManifests) {
		return pipeline
	}
	deploy := pipeline.get("deploy")
	if deploy == nil || deploy.shape != mapping {
		return pipeline
	}
	manifests := pipeline.get("manifests")
	kubectl, kustomize := deploy.get("kubectl"), deploy.get("kustomize")
	if paths := kubectl.get("manifests"); paths != nil {
		manifests = manifests.with("rawYaml", paths.at, paths)
		kubectl = kubectl.with("manifests", paths.at, nil)
	}
	if kustomize != nil {
		manifests = manifests.with("kustomize", kustomize.at, kustomizePaths(kustomize))
		kubectl = mergeDeployers(kubectl, kustomize, r)
	}
	at := deploy.at
	if manifests != nil {
		manifests.at = at
		pipeline = pipeline.with("manifests", at, manifests)
	}
	deploy = deploy.with("kustomize", at, nil)
	if kubectl != nil {
		deploy = deploy.with("kubectl", kubectl.at, kubectl)
	}
	return pipeline.with("deploy", at, deploy)
}

// kustomizePaths are the folders of a deployer of the older versions; it is the working directory if it names none.
func kustomizePaths(deployer *node) *node {
	paths := deployer.get("paths")
	if one := deployer.get("path"); paths == nil && one != nil {
		paths = &node{shape: list, at: one.at, items: []*node{one}}
	}
	if paths == nil || len(paths.items) == 0 {
		paths = &node{shape: list, at: deployer.at, items: []*node{{shape: scalar, text: ".", tag: "!!str", at: deployer.at}}}
	}
	made := (&node{shape: mapping, at: deployer.at}).with("paths", paths.at, paths)
	if args := deployer.get("buildArgs"); args != nil {
		made = made.with("buildArgs", args.at, args)
	}
	return made
}

// mergeDeployers moves what a deployer of kustomizations has in common with that of manifests. Each object has one
// namespace by default, so two are too many.
func mergeDeployers(kubectl, kustomize *node, r *report) *node {
	if kubectl == nil {
		kubectl = &node{shape: mapping, at: kustomize.at}
	}
	for _, name := range []string{"flags", "hooks", "defaultNamespace"} {
		value, there := kustomize.get(name), kubectl.get(name)
		switch {
		case value == nil:
		case there == nil:
			kubectl = kubectl.with(name, value.at, value)
		case name == "defaultNamespace" && value.text != there.text:
			r.add(value.at, Error, "namespace", "deploy.kustomize.defaultNamespace", value.text+" where deploy.kubectl has "+there.text, "give one namespace, or name it in the manifests")
		case name == "hooks":
			r.add(value.at, Error, "hooks", "deploy.kustomize.hooks", "given beside deploy.kubectl.hooks", "write all of them in one place")
		}
	}
	return kubectl
}

// moved are the paths of patches that the newest version has elsewhere; the first that fits counts.
var moved = [][2]string{
	{"/deploy/kubectl/manifests", "/manifests/rawYaml"},
	{"/deploy/kustomize/paths", "/manifests/kustomize/paths"},
	{"/deploy/kustomize/path", "/manifests/kustomize/paths/0"},
	{"/deploy/kustomize/buildArgs", "/manifests/kustomize/buildArgs"},
	{"/deploy/kustomize/flags", "/deploy/kubectl/flags"},
	{"/deploy/kustomize/hooks", "/deploy/kubectl/hooks"},
	{"/deploy/kustomize/defaultNamespace", "/deploy/kubectl/defaultNamespace"},
	{"/deploy/kustomize", "/manifests/kustomize"},
}

// upgradePath returns where the newest version has what a path of a patch leads to.
func upgradePath(pointer, version string) string {
	if order(version) >= order(firstWithManifests) {
		return pointer
	}
	i := slices.IndexFunc(moved, func(m [2]string) bool { return pointer == m[0] || strings.HasPrefix(pointer, m[0]+"/") })
	if i < 0 {
		return pointer
	}
	return moved[i][1] + strings.TrimPrefix(pointer, moved[i][0])
}
