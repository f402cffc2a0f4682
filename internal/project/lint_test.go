package project_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
)

// What a project is refused for, or has passed over, is named by its field, without an Application.
func TestLint(t *testing.T) {
	const key = "4AEE18F83AFDEB23"
	for _, c := range []struct{ name, spec, refused, passedOver string }{
		{"nothing", "{}", "", ""},
		{"a whole project", "{sourceRepos: ['https://git.example/*', '!*/secret'], destinations: [{server: '*', namespace: 'shop-*'}], sourceNamespaces: ['team-*'], clusterResourceWhitelist: [{group: '*', kind: '*'}], " +
			"syncWindows: [{kind: allow, schedule: '0 9 * * 1-5', duration: 8h, timeZone: Asia/Tokyo, applications: ['*']}], orphanedResources: {ignore: [{kind: Job}]}, destinationServiceAccounts: [{server: '*', namespace: '*', defaultServiceAccount: 'robots:deployer'}], signatureKeys: [{keyID: " + key + "}]}", "", ""},
		{"a destination that is permitted", "{destinations: [{server: '*', namespace: a}, {server: '*', namespace: '{b'}]}", "", "spec.destinations[1]: pattern \"{b\" is invalid"},
		{"a destination that is denied", "{destinations: [{server: '*', namespace: '!{b'}]}", "spec.destinations[0]: pattern \"!{b\" is invalid", ""},
		{"a kind without namespaces that is permitted", "{clusterResourceWhitelist: [{group: '', kind: '{'}]}", "", "spec.clusterResourceWhitelist[0]: pattern"},
		{"a kind without namespaces that is denied", "{clusterResourceBlacklist: [{group: '', kind: '{'}]}", "spec.clusterResourceBlacklist[0]: pattern", ""},
		{"a kind that is permitted", "{namespaceResourceWhitelist: [{group: '', kind: '{'}]}", "", "spec.namespaceResourceWhitelist[0]: pattern"},
		{"the second kind that is denied", "{namespaceResourceBlacklist: [{group: '', kind: a}, {group: '', kind: '{'}]}", "spec.namespaceResourceBlacklist[1]: pattern", ""},
		{"namespaces of Applications that are permitted", "{sourceNamespaces: ['/(/']}", "", "spec.sourceNamespaces[0]: pattern"},
		{"namespaces of Applications that are denied", "{sourceNamespaces: [a, '!/(/']}", "spec.sourceNamespaces[1]: pattern", ""},
		{"repositories that are permitted", "{sourceRepos: ['https://git.example/a', '']}", "", "spec.sourceRepos[1]: pattern \"\" is invalid, and permits nothing; correct it"},
		{"repositories that are denied", "{sourceRepos: ['!']}", "spec.sourceRepos[0]: pattern \"!\" is invalid, and denies every repository; correct it", ""},
		{"the kind of a window", "{syncWindows: [{kind: Allow, schedule: '* * * * *', duration: 1h, applications: [a]}]}", "spec.syncWindows[0].kind: invalid kind \"Allow\"; use allow or deny", ""},
		{"the schedule of a window", "{syncWindows: [{kind: deny, schedule: '0 9 * *', duration: 1h, applications: [a]}]}", "spec.syncWindows[0].schedule: invalid schedule \"0 9 * *\": expected exactly 5 fields, found 4: [0 9 * *]; correct it", ""},
		{"the duration of a window", "{syncWindows: [{kind: deny, schedule: '0 9 * * *', duration: '8', applications: [a]}]}", "spec.syncWindows[0].duration: invalid duration \"8\"; use one such as 1h", ""},
		{"a window that lasts no time", "{syncWindows: [{kind: deny, schedule: '0 9 * * *', duration: 0s, applications: [a]}]}", "spec.syncWindows[0].duration: invalid duration \"0s\"", ""},
		{"the zone of a window", "{syncWindows: [{kind: deny, schedule: '0 9 * * *', duration: 8h, timeZone: Tokyo, applications: [a]}]}", "spec.syncWindows[0].timeZone: invalid timeZone \"Tokyo\"", ""},
		{"a pattern of a window", "{syncWindows: [{kind: deny, schedule: '0 9 * * *', duration: 8h, clusters: ['{a']}]}", "spec.syncWindows[0]: pattern \"{a\" is invalid", ""},
		{"a window about nothing", "{syncWindows: [{kind: deny, schedule: '0 9 * * *', duration: 8h}]}", "", "spec.syncWindows[0]: about no Application; give applications, namespaces or clusters"},
		{"windows about namespaces and clusters", "{syncWindows: [{kind: deny, schedule: '0 9 * * *', duration: 8h, namespaces: [a]}, {kind: deny, schedule: '0 9 * * *', duration: 8h, clusters: [a]}]}", "", ""},
		{"a key that is none", "{signatureKeys: [{keyID: " + key + "}, {keyID: ada}]}", "spec.signatureKeys[1]: invalid: keyID \"ada\" is not the ID of a gpg key", ""},
		{"policies beside keys", "{signatureKeys: [{keyID: " + key + "}], sourceIntegrity: {git: {policies: [{repos: [{url: '*'}], gpg: {mode: none}}]}}}", "spec.sourceIntegrity: written beside spec.signatureKeys", ""},
		{"a policy beside keys that are none", "{signatureKeys: [{keyID: ada}], sourceIntegrity: {git: {policies: [{repos: [{url: '*'}], gpg: {mode: none}}]}}}", "spec.signatureKeys[0]: invalid: keyID \"ada\"", ""},
		{"a policy of no mode", "{sourceIntegrity: {git: {policies: [{repos: [{url: '*'}], gpg: {mode: all}}]}}}", "spec.sourceIntegrity: git.policies[0]: unknown gpg.mode \"all\"; write head or none", ""},
		{"an account that is none", "{destinationServiceAccounts: [{server: '*', namespace: '*', defaultServiceAccount: a}, {server: '*', namespace: '*', defaultServiceAccount: 'a:b:c'}]}", "spec.destinationServiceAccounts[1].defaultServiceAccount: \"a:b:c\" is invalid; write NAME or NAMESPACE:NAME", ""},
		{"accounts that can't be read", "{destinationServiceAccounts: [deployer]}", "spec.destinationServiceAccounts[0]: invalid: json", ""},
		{"orphans by a pattern", "{orphanedResources: {ignore: [{kind: a}, {name: '{'}]}}", "", "spec.orphanedResources.ignore[1].name: "},
		{"orphans that can't be read", "{orphanedResources: {warn: yes please}}", "", "spec.orphanedResources: json"},
	} {
		p := &v1alpha1.AppProject{}
		if err := yaml.Unmarshal([]byte("{metadata: {name: team}, spec: "+c.spec+"}"), p); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		before := p.DeepCopy()
		refused, passedOver := project.Lint(p)
		for what, pair := range map[string]struct {
			got  []*problem.Error
			want string
		}{"refused": {refused, c.refused}, "passed over": {passedOver, c.passedOver}} {
			if pair.want == "" && len(pair.got) > 0 || pair.want != "" && (len(pair.got) != 1 || !strings.HasPrefix(pair.got[0].Error(), "AppProject team: "+pair.want)) {
				t.Errorf("%s: %s are %v, want %q", c.name, what, pair.got, pair.want)
			}
		}
		if len(p.Spec.SignatureKeys) != len(before.Spec.SignatureKeys) || p.Name != "team" {
			t.Errorf("%s: the project has changed", c.name)
		}
	}
}
