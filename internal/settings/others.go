package settings

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// NameLabel is the label by which the models' programs are told; ControllerNames are the values of those that write
// what Cyan writes.
const NameLabel = "app.kubernetes.io/name"

// ControllerNames are the values of [NameLabel] on the programs that work on the same kinds as Cyan.
var ControllerNames = []string{applicationController, rolloutController}

const (
	applicationController = "argocd-application-controller"
	rolloutController     = "argo-rollouts"
)

// Workload is a Deployment or a StatefulSet that may be another controller.
type Workload struct {
	// Kind is Deployment or StatefulSet, App the value of NameLabel.
	Kind, Namespace, Name, App string
	Replicas                   int32
	// Args are the arguments of all its containers.
	Args []string
}

// FromDeployment returns what matters of a Deployment.
func FromDeployment(d *appsv1.Deployment) Workload {
	return Workload{"Deployment", d.Namespace, d.Name, d.Labels[NameLabel], replicasOf(d.Spec.Replicas), argsOf(d.Spec.Template.Spec.Containers)}
}

// FromStatefulSet returns what matters of a StatefulSet.
func FromStatefulSet(s *appsv1.StatefulSet) Workload {
	return Workload{"StatefulSet", s.Namespace, s.Name, s.Labels[NameLabel], replicasOf(s.Spec.Replicas), argsOf(s.Spec.Template.Spec.Containers)}
}

func replicasOf(written *int32) int32 {
	if written == nil {
		return 1
	}
	return *written
}

func argsOf(containers []corev1.Container) []string {
	var all []string
	for _, c := range containers {
		all = append(append(all, c.Command...), c.Args...)
	}
	return all
}

// OtherControllers finds the programs that run and work on the same objects as Cyan does: both would write. A
// controller of Rollouts is another's when it has another instance id.
func OtherControllers(workloads []Workload, rolloutInstance string) []Finding {
	var all []Finding
	for _, w := range workloads {
		kinds := "Applications"
		switch {
		case w.Replicas == 0 || !slices.Contains(ControllerNames, w.App):
			continue
		case w.App == rolloutController && instanceID(w.Args) != rolloutInstance:
			continue
		case w.App == rolloutController:
			kinds = "Rollouts"
		}
		all = append(all, Finding{
			Object: fmt.Sprintf("%s %s/%s", w.Kind, w.Namespace, w.Name), Verdict: Refused,
			Cause:  fmt.Sprintf("runs and works on the same %s (%d replicas)", kinds, w.Replicas),
			Remedy: fmt.Sprintf("stop it first: kubectl -n %s scale %s %s --replicas=0", w.Namespace, strings.ToLower(w.Kind), w.Name),
		})
	}
	return all
}

// instanceID returns the instance id in the arguments of a controller of Rollouts; "" for none.
func instanceID(args []string) string {
	for i, arg := range args {
		name := strings.TrimLeft(arg, "-")
		if value, ok := strings.CutPrefix(name, "instance-id="); ok {
			return value
		}
		if name == "instance-id" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}
