package plan

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Links returns the addresses in link annotations, in the order of their names.
func Links(annotations map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if strings.HasPrefix(name, "link.argocd.argoproj.io/") {
			all = append(all, annotations[name])
		}
	}
	return all
}

// SplitLink takes a link apart that people write as title|address; the title is "" where there is none.
func SplitLink(link string) (title, address string) {
	title, address, ok := strings.Cut(link, "|")
	if !ok {
		return "", link
	}
	return strings.TrimSpace(title), strings.TrimSpace(address)
}

// URLsOf returns the addresses that an Ingress offers, unless it says not to, and those in link annotations.
func URLsOf(object *unstructured.Unstructured) []string {
	all := Links(object.GetAnnotations())
	if object.GetKind() != "Ingress" || object.GetAnnotations()[v1alpha1.IgnoreDefaultLinksAnnotation] == "true" {
		return all
	}
	rules, _, _ := unstructured.NestedSlice(object.Object, "spec", "rules")
	for _, r := range rules {
		rule, ok := r.(map[string]any)
		if !ok {
			continue
		}
		for _, host := range hostsOf(object, rule) {
			for _, path := range pathsOf(rule) {
				all = append(all, schemeOf(object, host)+host+path)
			}
		}
	}
	return all
}

// hostsOf are the hosts of a rule: its own, or for one without a host the addresses of the load balancer. A pattern of
// hosts is no address.
func hostsOf(ingress *unstructured.Unstructured, rule map[string]any) []string {
	if host, _ := rule["host"].(string); host != "" {
		if strings.HasPrefix(host, "*") {
			return nil
		}
		return []string{host}
	}
	var all []string
	addresses, _, _ := unstructured.NestedSlice(ingress.Object, "status", "loadBalancer", "ingress")
	for _, a := range addresses {
		address, _ := a.(map[string]any)
		for _, field := range []string{"hostname", "ip"} {
			if value, _ := address[field].(string); value != "" {
				all = append(all, value)
				break
			}
		}
	}
	return all
}

// pathsOf are the paths of a rule, without the root; "" where it has no other. What is an expression is no path.
func pathsOf(rule map[string]any) []string {
	all := []string{}
	paths, _, _ := unstructured.NestedSlice(rule, "http", "paths")
	for _, p := range paths {
		of, _ := p.(map[string]any)
		path, _ := of["path"].(string)
		path = strings.TrimRight(strings.TrimSuffix(path, "*"), "/")
		if strings.ContainsAny(path, `*()[]{}|\^$+? `) {
			path = ""
		}
		if !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	if len(all) == 0 {
		return []string{""}
	}
	return all
}

// schemeOf is https for a host that spec.tls has, also by a pattern or without naming any, and http for every other.
func schemeOf(ingress *unstructured.Unstructured, host string) string {
	entries, _, _ := unstructured.NestedSlice(ingress.Object, "spec", "tls")
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		hosts, _, _ := unstructured.NestedStringSlice(entry, "hosts")
		if len(hosts) == 0 || slices.ContainsFunc(hosts, func(secure string) bool { return covers(secure, host) }) {
			return "https://"
		}
	}
	return "http://"
}

// covers reports whether a host of a certificate is a host: itself, or *.example.com for a name directly below it.
func covers(secure, host string) bool {
	parent, isPattern := strings.CutPrefix(secure, "*.")
	if !isPattern {
		return secure == host
	}
	_, below, ok := strings.Cut(host, ".")
	return ok && below == parent
}
