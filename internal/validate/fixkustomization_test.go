package validate

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// besideKustomization are the files that the kustomizations of these tests name.
var besideKustomization = map[string]string{
	"cm.yaml":                 "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n",
	"base/kustomization.yaml": "resources: [all.yaml]\n",
	"base/all.yaml":           "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selector: {app: web}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: app}]}}}\n",
	"one.yaml":                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {one: \"1\", last: one}\n",
	"two.yaml":                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {two: \"2\", last: two}\n",
	"port.yaml":               "- {op: replace, path: /spec/ports/0/port, value: 81}\n",
}

func builtWith(kustomization []byte) ([]byte, error) {
	tree := fstest.MapFS{"kustomization.yaml": {Data: kustomization, Mode: 0o644}}
	for name, text := range besideKustomization {
		tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	result, err := renderers.Render(tree, v1alpha1.ApplicationSource{}, render.Options{Namespace: "default"})
	if err != nil {
		return nil, err
	}
	return render.Encode(result.Objects)
}

// modernOf is a kustomization after what the kustomize program itself does to it, with its patches in an order.
func modernOf(t *testing.T, text string, fix bool) string {
	t.Helper()
	files := filesys.MakeFsInMemory()
	for name, data := range besideKustomization {
		if err := files.WriteFile(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	var k types.Kustomization
	if err := k.Unmarshal([]byte(text)); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if fix {
		k.FixKustomization()
		if err := k.FixKustomizationPreMarshalling(files); err != nil {
			t.Fatal(err)
		}
	}
	k.TypeMeta = types.TypeMeta{}
	slices.SortFunc(k.Patches, func(a, b types.Patch) int { return cmp.Compare(a.Path+a.Patch, b.Path+b.Patch) })
	data, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What is deprecated in a kustomization is written as what replaces it, in the lines concerned.
func TestFixKustomization(t *testing.T) {
	const cm = "resources:\n- cm.yaml\n"
	const base = "resources:\n- base\n"
	for _, c := range []struct{ rule, before, after, done string }{
		{"nothing is deprecated", cm, "", ""},
		{"bases alone", "# head\n\n# all of it\nbases: # here\n- base # this\n# tail\n", "# head\n\n# all of it\nresources: # here\n- base # this\n# tail\n", "bases is written as resources"},
		{"bases alone, in brackets", "bases: [base]\n", "resources: [base]\n", "bases is written as resources"},
		{"bases behind resources", cm + "# over it\n\n# the base\nbases:\n# its name\n- base # this\n\nnamePrefix: x-\n", "resources:\n- cm.yaml\n# over it\n\n# the base\n# its name\n- base # this\n\nnamePrefix: x-\n", "bases is written as resources"},
		{"bases before resources", "bases: # first\n  - base\n\nresources:\n- cm.yaml # c\n", "\nresources:\n- cm.yaml # c\n# first\n- base\n", "bases is written as resources"},
		{"resources that are indented", "resources: # these\n  - cm.yaml\n\nbases:\n- base\n", "resources: # these\n  - cm.yaml\n  - base\n", "bases is written as resources"},
		{"resources with a comment behind the last", "resources:\n  - cm.yaml\n  # the end\nbases:\n- base\n", "resources:\n  - cm.yaml\n  # the end\n  - base\n", "bases is written as resources"},
		{"resources in brackets", "resources: [cm.yaml, \"one\\u002eyaml\"] # these\nnamePrefix: x-\nbases:\n- base\n", "", ""},
		{"resources in brackets of one", "resources: [cm.yaml] # these\nnamePrefix: x-\nbases: [ base ] # all\n", "resources: # these\n- cm.yaml\n# all\n- base\nnamePrefix: x-\n", "bases is written as resources"},
		{"resources that are empty", "resources: []\nbases:\n- base\n", "resources:\n- base\n", "bases is written as resources"},
		{"resources that are null", "resources:\nbases:\n- base\n", "resources:\n- base\n", "bases is written as resources"},
		{"bases that are empty", cm + "bases: []\n", cm, "bases is written as resources"},
		{"lines that end with CRLF", "bases:\r\n- base\r\nresources:\r\n- cm.yaml\r\n", "resources:\r\n- cm.yaml\r\n- base\r\n", "bases is written as resources"},

		{"imageTags", base + "imageTags:\n- name: app\n  newTag: v2 # now\n", base + "images:\n- name: app\n  newTag: v2 # now\n", "imageTags is written as images"},
		{"imageTags behind images", base + "images:\n- {name: other, newTag: v1}\nimageTags:\n- name: app\n\n  # now\n  newTag: v2\n", base + "images:\n- {name: other, newTag: v1}\n- name: app\n\n  # now\n  newTag: v2\n", "imageTags is written as images"},

		{"patchesStrategicMerge, by file", cm + "patchesStrategicMerge: # p\n# the first\n- one.yaml # 1\n- \"two.yaml\"\n", cm + "patches: # p\n# the first\n- path: one.yaml # 1\n- path: \"two.yaml\"\n", "patchesStrategicMerge is written as patches"},
		{"patchesStrategicMerge, in brackets", cm + "patchesStrategicMerge: [one.yaml,two.yaml] # p\n", cm + "patches: # p\n- path: one.yaml\n- path: two.yaml\n", "patchesStrategicMerge is written as patches"},
		{"patchesStrategicMerge, in place", cm + "patchesStrategicMerge:\n  - |-\n    apiVersion: v1\n    kind: ConfigMap\n\n    # c\n    metadata: {name: c}\n    data: {x: y}\n  # by file\n  - one.yaml\n", cm + "patches:\n  - patch: |-\n      apiVersion: v1\n      kind: ConfigMap\n\n      # c\n      metadata: {name: c}\n      data: {x: y}\n  # by file\n  - path: one.yaml\n", "patchesStrategicMerge is written as patches"},
		{"patchesStrategicMerge, in place and in one line", cm + "patchesStrategicMerge:\n- '{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"c\"}, \"data\": {\"x\": \"y\"}}'\n", cm + "patches:\n- patch: '{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"c\"}, \"data\": {\"x\": \"y\"}}'\n", "patchesStrategicMerge is written as patches"},
		{"patchesStrategicMerge comes before patches", cm + "patches:\n# then\n- path: two.yaml\npatchesStrategicMerge:\n- one.yaml\n", cm + "patches:\n- path: one.yaml\n# then\n- path: two.yaml\n", "patchesStrategicMerge is written as patches"},
		{"patchesJson6902", base + "patchesJson6902:\n- target: {version: v1, kind: Service, name: web}\n  path: port.yaml\n", base + "patches:\n- target: {version: v1, kind: Service, name: web}\n  path: port.yaml\n", "patchesJson6902 is written as patches"},
		{"all patches", base + "- cm.yaml\npatchesJson6902:\n- target: {version: v1, kind: Service, name: web}\n  path: port.yaml\npatches:\n- path: two.yaml\n# m\npatchesStrategicMerge:\n# n\n- one.yaml\n", base + "- cm.yaml\npatches:\n# m\n# n\n- path: one.yaml\n- path: two.yaml\n- target: {version: v1, kind: Service, name: web}\n  path: port.yaml\n", "patchesStrategicMerge is written as patches\npatchesJson6902 is written as patches"},

		{"commonLabels", base + "# of all\ncommonLabels: # l\n  # who\n  team: a # A\n  app.kubernetes.io/part-of: shop\nnamePrefix: x-\n", base + "# of all\nlabels:\n- includeSelectors: true\n  pairs: # l\n    # who\n    team: a # A\n    app.kubernetes.io/part-of: shop\nnamePrefix: x-\n", "commonLabels is written as labels"},
		{"commonLabels, indented by much", base + "commonLabels:\n      team: a\n", base + "labels:\n- includeSelectors: true\n  pairs:\n      team: a\n", "commonLabels is written as labels"},
		{"commonLabels in braces", base + "commonLabels: {team: a} # l\n", base + "labels:\n- includeSelectors: true\n  pairs: {team: a} # l\n", "commonLabels is written as labels"},
		{"commonLabels behind labels", base + "labels:\n  - pairs: {x: z}\n\ncommonLabels:\n  team: a\n", base + "labels:\n  - pairs: {x: z}\n  - includeSelectors: true\n    pairs:\n      team: a\n", "commonLabels is written as labels"},
		{"commonLabels that are empty", base + "commonLabels: {}\n", base, "commonLabels is written as labels"},
	} {
		after := cmp.Or(c.after, c.before)
		fixed := FixKustomization([]byte(c.before), builtWith)
		if got := strings.Join(fixed.Done, "\n"); string(fixed.Data) != after || got != c.done || c.done != "" && len(fixed.Left) > 0 {
			t.Errorf("%s: done %q, left %q, got\n%s\nwant %q\n%s", c.rule, got, fixed.Left, fixed.Data, c.done, after)
		}
		if got, want := modernOf(t, after, c.after == ""), modernOf(t, c.before, true); got != want {
			t.Errorf("%s: is\n%s\nand kustomize makes\n%s", c.rule, got, want)
		}
	}
}

// What cannot be moved as it stands, or would mean something else, is left with the reason.
func TestFixKustomizationLeaves(t *testing.T) {
	const cm = "resources:\n- cm.yaml\n"
	const otherwise = "is left as it is: as patches it would be built to other objects; write it there as it is meant"
	for _, c := range []struct{ rule, before, left string }{
		{"vars", cm + "vars:\n- name: X\n  objref: {apiVersion: v1, kind: ConfigMap, name: c}\n", "vars is left as it is: replacements copy a value into the fields that they name, and not to wherever a name in $() stands; write them"},
		{"a patch of what gets its name later", "resources:\n- base\nnamespace: shop\npatchesJson6902:\n- target: {version: v1, kind: Service, name: web}\n  patch: '[{\"op\": \"replace\", \"path\": \"/metadata/namespace\", \"value\": \"other\"}]'\n", "patchesJson6902 " + otherwise},
		{"a kustomization in braces", "{resources: [cm.yaml], bases: [base]}\n", "bases is left as it is: " + inOneLine},
		{"anchors", "bases: &b [base]\nresources: *b\n", "bases is left as it is: the kustomization uses anchors"},
		{"an anchor without a use", "bases: &b [base]\nresources: [cm.yaml]\n", "bases is left as it is: bases has no entries of its own"},
		{"labels that are given twice", "resources: [base]\ncommonLabels: {a: b, a: c}\n", "commonLabels is left as it is: a is given twice in one mapping"},
		{"brackets over several lines", cm + "bases: [\n  base]\n", "bases is left as it is: its entries are written in brackets over several lines"},
		{"braces over several lines", "resources: [base]\ncommonLabels: {\n  team: a\n}\n", "commonLabels is left as it is: its fields are written in braces over several lines"},
		{"an entry below its dash", cm + "bases:\n-\n  base\n", "bases is left as it is: its lines are indented in an unusual way"},
		{"a list with a tag", cm + "bases: !!seq\n- base\n", "bases is left as it is: a field is written in an unusual way"},
		{"a patch with a tag", cm + "patchesStrategicMerge:\n- !!str one.yaml\n", "patchesStrategicMerge is left as it is: an entry is written in an unusual way"},
		{"a field that is no list", cm + "bases: {}\n", "bases is left as it is: bases has no entries of its own"},
		{"labels that are no mapping", cm + "commonLabels: [a]\n", "commonLabels is left as it is: commonLabels has no fields of its own"},
		{"line ends of other kinds", "bases: [base]\u2028\n", "bases is left as it is: the file has line breaks other than LF and CRLF, by which its lines are counted in several ways; write LF for them"},
		{"what is no kustomization", "a: [\n", ""},
		{"two documents", "bases: [base]\n---\nvars: []\n", ""},
	} {
		fixed := FixKustomization([]byte(c.before), builtWith)
		if got := strings.Join(fixed.Left, "\n"); got != c.left || string(fixed.Data) != c.before || len(fixed.Done) > 0 {
			t.Errorf("%s: left %q, want %q, done %q, got\n%s", c.rule, got, c.left, fixed.Done, fixed.Data)
		}
	}
	before := []byte("bases:\n- base\n")
	for _, c := range []struct {
		rule  string
		build func([]byte) ([]byte, error)
		left  string
	}{
		{"what is not built", func([]byte) ([]byte, error) { return nil, errors.New("no room") }, "bases is left as it is: no room"},
		{"what is not built afterwards", func(data []byte) ([]byte, error) {
			if strings.Contains(string(data), "resources") {
				return nil, errors.New("no room")
			}
			return nil, nil
		}, "bases is left as it is: as resources it would not be built: no room"},
	} {
		if fixed := FixKustomization(before, c.build); !slices.Equal(fixed.Left, []string{c.left}) || string(fixed.Data) != string(before) {
			t.Errorf("%s: left %q, want %q, got\n%s", c.rule, fixed.Left, c.left, fixed.Data)
		}
	}
}
