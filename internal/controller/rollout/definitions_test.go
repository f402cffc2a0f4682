package rollout_test

import (
	"context"
	"fmt"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// templates are pod templates that people write, and that the API server takes for a Deployment.
var templates = []struct{ name, template string }{
	{"cpu as a number", `{containers: [{name: app, image: app, resources: {requests: {cpu: 0.5, memory: 1000000}, limits: {cpu: 1}}}]}`},
	{"size limit as a number", `{containers: [{name: app, image: app}], volumes: [{name: v, emptyDir: {sizeLimit: 1000.0}}]}`},
	{"storage as a number", `{containers: [{name: app, image: app}], volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1000000}}}}}}]}`},
	{"divisor as a number", `{containers: [{name: app, image: app, env: [{name: a, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1}}}]}]}`},
	{"overhead as a number", `{containers: [{name: app, image: app}], overhead: {cpu: 0.1}}`},
	{"a name in the environment twice", `{containers: [{name: app, image: app, env: [{name: a, value: b}, {name: a, value: c}]}]}`},
	{"a port twice", `{containers: [{name: app, image: app, ports: [{containerPort: 80, name: http}, {containerPort: 80, name: web}]}]}`},
	{"in an init container", `{initContainers: [{name: i, image: i, env: [{name: a}, {name: a}], ports: [{containerPort: 1}, {containerPort: 1}]}], containers: [{name: app, image: app}]}`},
	{"a host twice", `{containers: [{name: app, image: app}], hostAliases: [{ip: 10.0.0.1, hostnames: [a]}, {ip: 10.0.0.1, hostnames: [b]}]}`},
	{"a pull secret twice", `{containers: [{name: app, image: app}], imagePullSecrets: [{name: a}, {name: a}]}`},
	{"null for what is left out", `{containers: [{name: app, image: app, env: null, ports: null, resources: null, command: null, livenessProbe: null, securityContext: null, volumeMounts: null}],
		volumes: null, nodeSelector: null, tolerations: null, affinity: null, initContainers: null, imagePullSecrets: null, serviceAccountName: null, terminationGracePeriodSeconds: null}`},
	{"a port by number and by name", `{containers: [{name: app, image: app, ports: [{containerPort: 80, name: http}], livenessProbe: {httpGet: {port: http}}, readinessProbe: {tcpSocket: {port: 80}}}]}`},
}

func TestTemplatesOfDeployments(t *testing.T) {
	w := newWorld(t)
	for _, test := range templates {
		for _, kind := range []string{
			"{apiVersion: apps/v1, kind: Deployment}",
			"{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {strategy: {blueGreen: {activeService: active}}}}",
		} {
			o := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(kind), &o.Object); err != nil {
				t.Fatal(err)
			}
			spec := map[string]any{}
			if err := yaml.Unmarshal([]byte("{metadata: {labels: {app: odd, none: null}, annotations: null, creationTimestamp: null}, spec: "+test.template+"}"), &spec); err != nil {
				t.Fatal(err)
			}
			o.SetNamespace(w.namespace)
			o.SetName("odd")
			_ = unstructured.SetNestedField(o.Object, spec, "spec", "template")
			_ = unstructured.SetNestedStringMap(o.Object, map[string]string{"app": "odd"}, "spec", "selector", "matchLabels")
			if err := w.client.Create(context.Background(), o, client.DryRunAll); err != nil {
				t.Errorf("%s: %s is refused: %v", test.name, o.GetKind(), err)
			}
		}
	}
}

// A Rollout that takes the template of another object, as a typed client writes it.
func TestTemplateWithoutContainers(t *testing.T) {
	w := newWorld(t)
	o := &unstructured.Unstructured{}
	err := yaml.Unmarshal([]byte(`{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: app, creationTimestamp: null}, spec: {
		workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, strategy: {blueGreen: {activeService: active}},
		template: {metadata: {creationTimestamp: null}, spec: {containers: null}}}, status: {blueGreen: {}, canary: {}}}`), &o.Object)
	if err != nil {
		t.Fatal(err)
	}
	w.create(o)
	w.eventually("the workload to be missed, and the template not", func() error {
		if got := w.rollout().Status.Message; got != "InvalidSpec: spec.workloadRef: Deployment web not found in namespace "+w.namespace+"; create it, or name another" {
			return fmt.Errorf("message %q", got)
		}
		return nil
	})
}

// A value that can't be read makes its own Rollout invalid, and keeps the controller from no other.
func TestUnreadableRollouts(t *testing.T) {
	w := newWorld(t)
	o := &unstructured.Unstructured{}
	err := yaml.Unmarshal([]byte(`{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: unreadable}, spec: {selector: {matchLabels: {app: unreadable}}, strategy: {blueGreen: {activeService: active}},
		template: {metadata: {labels: {app: unreadable}}, spec: {containers: [{name: app, image: app, resources: {requests: {memory: invalid}}}]}}}}`), &o.Object)
	if err != nil {
		t.Fatal(err)
	}
	w.create(o)
	w.create(app())
	w.serves("v1")
	w.eventually("the unreadable one to be named", func() error {
		ro := &v1alpha1.Rollout{}
		if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(o), ro); err != nil {
			return err
		}
		if ro.Status.Phase != v1alpha1.RolloutDegraded || ro.Spec.Unreadable == "" {
			return fmt.Errorf("%s %s", ro.Status.Phase, ro.Status.Message)
		}
		return nil
	})
	after := &unstructured.Unstructured{}
	after.SetGroupVersionKind(o.GroupVersionKind())
	if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(o), after); err != nil {
		t.Fatal(err)
	}
	if lost := testkit.MissingFields(map[string]any{"spec": o.Object["spec"]}, after.Object); len(lost) > 0 {
		t.Errorf("the unreadable Rollout has lost %v", lost)
	}
}

// Autoscalers and `kubectl scale` read the size from the Rollout itself, also when its manifest gives none.
func TestSizeOfARolloutWithoutOne(t *testing.T) {
	w := newWorld(t)
	ro := app()
	ro.Spec.Replicas = nil
	w.create(ro)
	w.serves("v1")
	scale := &autoscalingv1.Scale{}
	if err := w.client.SubResource("scale").Get(context.Background(), w.rollout(), scale); err != nil {
		t.Fatal(err)
	}
	if scale.Spec.Replicas != 1 || scale.Status.Replicas != 1 || scale.Status.Selector == "" {
		t.Errorf("got %+v %+v", scale.Spec, scale.Status)
	}
	scale.Spec.Replicas = 3
	if err := w.client.SubResource("scale").Update(context.Background(), w.rollout(), client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	w.eventually("three pods", func() error {
		if n := w.rollout().Status.AvailableReplicas; n != 3 {
			return fmt.Errorf("%d are available", n)
		}
		return nil
	})
}

// What asks for an analysis or an experiment gets an answer that ends the wait for it, and loses nothing.
func TestAnalysesAndExperimentsAreAnswered(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct{ kind, spec, status string }{
		{"AnalysisRun", `{metrics: [{name: m, provider: {job: {spec: {x: y}}}}], args: [{name: a, value: b}]}`, ""},
		{"AnalysisRun", `{metrics: []}`, `{phase: Running, metricResults: [{name: m}]}`},
		{"Experiment", `{duration: 5m, templates: [{name: a, specRef: stable}]}`, ""},
		{"AnalysisRun", `{metrics: []}`, `{phase: Successful}`},
	} {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(`{apiVersion: argoproj.io/v1alpha1, metadata: {generateName: asked-}, spec: `+test.spec+`}`), &o.Object); err != nil {
			t.Fatal(err)
		}
		o.SetKind(test.kind)
		want := "Error"
		if test.status != "" {
			status := map[string]any{}
			if err := yaml.Unmarshal([]byte(test.status), &status); err != nil {
				t.Fatal(err)
			}
			o.Object["status"] = status
			if status["phase"] == "Successful" {
				want = "Successful"
			}
		}
		written := o.DeepCopy()
		w.create(o)
		w.eventually(test.kind+" to be answered", func() error {
			after := o.DeepCopy()
			if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(o), after); err != nil {
				return err
			}
			phase, _, _ := unstructured.NestedString(after.Object, "status", "phase")
			message, _, _ := unstructured.NestedString(after.Object, "status", "message")
			if phase != want || (message == "") != (want == "Successful") {
				return fmt.Errorf("phase %q, message %q", phase, message)
			}
			if lost := testkit.MissingFields(map[string]any{"spec": written.Object["spec"]}, after.Object); len(lost) > 0 {
				return fmt.Errorf("lost %v", lost)
			}
			return nil
		})
	}
	for _, kind := range []string{"AnalysisTemplate", "ClusterAnalysisTemplate"} {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(`{apiVersion: argoproj.io/v1alpha1, metadata: {name: `+w.namespace+`}, spec: {metrics: [{name: m, successCondition: "result > 1"}]}}`), &o.Object); err != nil {
			t.Fatal(err)
		}
		o.SetKind(kind)
		if kind == "AnalysisTemplate" {
			o.SetNamespace(w.namespace)
		}
		if err := w.client.Create(context.Background(), o); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		_ = w.client.Delete(context.Background(), o)
	}
}
