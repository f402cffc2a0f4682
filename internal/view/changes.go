package view

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// What is shown of changes at most: of one object, of its text, of all together, and of the texts of all together.
const (
	mostChanges   = 200
	longestObject = 256 << 10
	mostChanged   = 500
	longestAll    = 8 << 20
)

// space is how much of an answer there is left. The last that begins within it is whole.
type space struct{ objects, bytes int }

func (s space) isFull() bool { return s.objects <= 0 || s.bytes <= 0 }

// take takes an object with its texts.
func (s *space) take(bytes int) { s.objects, s.bytes = s.objects-1, s.bytes-bytes }

// sizeOf returns the length of what changes have in them.
func sizeOf(changes []Change) int {
	size := 0
	for _, c := range changes {
		size += len(c.Path) + len(c.From) + len(c.To)
	}
	return size
}

// Change is a field that differs.
type Change struct {
	Path string `json:"path" doc:"of the field; elements of lists by their name where they have one"`
	From string `json:"from,omitempty" doc:"as YAML; nothing where the field is new"`
	To   string `json:"to,omitempty" doc:"as YAML; nothing where the field goes"`
}

// ObjectChanges is how an object differs from git.
type ObjectChanges struct {
	Group     string   `json:"group"`
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name"`
	Live      string   `json:"live,omitempty" doc:"as it is, as YAML, without what the cluster keeps for itself"`
	Desired   string   `json:"desired,omitempty" doc:"as git has it"`
	After     string   `json:"after,omitempty" doc:"as it is after a sync"`
	Changes   []Change `json:"changes" doc:"from what is live to what is after a sync"`
	More      int      `json:"more,omitempty" doc:"changes that are left out"`
	Problem   string   `json:"problem,omitempty" doc:"why the API server refuses what git has"`
}

// Changes are how objects differ from git.
type Changes struct {
	Revision string          `json:"revision,omitempty"`
	Items    []ObjectChanges `json:"items"`
	Hidden   int             `json:"hidden,omitempty" doc:"objects that are left out"`
	Problems []string        `json:"problems" doc:"what keeps objects from being compared, or what one should know of it"`
}

// Compared is an Application against git. Objects are masked already.
type Compared struct {
	Revision string
	Plan     plan.Plan
	// Desired are the objects of git, and After what the live ones become.
	Desired, After map[plan.Key]*unstructured.Unstructured
	// Refused are the objects that the API server refuses, with why.
	Refused  map[plan.Key]string
	Findings []Finding
	Problems []string
	// Complete is set where nothing kept it from being compared.
	Complete bool
}

// ChangesOf returns how the objects of an Application differ from git that are wanted; of all together, only those that
// do differ.
func ChangesOf(c Compared, mask func(*unstructured.Unstructured) *unstructured.Unstructured, wanted func(plan.Key) bool, all bool) Changes {
	out, left := Changes{Revision: c.Revision, Items: []ObjectChanges{}, Problems: append([]string{}, c.Problems...)}, space{mostChanged, longestAll}
	for _, r := range c.Plan.Resources {
		switch {
		case !wanted(r.Key) || all && r.Status != v1alpha1.OutOfSync:
		case left.isFull():
			out.Hidden++
		default:
			o := changesOf(c, r, mask)
			left.take(len(o.Live) + len(o.Desired) + len(o.After) + sizeOf(o.Changes))
			out.Items = append(out.Items, o)
		}
	}
	return out
}

func changesOf(c Compared, r plan.Resource, mask func(*unstructured.Unstructured) *unstructured.Unstructured) ObjectChanges {
	desired, after := c.Desired[r.Key], c.After[r.Key]
	switch {
	case r.RequiresPruning:
		desired, after = nil, nil
	case r.Live == nil:
		after = desired
	case after == nil && desired != nil:
		// Without the API server's word, what git says nothing about stays as it is.
		after = applied(r.Live, desired)
	}
	live := plain(mask, r.Live)
	o := ObjectChanges{
		Group: r.Key.Group, Kind: r.Key.Kind, Namespace: r.Key.Namespace, Name: r.Key.Name, Problem: c.Refused[r.Key],
		Live: textOf(live), Desired: textOf(plain(mask, desired)), After: textOf(plain(mask, after)), Changes: []Change{},
	}
	if r.Status == v1alpha1.OutOfSync {
		o.Changes, o.More = Differences(live, plain(mask, after))
	}
	return o
}

// applied returns what a live object becomes, as far as that is known without the API server.
func applied(live, desired *unstructured.Unstructured) *unstructured.Unstructured {
	object, _ := overlaid(live.Object, desired.Object).(map[string]any)
	return &unstructured.Unstructured{Object: object}
}

// overlaid returns what is live with what is wanted over it: the values of maps, and the elements of lists that have
// names.
func overlaid(live, wanted any) any {
	liveMap, isMap := live.(map[string]any)
	wantedMap, bothMaps := wanted.(map[string]any)
	liveList, isList := live.([]any)
	wantedList, bothLists := wanted.([]any)
	switch {
	case isMap && bothMaps:
		over := maps.Clone(liveMap)
		for key, value := range wantedMap {
			over[key] = overlaid(liveMap[key], value)
		}
		return over
	case isList && bothLists && plan.AreNamed(liveList) && plan.AreNamed(wantedList):
		over, had, has := make([]any, 0, len(wantedList)), byName(liveList), byName(wantedList)
		for _, element := range wantedList {
			over = append(over, overlaid(had[plan.NameOf(element)], element))
		}
		for _, element := range liveList {
			if has[plan.NameOf(element)] == nil {
				over = append(over, element)
			}
		}
		return over
	}
	return wanted
}

// plain returns an object without what the cluster keeps for itself, as it may be shown.
func plain(mask func(*unstructured.Unstructured) *unstructured.Unstructured, object *unstructured.Unstructured) map[string]any {
	if object == nil {
		return nil
	}
	shown := mask(object).DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"} {
		unstructured.RemoveNestedField(shown.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(shown.Object, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
	unstructured.RemoveNestedField(shown.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	if annotations, _, _ := unstructured.NestedFieldNoCopy(shown.Object, "metadata", "annotations"); reflect.DeepEqual(annotations, map[string]any{}) {
		unstructured.RemoveNestedField(shown.Object, "metadata", "annotations")
	}
	unstructured.RemoveNestedField(shown.Object, "status")
	return shown.Object
}

// mostLevels bounds the levels of a value that is shown as YAML.
const mostLevels = 64

// isDeep reports whether a value has more levels.
func isDeep(value any, levels int) bool {
	if levels < 0 {
		return true
	}
	isBelow := func(value any) bool { return isDeep(value, levels-1) }
	switch v := value.(type) {
	case map[string]any:
		for _, field := range v {
			if isBelow(field) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, isBelow)
	}
	return false
}

func textOf(object map[string]any) string {
	if object == nil {
		return ""
	}
	return valueOf(object, longestObject)
}

// valueOf returns a value as YAML, without the end of the line, and shortened where it is long. One that is so deep
// that its indentation would be most of the text is on one line.
func valueOf(value any, longest int) string {
	write := yaml.Marshal
	if isDeep(value, mostLevels) {
		write = json.Marshal
	}
	data, err := write(value)
	if err != nil {
		// What JSON cannot have in it, which comes from no cluster.
		data = fmt.Append(nil, value)
	}
	text := strings.TrimSuffix(string(data), "\n")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "\n# … shortened"
	}
	return text
}

// Differences returns the fields in which two objects differ, in the order of their paths, and how many more there are.
// Nil stands for an object that is not there.
func Differences(from, to map[string]any) (changes []Change, more int) {
	d := differences{all: []Change{}}
	switch {
	case from == nil && to == nil:
	case from == nil:
		d.add("", nil, to)
	case to == nil:
		d.add("", from, nil)
	default:
		d.maps("", from, to)
	}
	return d.all, d.more
}

type differences struct {
	all  []Change
	more int
}

func (d *differences) add(path string, from, to any) {
	if len(d.all) == mostChanges {
		d.more++
		return
	}
	c := Change{Path: shortened(path)}
	if from != nil {
		c.From = valueOf(from, longestText)
	}
	if to != nil {
		c.To = valueOf(to, longestText)
	}
	d.all = append(d.all, c)
}

// values looks at each value once: two that are alike are found to be so on the way.
func (d *differences) values(path string, from, to any) {
	fromMap, isMap := from.(map[string]any)
	toMap, bothMaps := to.(map[string]any)
	fromList, isList := from.([]any)
	toList, bothLists := to.([]any)
	switch {
	case len(path) > longestText:
		// Deeper down, nobody could read where it is.
		d.leaf(path, from, to)
	case isMap && bothMaps:
		d.maps(path, fromMap, toMap)
	case isList && bothLists && (len(fromList) == len(toList) || plan.AreNamed(fromList) && plan.AreNamed(toList)):
		d.lists(path, fromList, toList)
	default:
		d.leaf(path, from, to)
	}
}

func (d *differences) leaf(path string, from, to any) {
	if !reflect.DeepEqual(from, to) {
		d.add(path, from, to)
	}
}

func (d *differences) maps(path string, from, to map[string]any) {
	keys := map[string]bool{}
	for key := range from {
		keys[key] = true
	}
	for key := range to {
		keys[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		d.values(below(path, key), from[key], to[key])
	}
}

// below returns the path of a key. One that is empty, or has points in it, is put in brackets.
func below(path, key string) string {
	switch {
	case key == "", strings.ContainsAny(key, ".[]"):
		return path + "[" + key + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// lists compares elements by their names where all have one, and else by their places. Of those that only change
// places, the names are shown in their order: it may matter, as that of environment variables does.
func (d *differences) lists(path string, from, to []any) {
	if !plan.AreNamed(from) || !plan.AreNamed(to) {
		for i := range from {
			d.values(path+"["+strconv.Itoa(i)+"]", from[i], to[i])
		}
		return
	}
	before, after := byName(from), byName(to)
	for _, element := range from {
		name := plan.NameOf(element)
		d.values(path+"["+name+"]", element, after[name])
	}
	for _, element := range to {
		if name := plan.NameOf(element); before[name] == nil {
			d.add(path+"["+name+"]", nil, element)
		}
	}
	if was, is := namesIn(from, after), namesIn(to, before); !slices.Equal(was, is) {
		d.add(path, was, is)
	}
}

func byName(list []any) map[string]any {
	named := make(map[string]any, len(list))
	for _, element := range list {
		named[plan.NameOf(element)] = element
	}
	return named
}

// namesIn returns the names of the elements of a list that another has, too.
func namesIn(list []any, other map[string]any) []string {
	var names []string
	for _, element := range list {
		if name := plan.NameOf(element); other[name] != nil {
			names = append(names, name)
		}
	}
	return names
}
