package skaffold

import (
	"fmt"
	"slices"
)

// verifiesWithin is how long a verification may take that does not say so, in seconds.
const verifiesWithin = 600

// Verification is a container that judges what is deployed: it runs in the cluster, and passes when it ends with 0.
type Verification struct {
	Name string
	// Container is what it is called in its pod, and Image what it runs.
	Container, Image string
	Command, Args    []string
	Env              []Variable
	// Job is a file with the manifest of its Job; "" for one of the container alone.
	Job string
	// Seconds is how long it may take.
	Seconds  int
	Position Position
}

// Variable is one of a container's environment.
type Variable struct{ Name, Value string }

// verifications are those of a module.
func (s scene) verifications(doc *node) []Verification {
	var all []Verification
	for i, n := range doc.list("verify") {
		at := fmt.Sprintf("verify[%d]", i)
		container := orNode(n.get("container"), n)
		v := Verification{
			Name: s.required(n, at, "name"), Position: n.at, Seconds: n.number("timeout"), Command: container.strings("command"), Args: container.strings("args"),
			Container: s.required(container, at+".container", "name"), Image: s.required(container, at+".container", "image"),
		}
		if v.Seconds == 0 {
			v.Seconds = verifiesWithin
		}
		for j, e := range container.list("env") {
			v.Env = append(v.Env, Variable{s.required(e, fmt.Sprintf("%s.container.env[%d]", at, j), "name"), e.str("value")})
		}
		if slices.ContainsFunc(all, func(other Verification) bool { return other.Name == v.Name }) {
			s.report.add(n.at, Error, "duplicate", at+".name", v.Name+" given twice", "rename one of them")
		}
		if job := n.get("executionMode", "kubernetesCluster", "jobManifestPath"); job != nil {
			v.Job = s.jobOf(job, at+".executionMode.kubernetesCluster.jobManifestPath")
		}
		all = append(all, v)
	}
	return all
}

// jobOf returns the file of a Job.
func (s scene) jobOf(n *node, object string) string {
	to, ok := s.resolve(n.at, object, s.base, n.text)
	if ok && !isFile(s.fsys, to) {
		remedy := "correct the path, which is relative to the working directory"
		if near := s.near(to); near != "" {
			remedy = fmt.Sprintf("did you mean %s?", near)
		}
		s.report.add(n.at, Error, "path", object, fmt.Sprintf("%q not found", to), remedy)
	}
	return to
}
