package settings

import (
	"encoding/json"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// InSecret finds what is not honoured of a Secret of a cluster or a repository, by the type in its label. It looks at
// keys, and at values only to see whether something is switched on; no value is in what it returns.
func InSecret(name, secretType string, data map[string][]byte) []Finding {
	of := map[string]string{
		v1alpha1.SecretTypeCluster: "Secret of a cluster", v1alpha1.SecretTypeRepository: "Secret of a repository",
		v1alpha1.SecretTypeRepoCredentials: "Secret of a repository",
	}[secretType]
	switch secretType {
	case "scm-creds":
		return []Finding{{Object: "Secret " + name, Field: "label " + v1alpha1.SecretTypeLabel, Verdict: Harmless, Cause: "concerns ApplicationSets, which are not generated"}}
	case "repository-write", "repo-write-creds":
		return []Finding{{
			Object: "Secret " + name, Field: "label " + v1alpha1.SecretTypeLabel, Verdict: Named,
			Cause: "credentials to write rendered manifests with are not used", Remedy: "use repository or repo-creds, if it is to be read from",
		}}
	}
	if of == "" {
		return []Finding{{Object: "Secret " + name, Field: "label " + v1alpha1.SecretTypeLabel, Verdict: Named, Cause: "unknown type", Remedy: "use cluster, repository or repo-creds"}}
	}
	found := mustTable(of).keys(plainOf(secretType, data))
	for i := range found {
		found[i].Object = "Secret " + name
	}
	return found
}

// plainOf returns the keys of a Secret with what of their values says whether they ask for something; those of a
// cluster's connection as config.KEY.
func plainOf(secretType string, data map[string][]byte) map[string]string {
	all := map[string]string{}
	for key, value := range data {
		all[key] = strings.TrimSpace(string(value))
	}
	if secretType != v1alpha1.SecretTypeCluster {
		return all
	}
	var connection map[string]json.RawMessage
	if err := json.Unmarshal(data["config"], &connection); err != nil {
		// Who connects the cluster says so.
		return all
	}
	for key, value := range connection {
		if text := string(value); text != "null" && text != `""` && text != "{}" {
			all["config."+key] = text
		}
	}
	return all
}
