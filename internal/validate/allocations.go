package validate

import (
	"fmt"

	"github.com/cyan-cd/cyan/internal/render"
)

// The ports of nodes that an API server gives to Services, where --service-node-port-range is not given.
const (
	firstNodePort = 30000
	lastNodePort  = 32767
)

// allocations finds ports of nodes and addresses that an API server does not give to a Service, or not to two.
func allocations(objects []render.Rendered) []Finding {
	var found []Finding
	ports, addresses := map[int64]string{}, map[string]string{}
	taken := func(o render.Rendered, path, by string) {
		found = append(found, Finding{findingOf(o, RuleDuplicateValue, path, by+" has it already, and an API server gives it once", "choose another one, or leave it to the API server"), SeverityError})
	}
	for _, o := range objects {
		if o.Object.GroupVersionKind().GroupKind().String() != "Service" {
			continue
		}
		name := ObjectName(o.Object)
		for i, p := range listAt(o.Object.Object, "spec", "ports") {
			port, given := mapAt(p)["nodePort"].(int64)
			if !given || port == 0 {
				continue
			}
			path := fmt.Sprintf("spec.ports[%d].nodePort", i)
			switch before, there := ports[port]; {
			case there && before != name:
				taken(o, path, before)
			case port < firstNodePort || port > lastNodePort:
				found = append(found, Finding{findingOf(o, RuleInvalidValue, path,
					fmt.Sprintf("%d is not one of the ports that an API server gives, %d to %d unless its --service-node-port-range has others", port, firstNodePort, lastNodePort),
					"choose one of these, or leave it to the API server"), SeverityWarning})
			}
			ports[port] = name
		}
		address := textAt(mapAt(o.Object.Object, "spec"), "clusterIP")
		if before, there := addresses[address]; there && address != "" && address != "None" && before != name {
			taken(o, "spec.clusterIP", before)
		}
		addresses[address] = name
	}
	return found
}
