package validate

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/cyan-cd/cyan/internal/render"
)

// What lies beyond these is written with a wrong unit: no machine has so many cores, and no program runs in so little.
const (
	mostCores  = 250
	leastBytes = 1 << 20
)

// unlikelyAmounts finds amounts of resources that an API server takes, and that have another unit than was meant.
func unlikelyAmounts(objects []render.Rendered) []Finding {
	var found []Finding
	for _, o := range objects {
		if p, ok := podTemplateOf(o); ok {
			for _, c := range p.containers() {
				found = append(found, unlikelyIn(o, c.path+".resources", mapAt(c.content, "resources"))...)
			}
		}
		switch o.Object.GroupVersionKind().GroupKind().String() {
		case "PersistentVolumeClaim":
			found = append(found, unlikelyIn(o, "spec.resources", mapAt(o.Object.Object, "spec", "resources"))...)
		case "StatefulSet.apps":
			for i, claim := range listAt(o.Object.Object, "spec", "volumeClaimTemplates") {
				found = append(found, unlikelyIn(o, fmt.Sprintf("spec.volumeClaimTemplates[%d].spec.resources", i), mapAt(claim, "spec", "resources"))...)
			}
		}
	}
	return found
}

func unlikelyIn(o render.Rendered, path string, resources map[string]any) []Finding {
	var found []Finding
	for _, kind := range []string{"requests", "limits"} {
		for _, name := range []string{"cpu", "memory", "ephemeral-storage", "storage"} {
			amount, written := mapAt(resources, kind)[name]
			if !written {
				continue
			}
			if cause, remedy := unlikely(name, fmt.Sprint(amount)); cause != "" {
				found = append(found, Finding{findingOf(o, RuleUnlikely, joinPath(path+"."+kind, name), cause, remedy), SeverityWarning})
			}
		}
	}
	return found
}

// unlikely returns why an amount is not what was meant, and what to write; "" where it may be. What is less than a
// byte, an API server warns of.
func unlikely(name, written string) (cause, remedy string) {
	amount, err := resource.ParseQuantity(written)
	if err != nil || amount.Sign() <= 0 {
		return "", ""
	}
	switch {
	case name == "cpu" && amount.CmpInt64(mostCores) >= 0:
		meant := strings.TrimRight(written, "KMGTPEik")
		return fmt.Sprintf("%s is %d cores", written, amount.Value()), fmt.Sprintf("write %sm for as many thousandths of a core", meant)
	case name != "cpu" && amount.CmpInt64(leastBytes) < 0 && amount.MilliValue()%1000 == 0:
		meant := strings.TrimRight(written, "kKi")
		return fmt.Sprintf("%s is %d bytes", written, amount.Value()), fmt.Sprintf("write the unit that is meant, such as %sMi", meant)
	}
	return "", ""
}
