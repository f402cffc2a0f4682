package validate

import "testing"

// A port of the nodes, and an address, is that of one Service.
func TestAllocations(t *testing.T) {
	service := func(name, spec string) string {
		return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n---\n"
	}
	const of = "ports: [{name: a, port: 80, nodePort: 30080}]"
	for _, c := range []struct{ rule, manifests, want string }{
		{"a port for each", service("a", of) + service("b", "ports: [{port: 80, nodePort: 30081}]"), ""},
		{"the bounds", service("a", "ports: [{port: 80, nodePort: 30000}, {port: 81, nodePort: 32767}]"), ""},
		{"ports that the API server chooses", service("a", "ports: [{port: 80}]") + service("b", "ports: [{port: 80, nodePort: 0}]") + service("c", "ports: [{port: 80, nodePort: 0}]"), ""},
		{"one port, of both protocols of a Service", service("a", "ports: [{name: t, port: 53, nodePort: 30053}, {name: u, port: 53, protocol: UDP, nodePort: 30053}]"), ""},
		{"one port for two", service("a", of) + service("b", of), "error duplicate-value a.yaml:9: Service b: spec.ports[0].nodePort: Service a has it already, and an API server gives it once; choose another one, or leave it to the API server\n"},
		{"below them", service("a", "ports: [{port: 80, nodePort: 29999}]"), "warning invalid-value a.yaml:4: Service a: spec.ports[0].nodePort: 29999 is not one of the ports that an API server gives, 30000 to 32767 unless its --service-node-port-range has others; choose one of these, or leave it to the API server\n"},
		{"above them", service("a", "ports: [{port: 80, nodePort: 32768}]"), "warning invalid-value a.yaml:4: Service a: spec.ports[0].nodePort: 32768 is not one of the ports that an API server gives, 30000 to 32767 unless its --service-node-port-range has others; choose one of these, or leave it to the API server\n"},
		{"one address for two", service("a", "clusterIP: 10.0.0.9") + service("b", "clusterIP: 10.0.0.9"), "error duplicate-value a.yaml:9: Service b: spec.clusterIP: Service a has it already, and an API server gives it once; choose another one, or leave it to the API server\n"},
		{"no address", service("a", "clusterIP: None") + service("b", "clusterIP: None"), ""},
	} {
		if got := texts(allocations(fromManifest(t, c.manifests))); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.rule, got, c.want)
		}
	}
}
