package kustomize

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
)

// builder builds what was inspected.
type builder struct{ *facts }

// objects builds the kustomization of dir as top has it.
func (b builder) objects(dir, file string, top *types.Kustomization) (objects []*unstructured.Unstructured, err error) {
	err = b.buildAs(dir, file, top, func(built resmap.ResMap) error {
		objects, err = fromResources(b.tree.Budget(), dir, built)
		return err
	})
	return objects, err
}

// buildAs builds the kustomization of dir with top in the place of its file.
func (b builder) buildAs(dir, file string, top *types.Kustomization, use func(resmap.ResMap) error) error {
	overlay := maps.Clone(b.modern)
	top, err := b.withRollouts(top, overlay)
	if err != nil {
		return err
	}
	data, err := sigsyaml.Marshal(top)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", file, err)
	}
	overlay[file] = data
	if err := b.overlaySchemas(overlay); err != nil {
		return err
	}
	return b.build(dir, overlay, use)
}

// build runs kustomize on dir, with overlay in the place of files, and passes what it makes to use, while the schema
// that it was made by is held. A panic becomes an error, because anybody may have written the input.
func (b builder) build(dir string, overlay map[string][]byte, use func(resmap.ResMap) error) (err error) {
	guardLogger()
	defer b.holdSchema()()
	defer func() {
		if p := recover(); p != nil {
			err = &problem.Error{
				Kind: problem.Usage,
				File: dir, Cause: fmt.Sprintf("kustomize breaks down on this: %v", p),
				Remedy: "look for a field of an unexpected type in the kustomization, its patches and its resources",
			}
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	if b.unsorted {
		options.Reorder = krusty.ReorderOptionNone
	}
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	if b.anyFile {
		// What the file system shows ends at the root of the repository.
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	options.PluginConfig = types.DisabledPluginConfig()
	fsys := &fileSystem{tree: b.tree, overlay: overlay}
	objects, err := krusty.MakeKustomizer(options).Run(fsys, path.Join(mount, dir))
	if fsys.failure != nil {
		return fsys.failure
	}
	if err != nil {
		return kustomizeError(dir, err)
	}
	return use(objects)
}

// longestMessage is how much is shown of a message of kustomize's, which may repeat the file that it is about.
const longestMessage = 600

// kustomizeError is an error of kustomize's, with paths of the repository.
func kustomizeError(dir string, err error) error {
	if own := problem.Of(err); own != nil {
		return own
	}
	text := strings.ReplaceAll(err.Error(), mount+"/", "")
	text = strings.ReplaceAll(text, mount, "the root of the repository")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestMessage {
		text = strings.ToValidUTF8(text[:longestMessage], "") + "…"
	}
	return &problem.Error{
		Kind: problem.Usage,
		File: dir, Cause: "kustomize refuses it: " + text,
		Remedy: "correct the kustomization; `cyan render` shows the same on your machine",
	}
}
