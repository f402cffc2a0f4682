package settings

import (
	"fmt"
	"strings"
)

// chapters are the tables of the compatibility page, in its order.
var chapters = []struct {
	title  string
	tables []string
}{
	{"Application", []string{"Application", "ApplicationSpec", "ApplicationSource"}},
	{"AppProject", []string{"AppProject"}},
	{"ApplicationSet", []string{"ApplicationSet"}},
	{"Rollout and analyses", []string{"Rollout", "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun", "Experiment"}},
	{"Annotations", []string{"annotations"}},
	{"Options of syncs and comparisons", []string{"sync options", "compare options"}},
	{"ConfigMaps", []string{
		"ConfigMap argocd-cm", "ConfigMap argocd-cmd-params-cm", "ConfigMap argocd-rbac-cm", "ConfigMap argocd-notifications-cm", "ConfigMap argocd-gpg-keys-cm", "ConfigMap cyan-ssh-signers-cm",
		"ConfigMap argocd-ssh-known-hosts-cm", "ConfigMap argocd-tls-certs-cm",
	}},
	{"Secrets", []string{"Secret argocd-secret", "Secret of a cluster", "Secret of a repository"}},
}

const introduction = `# Compatibility

<!-- Made by go generate ./internal/settings of the tables in internal/settings/tables and internal/skaffold, which the program itself reads. -->

Every field, key, annotation and option that Argo CD and Argo Rollouts know, and those of [skaffold.yaml](#skaffoldyaml), and what Cyan makes of them. Nothing is passed over in silence:

| | |
|---|---|
| honoured | done as it is written |
| named | not done, while the rest is: the object says so in condition ` + "`UnsupportedWarning`" + ` (an AppProject in an event, and in the condition of its Applications), a key of a ConfigMap or Secret is named in the log at start |
| refused | not done, and passing it over would be less safe than stopping: the object says so in condition ` + "`InvalidSpecError`" + ` (` + "`InvalidSpec`" + ` of a Rollout) |
| harmless | concerns a part that Cyan does not have, such as the colours of a page |

` + "`cyan doctor`" + ` lists all that an installation asks for and does not get, and ` + "`cyan adopt`" + ` does before anything is taken over.

In the paths, ` + "`**`" + ` stands for everything below, ` + "`[]`" + ` for the elements of a list, and ` + "`*`" + ` for any letters. A field that no model knows is named, with the field that was
probably meant.
`

// Page returns the compatibility page.
func Page() string {
	var b strings.Builder
	b.WriteString(introduction)
	counts := map[Verdict]int{}
	for _, chapter := range chapters {
		fmt.Fprintf(&b, "\n## %s\n", chapter.title)
		for _, of := range chapter.tables {
			t := mustTable(of)
			if len(chapter.tables) > 1 {
				fmt.Fprintf(&b, "\n### %s\n", of)
			}
			b.WriteString("\n| | | |\n|---|---|---|\n")
			for _, r := range t.Rows {
				counts[r.Verdict]++
				b.WriteString(r.line())
			}
		}
	}
	fmt.Fprintf(&b, "\n%d rows: %d honoured, %d named, %d refused, %d harmless.\n", counts[Honoured]+counts[Named]+counts[Refused]+counts[Harmless],
		counts[Honoured], counts[Named], counts[Refused], counts[Harmless])
	return b.String()
}

// line is a row as the page has it.
func (r Row) line() string {
	field, words := "`"+r.Field+"`", r.Words
	switch {
	case r.Only != "":
		field += " that is `" + r.Only + "`"
	case r.Unless != "":
		field += " that is not `" + r.Unless + "`"
	}
	verdict := string(r.Verdict)
	if r.Verdict == as {
		verdict, words = "", "as "+r.Words
	}
	if r.Remedy != "" {
		words += "; " + r.Remedy
	}
	return fmt.Sprintf("| %s | %s | %s |\n", field, verdict, words)
}
