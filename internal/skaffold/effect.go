package skaffold

import (
	"regexp"
	"slices"
	"strings"
)

// ofDeployment are the fields that count for those who deploy alone.
var ofDeployment = regexp.MustCompile(`^(profiles\[\d+\]\.)?(manifests|deploy)\b`)

// withoutEffect lessens the findings of what is refused and has no effect: what stands in a profile that is not
// applied, or is replaced by one, and what is for a deployment where nothing is deployed. What is named loses weight in
// profiles alone.
func withoutEffect(findings []Finding, applied *node, command string) {
	there := map[Position]bool{}
	places(applied, there)
	for i, f := range findings {
		switch {
		case f.Severity == Note || f.Rule != notHonoured:
		case !there[f.Position] && (f.Severity == Error || strings.HasPrefix(f.Object, "profiles[")):
			findings[i].Severity, findings[i].Cause = Note, f.Cause+"; no profile that is applied has it"
		case f.Severity == Error && !slices.Contains(deploys, command) && ofDeployment.MatchString(f.Object):
			findings[i].Severity = Warning
		}
	}
}

// places notes where the fields of what is applied stand.
func places(n *node, there map[Position]bool) {
	for _, f := range n.fields {
		if f.name == "profiles" {
			continue
		}
		there[f.at] = true
		places(f.value, there)
	}
	for _, item := range n.items {
		places(item, there)
	}
}
