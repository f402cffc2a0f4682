// Command benchgitops measures what many Applications cost: it makes a repository of N Applications, runs `cyan server`
// against a control plane of this machine, and prints each figure beside its limit, which is taken in the same run, and
// beside its target.
//
//	go run ./hack/benchgitops -n 1000
//	go run ./hack/benchgitops -help
//
// Each Application is a kustomize overlay on a common base, with a Deployment of 0 replicas and a ConfigMap. Let
// nothing else run on the machine meanwhile.
package main
