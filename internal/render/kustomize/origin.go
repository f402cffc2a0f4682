package kustomize

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/cyan-cd/cyan/internal/render"
)

// candidate is a place in a file that may have become an object: a document, or an entry of a generator.
type candidate struct {
	file            string
	node            *yaml.Node
	name, namespace string
	generated       bool
}

type groupKind struct{ group, kind string }

// places are the candidates of one kustomization and all that it builds on.
type places map[groupKind][]candidate

func (p places) addDocuments(file string, docs []render.Document) {
	for _, d := range expandLists(docs) {
		metadata := render.Field(d.Node, "metadata")
		id := groupKind{groupOf(render.Scalar(d.Node, "apiVersion")), render.Scalar(d.Node, "kind")}
		p.add(id, candidate{file: file, node: d.Node, name: render.Scalar(metadata, "name"), namespace: render.Scalar(metadata, "namespace")})
	}
}

// addGenerators adds the entries of a kustomization's generators.
func (p places) addGenerators(file string, kustomization *yaml.Node) {
	for field, kind := range map[string]string{"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"} {
		list := render.Field(kustomization, field)
		if list == nil {
			continue
		}
		for _, e := range list.Content {
			e = render.Unalias(e)
			p.add(groupKind{"", kind}, candidate{file: file, node: e, name: render.Scalar(e, "name"), namespace: render.Scalar(e, "namespace"), generated: true})
		}
	}
}

func (p places) add(id groupKind, c candidate) {
	if !slices.ContainsFunc(p[id], func(have candidate) bool { return have.file == c.file && have.node.Line == c.node.Line }) {
		p[id] = append(p[id], c)
	}
}

// best finds the candidates that fit an object best: more than one when that is not clear.
func (p places) best(object *unstructured.Unstructured) []candidate {
	var best []candidate
	most := 0
	for _, c := range p[groupKind{object.GroupVersionKind().Group, object.GetKind()}] {
		score := 2 * nameScore(c.name, object.GetName())
		if score > 0 && c.namespace == object.GetNamespace() {
			score++
		}
		switch {
		case score > most:
			best, most = []candidate{c}, score
		case score > 0 && score == most:
			best = append(best, c)
		}
	}
	return best
}

// nameScore is how well a name in a file fits a name in the result, which may have got a prefix, a suffix and a hash:
// the longest one that is a part of it is its source.
func nameScore(source, result string) int {
	switch {
	case source == "" || !strings.Contains(result, source):
		return 0
	case source == result:
		return len(result) + 1
	default:
		return len(source)
	}
}

func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// originFinder finds the places of the objects of a kustomization.
type originFinder struct {
	places places
	// annotated asks kustomize for the file of each object, by a second build: origin annotations in the first one
	// would change what patches of annotations do.
	annotated func() []string
}

func (f *originFinder) locate(r *render.Rendered, index int) {
	found := f.places.best(r.Object)
	if len(found) > 1 {
		files := f.annotated()
		if index < len(files) && files[index] != "" {
			if same := slices.DeleteFunc(slices.Clone(found), func(c candidate) bool { return c.file != files[index] }); len(same) > 0 {
				found = same
			}
		}
	}
	if len(found) == 0 {
		return
	}
	c := found[0]
	r.Origin = render.Origin{File: c.file, Line: c.node.Line}
	if !c.generated {
		r.Source = c.node
	}
}

// originFiles builds the kustomization once more and returns the file of each object, in the order of the objects;
// nothing when kustomize does not know it, or the build costs too much to be done twice.
func (b builder) originFiles(dir, file string, top *types.Kustomization) (files []string) {
	if b.tree.Budget().Expensive() || estimator(b).spend(dir) != nil {
		return nil
	}
	annotated := *top
	annotated.BuildMetadata = []string{types.OriginAnnotations}
	err := b.buildAs(dir, file, &annotated, func(built resmap.ResMap) error {
		for _, r := range built.Resources() {
			files = append(files, originFile(b.tree, dir, r))
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return files
}

func originFile(tree *render.Tree, dir string, r *resource.Resource) string {
	origin, err := r.GetOrigin()
	if err != nil || origin == nil || origin.Path == "" {
		return ""
	}
	resolved, _, err := tree.Resolve(path.Join(dir, origin.Path))
	if err != nil {
		return ""
	}
	return resolved
}

// expandLists replaces lists of objects by their items.
func expandLists(docs []render.Document) []render.Document {
	var out []render.Document
	for _, doc := range docs {
		items := render.Field(doc.Node, "items")
		if items == nil || items.Kind != yaml.SequenceNode || !strings.HasSuffix(render.Scalar(doc.Node, "kind"), "List") {
			out = append(out, doc)
			continue
		}
		for _, item := range items.Content {
			out = append(out, render.Document{Node: render.Unalias(item), Line: item.Line})
		}
	}
	return out
}
