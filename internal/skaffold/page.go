package skaffold

import (
	"fmt"
	"strings"
)

const introduction = `
## skaffold.yaml

Every field that skaffold.yaml has or had, from v1beta11 on, and what ` + "`cyan dev`" + ` and ` + "`cyan skaffold check`" + ` make of it; the latter shows those of a file, with their lines.
An unknown field is an error with the one that was probably meant. What is named is a warning, and the rest is done; what is refused is an error, before anything
is built. Versions are those that have the field; nothing is all.
`

// Page returns the section of the compatibility page about skaffold.yaml.
func Page() string {
	var b strings.Builder
	b.WriteString(introduction)
	counts, shown := map[Verdict]int{}, honoured(skaffoldSchema)
	for _, t := range skaffoldSchema {
		if len(t.Rows) == 0 || !shown[t.Name] {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n| | versions | | |\n|---|---|---|---|\n", titles[t.Name])
		for _, r := range t.Rows {
			counts[r.Verdict]++
			b.WriteString(r.line())
		}
	}
	fmt.Fprintf(&b, "\n%d rows: %d honoured, %d named, %d refused, %d harmless.\n", counts[Honoured]+counts[Named]+counts[Refused]+counts[Harmless],
		counts[Honoured], counts[Named], counts[Refused], counts[Harmless])
	return b.String()
}

// honoured returns the types of which fields are: those that no field leads to but ones that are not done are left out.
func honoured(s schema) map[string]bool {
	shown := map[string]bool{s[0].Name: true, "Pipeline": true}
	for range s {
		for _, t := range s {
			for _, r := range t.Rows {
				if inner, _ := element(r.Shape); shown[t.Name] && r.Verdict == Honoured {
					shown[inner] = true
				}
			}
		}
	}
	return shown
}

func (r Row) line() string {
	versions, words := r.span.String(), r.Words
	if r.Versions == "" {
		versions = ""
	}
	if inner, _ := element(r.Shape); skaffoldSchema.find(inner) != nil && words == "" {
		words = "see " + titles[inner]
	}
	if r.Remedy != "" && r.Verdict != Honoured {
		words += "; " + r.Remedy
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", r.Field, versions, r.Verdict, words)
}

// titles are where the fields of each type stand.
var titles = map[string]string{
	"Config": "The file", "Metadata": "metadata", "Requirement": "requires[]", "GitRequirement": "requires[].git", "ProfileRequirement": "requires[].activeProfiles[]", "Profile": "profiles[]",
	"Activation": "profiles[].activation[]", "Patch": "profiles[].patches[]", "Pipeline": "The steps, in the file and in profiles", "ResourceSelector": "resourceSelector", "ResourceFilter": "resourceSelector.allow[], .deny[]",
	"Test": "test[]", "CustomTest": "test[].custom[]", "Verify": "verify[]", "VerifyContainer": "verify[].container", "VerifyVariable": "verify[].container.env[]", "VerifyMode": "verify[].executionMode", "VerifyCluster": "verify[].executionMode.kubernetesCluster", "Build": "build", "LocalBuild": "build.local", "TagPolicy": "build.tagPolicy", "Empty": "nothing", "GitTagger": "build.tagPolicy.gitCommit", "TemplateTagger": "build.tagPolicy.envTemplate",
	"DateTagger": "build.tagPolicy.dateTime", "CustomTagger": "build.tagPolicy.customTemplate", "TaggerComponent": "build.tagPolicy.customTemplate.components[]", "Artifact": "build.artifacts[]",
	"ArtifactRequirement": "build.artifacts[].requires[]", "Docker": "build.artifacts[].docker", "DockerSecret": "build.artifacts[].docker.secrets[]", "Ko": "build.artifacts[].ko", "Custom": "build.artifacts[].custom", "CustomDependencies": "build.artifacts[].custom.dependencies", "Kaniko": "build.artifacts[].kaniko", "Sync": "build.artifacts[].sync", "SyncRule": "build.artifacts[].sync.manual[]",
	"HostHooks": "build.artifacts[].hooks", "HostHook": "A hook on this machine", "Hooks": "hooks of sync, manifests and deploy", "Hook": "One of these hooks", "ContainerHook": "A hook in containers", "Manifests": "manifests",
	"Kustomize": "manifests.kustomize", "Deploy": "deploy", "Logs": "deploy.logs", "Kubectl": "deploy.kubectl", "KustomizeDeploy": "deploy.kustomize", "KubectlFlags": "deploy.kubectl.flags",
	"Helm": "manifests.helm, deploy.helm", "Release": "releases[] of helm", "Forward": "portForward[]",
}
