package settings

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// modelFields returns the fields of the models' kinds, as their definitions list them, and the shapes of those that
// come at many places.
func modelFields(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("models/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fields of the models: %v", err)
	}
	all := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".txt")] = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	return all
}

// shapes are the tables of parts that come at many places. Those that are not here are refused as a whole.
var shapes = []string{"ApplicationSource", "ApplicationSpec"}

func TestTablesHaveARowForEveryFieldOfTheModels(t *testing.T) {
	for kind, fields := range modelFields(t) {
		for _, line := range fields {
			path, shape, _ := strings.Cut(line, " ")
			first, rest, _ := strings.Cut(path, ".")
			of := kind
			if slices.Contains(shapes, first) {
				of, path = first, rest
			} else if first != "spec" && first != "status" && first != "operation" {
				// A shape of what is refused as a whole.
				continue
			}
			if path == "" {
				continue
			}
			table, ok := tableOf(of)
			if !ok {
				t.Fatalf("no table of %s", of)
			}
			row, ok := table.path(strings.TrimSuffix(path, "[]"))
			switch {
			case !ok:
				t.Errorf("%s: no row for %s", of, path)
			case slices.Contains(shapes, shape) && row.Verdict != as && !strings.HasSuffix(row.Field, below):
				if list, ok := table.path(path); !ok || list.Verdict != as {
					t.Errorf("%s: %s is not shown to have the shape of %s", of, path, shape)
				}
			}
		}
	}
}

// Rows of fields that no model has any more would promise what nobody can write.
func TestRowsNameFieldsOfTheModels(t *testing.T) {
	known := map[string]bool{}
	for kind, fields := range modelFields(t) {
		for _, line := range fields {
			path, _, _ := strings.Cut(line, " ")
			if first, _, _ := strings.Cut(path, "."); !slices.Contains(shapes, first) {
				path = kind + "." + path
			}
			known[path] = true
		}
	}
	for _, table := range Tables() {
		if !known[table.Of+".spec"] && !slices.Contains(shapes, table.Of) {
			continue
		}
		for _, row := range table.Rows {
			if path := table.Of + "." + strings.TrimSuffix(row.Field, below); !known[path] && !known[strings.TrimSuffix(path, "[]")] {
				t.Errorf("%s: the models do not have the field of row %s", table.Of, row.Field)
			}
		}
	}
}

// testNames returns the names of all tests of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)`)
	err := filepath.WalkDir("../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range function.FindAllStringSubmatch(string(text), -1) {
			all[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRowsSayWhatTheyHaveTo(t *testing.T) {
	tests := testNames(t)
	for _, table := range Tables() {
		seen := map[string]bool{}
		for _, row := range table.Rows {
			name := table.Of + ": " + row.Field
			if key := row.Field + "=" + row.Only + "!" + row.Unless; seen[key] {
				t.Errorf("%s: twice", name)
			} else {
				seen[key] = true
			}
			switch {
			case row.Verdict == Honoured && !tests[row.Test]:
				t.Errorf("%s is honoured, and test %q that shows it is not there", name, row.Test)
			case (row.Verdict == Named || row.Verdict == Refused) && (row.Words == "" || row.Remedy == ""):
				t.Errorf("%s: cause %q and remedy %q, want both", name, row.Words, row.Remedy)
			case row.Verdict == Harmless && row.Words == "":
				t.Errorf("%s is harmless, and nothing says why", name)
			case row.Verdict == as && !slices.ContainsFunc(Tables(), func(t Table) bool { return t.Of == row.Words }):
				t.Errorf("%s: no table of %s", name, row.Words)
			}
		}
	}
}

// holding returns an object of a kind that has a value at a path of its table.
func holding(kind, path string) *unstructured.Unstructured {
	var value any = map[string]any{"x": "text"}
	parts := strings.Split(strings.TrimSuffix(path, below), ".")
	for _, part := range slices.Backward(parts) {
		if name, ok := strings.CutSuffix(part, "[]"); ok {
			part, value = name, []any{value}
		}
		value = map[string]any{part: value}
	}
	o := &unstructured.Unstructured{Object: value.(map[string]any)}
	o.SetAPIVersion(v1alpha1.GroupVersion.String())
	o.SetKind(kind)
	o.SetName("x")
	return o
}

// places are where the shapes are in an object.
var places = map[string][2]string{"ApplicationSpec": {"Application", "spec."}, "ApplicationSource": {"Application", "spec.source."}}

func TestWhatIsNotHonouredIsFound(t *testing.T) {
	for _, table := range Tables() {
		kind, prefix := table.Of, ""
		if place, ok := places[kind]; ok {
			kind, prefix = place[0], place[1]
		} else if strings.Contains(kind, " ") || kind == "annotations" {
			continue
		}
		for _, row := range table.Rows {
			if row.Verdict != Named && row.Verdict != Refused || row.Only != "" {
				continue
			}
			found := Unserved(holding(kind, prefix+row.Field))
			if len(found) != 1 || found[0].Verdict != row.Verdict || found[0].Cause != row.Words || found[0].Remedy != row.Remedy {
				t.Errorf("%s with %s%s: found %v, want the row's words", kind, prefix, row.Field, found)
			}
		}
	}
}

func TestUnserved(t *testing.T) {
	for _, test := range []struct {
		rule, object string
		want         []string
	}{
		{"nothing", "{kind: Application, spec: {source: {repoURL: x, path: p}, project: default}}", nil},
		{"another group's kind of that name", "{apiVersion: x/v1, kind: Application, spec: {anything: 1}}", nil},
		{"a kind without a table", "{apiVersion: v1, kind: ConfigMap, data: {a: b}}", nil},
		{"a part that is refused", "{kind: Application, spec: {source: {helm: {values: x}}}}", []string{"refused: spec.source.helm: Helm charts are not rendered; render the chart in CI"}},
		{"a part that is refused, empty", "{kind: Application, spec: {source: {helm: {}, chart: ''}, sourceHydrator: null}}", nil},
		{"in the second of several", "{kind: Application, spec: {sources: [{repoURL: x}, {chart: c}]}}", []string{"refused: spec.sources[1].chart: Helm charts are not rendered"}},
		{"in an operation", "{kind: Application, operation: {sync: {source: {chart: c}, manifests: [x]}}}",
			[]string{"refused: operation.sync.manifests: an operation that brings manifests", "refused: operation.sync.source.chart: Helm charts"}},
		{"below one that is honoured", "{kind: Application, spec: {source: {kustomize: {images: [a], version: v4}}}}", []string{"refused: spec.source.kustomize.version: the kustomize that is built in is used"}},
		{"keys of mappings are no fields", "{kind: Application, spec: {source: {kustomize: {commonLabels: {anything: x}}}, syncPolicy: {managedNamespaceMetadata: {labels: {x: z}}}}}", nil},
		{"a misspelt field", "{kind: Application, spec: {syncPolicy: {automatd: {}}}}", []string{"named: spec.syncPolicy.automatd: unknown field; did you mean spec.syncPolicy.automated?"}},
		{"a misspelt field of the spec", "{kind: Application, spec: {porject: x}}", []string{"named: spec.porject: unknown field; did you mean spec.project?"}},
		{"a misspelt field of a source", "{kind: Application, spec: {source: {targetRevison: x}}}", []string{"did you mean spec.source.targetRevision?"}},
		{"a field that nobody knows", "{kind: Application, spec: {entirelyNew: x}}", []string{"named: spec.entirelyNew: unknown field; remove it"}},
		{"beside the spec", "{kind: Application, sepc: {}}", []string{"named: sepc: unknown field; did you mean spec?"}},
		{"a misspelt field below one that is honoured with all below", "{kind: Rollout, spec: {strategy: {blueGreen: {autoPromotionEnable: false}}}}", []string{"did you mean spec.strategy.blueGreen.autoPromotionEnabled?"}},
		{"what a status says", "{kind: Rollout, status: {anything: 1}}", nil},
		{"an ApplicationSet", "{kind: ApplicationSet, spec: {generators: [{list: {}}]}}", []string{"refused: spec: no Application is generated from it"}},
		{"a Rollout", "{kind: Rollout, spec: {template: {spec: {anything: 1}}, strategy: {blueGreen: {activeService: a, prePromotionAnalysis: {templates: [{templateName: x}]}}}}}",
			[]string{"refused: spec.strategy.blueGreen.prePromotionAnalysis: analyses are not run"}},
		{"a misspelt field of a strategy", "{kind: Rollout, spec: {strategy: {bluegreen: {}}}}", []string{"did you mean spec.strategy.blueGreen?"}},
		{"annotations of others", "{kind: ConfigMap, metadata: {annotations: {a: b, 'notifications.argoproj.io/subscribe.on-deployed.slack': x, 'argocd-image-updater.argoproj.io/image-list': z}}}",
			[]string{"named: annotation argocd-image-updater.argoproj.io/image-list: registries are not looked at", "named: annotation notifications.argoproj.io/subscribe.on-deployed.slack: notifications are not sent"}},
		{"annotations that are honoured, or written by others", "{kind: ConfigMap, metadata: {annotations: {'argocd.argoproj.io/sync-wave': '1', 'notified.notifications.argoproj.io': '{}', 'link.argocd.argoproj.io/docs': x}}}", nil},
		{"a misspelt annotation", "{kind: ConfigMap, metadata: {annotations: {'argocd.argoproj.io/sync-wav': '1'}}}", []string{"named: annotation argocd.argoproj.io/sync-wav: unknown annotation; did you mean argocd.argoproj.io/sync-wave?"}},
		{"a misspelt domain", "{kind: ConfigMap, metadata: {annotations: {'argocd.argoprj.io/sync-wave': '1'}}}", []string{"did you mean argocd.argoproj.io/sync-wave?"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			o := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(test.object), &o.Object); err != nil {
				t.Fatal(err)
			}
			if o.GetAPIVersion() == "" {
				o.SetAPIVersion(v1alpha1.GroupVersion.String())
			}
			checkFound(t, Unserved(o), test.want)
		})
	}
}

func TestUnservedOfAnApplicationThatWasRead(t *testing.T) {
	for _, test := range []struct {
		rule, object string
		want         []string
	}{
		{"nothing", "{spec: {source: {repoURL: x, path: p}, project: default}}", nil},
		{"listed", "{metadata: {name: shop}, spec: {source: {chart: x}}}", []string{"refused: spec.source.chart: Helm charts are not rendered"}},
		{"not listed by the type", "{spec: {sourceHydrator: {drySource: {path: x}}}}", []string{"refused: spec.sourceHydrator: rendered manifests are not committed"}},
		{"not listed, in a source", "{spec: {source: {tagPrefix: x, directory: {disableExtensionFilter: true}}}}",
			[]string{"named: spec.source.directory.disableExtensionFilter: only files that end", "refused: spec.source.tagPrefix: targetRevision would be resolved among all tags"}},
		{"not listed, in one of several sources", "{spec: {sources: [{repoURL: x}, {tagPrefix: x}]}}", []string{"refused: spec.sources[1].tagPrefix"}},
		{"misspelt", "{spec: {source: {repoUrl: x}, syncPolicy: {automated: {selfheal: true}}}}",
			[]string{"named: spec.source.repoUrl: unknown field; did you mean spec.source.repoURL?", "named: spec.syncPolicy.automated.selfheal: unknown field; did you mean spec.syncPolicy.automated.selfHeal?"}},
		{"an operation", "{operation: {sync: {manifests: [x]}}}", []string{"refused: operation.sync.manifests"}},
		{"annotations", "{metadata: {annotations: {'argocd.argoproj.io/skip-reconcil': 'true'}}}", []string{"did you mean argocd.argoproj.io/skip-reconcile?"}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			app := &v1alpha1.Application{}
			if err := yaml.Unmarshal([]byte(test.object), app); err != nil {
				t.Fatal(err)
			}
			checkFound(t, UnservedOf(app), test.want)
		})
	}
}

// A misspelt field of a project would leave unbounded what it was to bound.
func TestUnservedOfAProjectThatWasRead(t *testing.T) {
	for _, test := range []struct {
		rule, object    string
		want, ofApplied []string
	}{
		{"nothing", "{spec: {sourceRepos: ['*'], signatureKeys: [{keyID: x}]}}", nil, nil},
		{"roles concern people", "{spec: {roles: [{name: r, policies: [p]}]}}", nil, nil},
		{"integrity of sources", "{spec: {sourceIntegrity: {git: {policies: [{repos: [{url: '*'}], gpg: {mode: head, keys: [x]}}]}}}}", nil, nil},
		{"integrity of all commits", "{spec: {sourceIntegrity: {git: {policies: [{gpg: {mode: strict}}]}}}}",
			[]string{"refused: spec.sourceIntegrity.git.policies[0].gpg.mode: the commit or annotated tag"}, []string{"refused: spec.sourceIntegrity.git.policies[0].gpg.mode: the commit"}},
		{"integrity that is misspelt", "{spec: {sourceIntegrity: {git: {policies: [{gpg: {mod: head}}]}}}}",
			[]string{"refused: spec.sourceIntegrity.git.policies[0].gpg.mod: unknown field; did you mean"}, []string{"refused: spec.sourceIntegrity.git.policies[0].gpg.mod"}},
		{"misspelt", "{spec: {signatureKey: [{keyID: x}]}}", []string{"refused: spec.signatureKey: unknown field; did you mean spec.signatureKeys?"}, []string{"refused: spec.signatureKey: unknown field"}},
		{"misspelt in a list", "{spec: {syncWindows: [{kind: deny}, {shedule: x}]}}", []string{"refused: spec.syncWindows[1].shedule: unknown field; did you mean spec.syncWindows[1].schedule?"}, []string{"refused: spec.syncWindows[1].shedule"}},
		{"misspelt in what is kept as written", "{spec: {destinationServiceAccounts: [{serverr: x}]}}",
			[]string{"refused: spec.destinationServiceAccounts[0].serverr: unknown field; did you mean spec.destinationServiceAccounts[0].server?"}, []string{"refused: spec.destinationServiceAccounts[0].serverr"}},
		{"a field that nobody knows", "{spec: {entirelyNew: x}}", []string{"named: spec.entirelyNew: unknown field; remove it"}, []string{"named: spec.entirelyNew"}},
		{"annotations", "{metadata: {annotations: {notifications.argoproj.io/subscribe.on-x.slack: c}}}", []string{"named: annotation notifications.argoproj.io/subscribe.on-x.slack: notifications are not sent"}, nil},
	} {
		t.Run(test.rule, func(t *testing.T) {
			project := &v1alpha1.AppProject{}
			if err := yaml.Unmarshal([]byte(test.object), project); err != nil {
				t.Fatal(err)
			}
			checkFound(t, UnservedOfProject(project), test.want)
			checkFound(t, UnservedByProject(project), test.ofApplied)
		})
	}
}

func TestFindingsOfOneObjectAreBounded(t *testing.T) {
	fields := map[string]any{}
	for i := range 1000 {
		fields[strings.Repeat("x", i+20)] = "y"
	}
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Application", "spec": fields}}
	if got := len(Unserved(o)); got != maxFindings {
		t.Errorf("%d findings, want %d", got, maxFindings)
	}
}

func TestCompatibilityPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	// What follows is about the file of the dev loop, whose tables are elsewhere.
	if !strings.HasPrefix(string(page), Page()) {
		t.Error("docs/compatibility.md is not what the tables say; run make generate")
	}
	for _, table := range Tables() {
		if !slices.ContainsFunc(chapters, func(c struct {
			title  string
			tables []string
		}) bool {
			return slices.Contains(c.tables, table.Of)
		}) {
			t.Errorf("the page has no table of %s", table.Of)
		}
	}
}
