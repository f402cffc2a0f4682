package validate

import (
	"cmp"
	"fmt"

	"github.com/cyan-cd/cyan/internal/render"
)

// clientReference is the Service that a webhook is sent to; none where it has a URL.
func clientReference(o render.Rendered, config map[string]any, path string) []reference {
	service := mapAt(config, "service")
	if service == nil {
		return nil
	}
	return []reference{{from: o, field: path + ".service.name", to: serviceRef(textAt(service, "namespace"), textAt(service, "name")), port: service["port"], portField: path + ".service.port"}}
}

func webhookReferences(o render.Rendered, _ string) []reference {
	var all []reference
	for i, hook := range listAt(o.Object.Object, "webhooks") {
		all = append(all, clientReference(o, mapAt(hook, "clientConfig"), fmt.Sprintf("webhooks[%d].clientConfig", i))...)
	}
	return all
}

func conversionReferences(o render.Rendered, _ string) []reference {
	return clientReference(o, mapAt(o.Object.Object, "spec", "conversion", "webhook", "clientConfig"), "spec.conversion.webhook.clientConfig")
}

func aggregatedReferences(o render.Rendered, _ string) []reference {
	return clientReference(o, mapAt(o.Object.Object, "spec"), "spec")
}

// accountReferences are the Secrets that pods of a ServiceAccount get their images by.
func accountReferences(o render.Rendered, ns string) []reference {
	var all []reference
	for i, s := range listAt(o.Object.Object, "imagePullSecrets") {
		all = append(all, reference{from: o, field: fmt.Sprintf("imagePullSecrets[%d].name", i), to: Ref{Kind: "Secret", Namespace: ns, Name: textAt(s, "name")}})
	}
	return all
}

// claimReferences is the claim that another is a copy of.
func claimReferences(o render.Rendered, ns string) []reference {
	var all []reference
	for _, field := range []string{"dataSource", "dataSourceRef"} {
		source := mapAt(o.Object.Object, "spec", field)
		if textAt(source, "apiGroup") == "" && textAt(source, "kind") == "PersistentVolumeClaim" {
			all = append(all, reference{from: o, field: "spec." + field + ".name", to: Ref{Kind: "PersistentVolumeClaim", Namespace: cmp.Or(textAt(source, "namespace"), ns), Name: textAt(source, "name")}})
		}
	}
	return all
}
