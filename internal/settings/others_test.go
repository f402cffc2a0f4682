package settings

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestOtherControllers(t *testing.T) {
	for _, test := range []struct {
		rule     string
		workload Workload
		instance string
		want     string
	}{
		{"the controller of Applications", Workload{"StatefulSet", "argocd", "ctl", "argocd-application-controller", 1, nil}, "",
			"StatefulSet argocd/ctl: runs and works on the same Applications (1 replicas); stop it first: kubectl -n argocd scale statefulset ctl --replicas=0"},
		{"it is scaled down", Workload{"StatefulSet", "argocd", "ctl", "argocd-application-controller", 0, nil}, "", ""},
		{"the controller of Rollouts", Workload{"Deployment", "argo-rollouts", "argo-rollouts", "argo-rollouts", 2, []string{"--loglevel", "debug"}}, "",
			"Deployment argo-rollouts/argo-rollouts: runs and works on the same Rollouts (2 replicas); stop it first: kubectl -n argo-rollouts scale deployment argo-rollouts --replicas=0"},
		{"with an instance id of its own", Workload{"Deployment", "x", "x", "argo-rollouts", 1, []string{"--instance-id", "blue"}}, "", ""},
		{"with an instance id of its own, in one word", Workload{"Deployment", "x", "x", "argo-rollouts", 1, []string{"--instance-id=blue"}}, "", ""},
		{"with the same instance id", Workload{"Deployment", "x", "y", "argo-rollouts", 1, []string{"--instance-id=blue"}}, "blue",
			"Deployment x/y: runs and works on the same Rollouts (1 replicas); stop it first: kubectl -n x scale deployment y --replicas=0"},
		{"without one, beside one", Workload{"Deployment", "x", "x", "argo-rollouts", 1, []string{"--instance-id"}}, "blue", ""},
		{"another program", Workload{"Deployment", "argocd", "server", "argocd-server", 1, nil}, "", ""},
	} {
		found := OtherControllers([]Workload{test.workload}, test.instance)
		got := ""
		if len(found) > 0 {
			got = found[0].Problem().Error()
		}
		if got != test.want || len(found) > 1 {
			t.Errorf("%s: got %q, want %q", test.rule, got, test.want)
		}
	}
}

func TestWorkloads(t *testing.T) {
	none := int32(0)
	meta := metav1.ObjectMeta{Namespace: "n", Name: "x", Labels: map[string]string{NameLabel: "argo-rollouts"}}
	pod := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Command: []string{"a"}, Args: []string{"b"}}, {Args: []string{"c"}}}}}
	if got := FromDeployment(&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Template: pod}}); got.Kind != "Deployment" || got.Namespace != "n" || got.Name != "x" || got.App != "argo-rollouts" || got.Replicas != 1 || len(got.Args) != 3 {
		t.Errorf("got %+v of a Deployment without replicas, want one", got)
	}
	if got := FromStatefulSet(&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &none}}); got.Kind != "StatefulSet" || got.Replicas != 0 || got.App != "argo-rollouts" {
		t.Errorf("got %+v of a StatefulSet of none", got)
	}
}
