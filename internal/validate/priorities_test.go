package validate

import "testing"

// A pod has the priority of its PriorityClass, or none of its own.
func TestPriorities(t *testing.T) {
	pod := func(spec string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {" + spec + ", containers: [{name: a, image: a}]}\n"
	}
	const classes = "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 10\n"
	const usual = "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: usual}\nvalue: 7\nglobalDefault: true\n"
	for _, c := range []struct{ rule, manifest, want string }{
		{"no priority", pod("priorityClassName: nowhere"), ""},
		{"a priority without a class", pod("priority: 10"), "error invalid-value a.yaml:4: Pod x: spec.priority: pods with no PriorityClass have the priority 0, and an API server refuses those with another one; remove it, and name a PriorityClass by priorityClassName\n"},
		{"none, as a number", pod("priority: 0"), ""},
		{"that of its class", pod("priority: 10, priorityClassName: high") + classes, ""},
		{"that of a class of Kubernetes", pod("priority: 2000001000, priorityClassName: system-node-critical"), ""},
		{"another than that of its class", pod("priority: 9, priorityClassName: high") + classes, "error invalid-value a.yaml:4: Pod x: spec.priority: pods with PriorityClass high have the priority 10, and an API server refuses those with another one; remove it, and name a PriorityClass by priorityClassName\n"},
		{"that of a class that is unknown", pod("priority: 9, priorityClassName: nowhere"), ""},
		{"that of the class by default", pod("priority: 7") + usual, ""},
		{"another than that of the class by default", pod("priority: 8") + usual, "error invalid-value a.yaml:4: Pod x: spec.priority: pods with no PriorityClass have the priority 7, and an API server refuses those with another one; remove it, and name a PriorityClass by priorityClassName\n"},
		{"the pods of a workload", with(webApp, "priority: 10, containers: [{name: a, image: a}]"), "warning invalid-value a.yaml:1: Deployment web: spec.template.spec.priority: pods with no PriorityClass have the priority 0, and an API server refuses those with another one; remove it, and name a PriorityClass by priorityClassName\n"},
	} {
		if got := texts(priorities(fromManifest(t, c.manifest))); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.rule, got, c.want)
		}
	}
}
