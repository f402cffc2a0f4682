package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// edit puts an Application's kustomize options into the kustomization, as `kustomize edit` would: a name of an image
// means the name that the base has, also where the kustomization renames it, and namePrefix replaces the one that is
// there.
type edit struct {
	tree *render.Tree
	dir  string
	file string
	env  map[string]string
	used map[string]bool
	// warnings are about options that were passed over.
	warnings []render.Warning
}

func (e *edit) apply(k *types.Kustomization, o *v1alpha1.KustomizeSource) error {
	if o.NamePrefix != "" {
		k.NamePrefix = o.NamePrefix
	}
	if o.NameSuffix != "" {
		k.NameSuffix = o.NameSuffix
	}
	if o.Namespace != "" {
		k.Namespace = o.Namespace
	}
	for _, step := range []func(*types.Kustomization, *v1alpha1.KustomizeSource) error{e.images, e.replicas, e.labels, e.annotations, e.components} {
		if err := step(k, o); err != nil {
			return err
		}
	}
	for _, p := range o.Patches {
		k.Patches = append(k.Patches, patch(p))
	}
	return nil
}

func patch(p v1alpha1.KustomizePatch) types.Patch {
	out := types.Patch{Path: p.Path, Patch: p.Patch}
	if len(p.Options) > 0 {
		out.Options = &types.PatchArgs{AllowNameChange: p.Options["allowNameChange"], AllowKindChange: p.Options["allowKindChange"]}
	}
	if t := p.Target; t != nil {
		out.Target = &types.Selector{
			ResId:              resid.ResId{Gvk: resid.Gvk{Group: t.Group, Version: t.Version, Kind: t.Kind}, Name: t.Name, Namespace: t.Namespace},
			AnnotationSelector: t.AnnotationSelector,
			LabelSelector:      t.LabelSelector,
		}
	}
	return out
}

var imageTag = regexp.MustCompile(`^(.*):([a-zA-Z0-9._-]*|\*)$`)

// parseImage parses [name=]newName[:tag][@digest]. A part that is * keeps what the kustomization has.
func parseImage(s string) (types.Image, error) {
	name, value, renamed := strings.Cut(s, "=")
	if !renamed {
		value = s
	}
	invalid := &problem.Error{Kind: problem.Usage, Cause: fmt.Sprintf("source.kustomize.images: invalid image %q", s), Remedy: "write [name=]newName[:tag][@digest], such as app=registry.example.com/app:v2"}
	if strings.Count(s, "=") > 1 || strings.Count(value, "@") > 1 || strings.ContainsAny(s, " \t\n") {
		return types.Image{}, invalid
	}
	var img types.Image
	value, img.Digest, _ = strings.Cut(value, "@")
	if m := imageTag.FindStringSubmatch(value); m != nil {
		value, img.NewTag = m[1], m[2]
	}
	if renamed {
		img.Name, img.NewName = name, value
	} else {
		img.Name = value
	}
	if img.Name == "" || value == "" || (!renamed && img.NewTag == "" && img.Digest == "") {
		return types.Image{}, invalid
	}
	if img.Digest != "" {
		img.NewTag = ""
	}
	return img, nil
}

func (e *edit) images(k *types.Kustomization, o *v1alpha1.KustomizeSource) error {
	for _, s := range o.Images {
		img, err := parseImage(s)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(k.Images, func(have types.Image) bool { return have.Name == img.Name })
		if i < 0 {
			k.Images = append(k.Images, plainImage(img, types.Image{}))
			continue
		}
		k.Images[i] = plainImage(img, k.Images[i])
	}
	return nil
}

// plainImage fills in the parts that are to be kept from have.
func plainImage(img, have types.Image) types.Image {
	keep := func(v, old string) string {
		if v == "*" {
			return old
		}
		return v
	}
	if img.NewName == "" {
		img.NewName = have.NewName
	}
	img.NewName, img.NewTag, img.Digest = keep(img.NewName, have.NewName), keep(img.NewTag, have.NewTag), keep(img.Digest, have.Digest)
	return img
}

func (e *edit) replicas(k *types.Kustomization, o *v1alpha1.KustomizeSource) error {
	for _, r := range o.Replicas {
		count := int64(r.Count.IntVal)
		if r.Count.Type == intstr.String {
			n, err := strconv.ParseInt(r.Count.StrVal, 10, 32)
			if err != nil {
				return &problem.Error{Kind: problem.Usage, Cause: fmt.Sprintf("source.kustomize.replicas: invalid count %q of %q", r.Count.StrVal, r.Name), Remedy: "give a number"}
			}
			count = n
		}
		if r.Name == "" || count < 0 {
			return &problem.Error{Kind: problem.Usage, Cause: fmt.Sprintf("source.kustomize.replicas has the name %q and the count %d", r.Name, count), Remedy: "give the name of a workload and a count of 0 or more"}
		}
		if i := slices.IndexFunc(k.Replicas, func(have types.Replica) bool { return have.Name == r.Name }); i >= 0 {
			k.Replicas[i].Count = count
			continue
		}
		k.Replicas = append(k.Replicas, types.Replica{Name: r.Name, Count: count})
	}
	return nil
}

func (e *edit) labels(k *types.Kustomization, o *v1alpha1.KustomizeSource) error {
	if len(o.CommonLabels) == 0 {
		return nil
	}
	if o.LabelIncludeTemplates && !o.LabelWithoutSelector {
		return &problem.Error{Kind: problem.Usage, Cause: "source.kustomize.labelIncludeTemplates has no meaning without labelWithoutSelector", Remedy: "set labelWithoutSelector as well, or remove it"}
	}
	added := types.Label{Pairs: map[string]string{}, IncludeSelectors: !o.LabelWithoutSelector, IncludeTemplates: o.LabelIncludeTemplates}
	for _, key := range slices.Sorted(maps.Keys(o.CommonLabels)) {
		replaced, err := e.replaceLabel(k, key, o.CommonLabels[key], o.ForceCommonLabels)
		if err != nil {
			return err
		}
		if !replaced {
			added.Pairs[key] = o.CommonLabels[key]
		}
	}
	if len(added.Pairs) > 0 {
		k.Labels = append(k.Labels, added)
	}
	return nil
}

// replaceLabel changes a label where the kustomization sets it already, if that is allowed.
func (e *edit) replaceLabel(k *types.Kustomization, key, value string, force bool) (bool, error) {
	places := []map[string]string{k.CommonLabels} //nolint:staticcheck // kustomizations that exist have the old field
	for _, l := range k.Labels {
		places = append(places, l.Pairs)
	}
	replaced := false
	for _, pairs := range places {
		if old, ok := pairs[key]; ok {
			if !force && old != value {
				return false, &problem.Error{Kind: problem.Usage, File: e.file, Cause: fmt.Sprintf("the label %s is set to %q here and to %q by source.kustomize.commonLabels", key, old, value), Remedy: "remove one of them, or set forceCommonLabels"}
			}
			pairs[key] = value
			replaced = true
		}
	}
	return replaced, nil
}

func (e *edit) annotations(k *types.Kustomization, o *v1alpha1.KustomizeSource) error {
	for _, key := range slices.Sorted(maps.Keys(o.CommonAnnotations)) {
		value := o.CommonAnnotations[key]
		if o.CommonAnnotationsEnvsubst {
			value = e.expand(key, value, o)
		}
		if old, ok := k.CommonAnnotations[key]; ok && old != value && !o.ForceCommonAnnotations {
			return &problem.Error{Kind: problem.Usage, File: e.file, Cause: fmt.Sprintf("the annotation %s is set to %q here and to %q by source.kustomize.commonAnnotations", key, old, value), Remedy: "remove one of them, or set forceCommonAnnotations"}
		}
		if k.CommonAnnotations == nil {
			k.CommonAnnotations = map[string]string{}
		}
		k.CommonAnnotations[key] = value
	}
	return nil
}

// expand puts variables of the Application into the value of an annotation; $$ is a dollar sign. One that is unknown is
// empty, and named in a warning.
func (e *edit) expand(annotation, s string, o *v1alpha1.KustomizeSource) string {
	given := map[string]string{"KUBE_VERSION": o.KubeVersion, "KUBE_API_VERSIONS": strings.Join(o.APIVersions, ",")}
	return os.Expand(s, func(name string) string {
		if name == "$" {
			return name
		}
		if value := given[name]; value != "" {
			return value
		}
		value, known := e.env[name]
		if known {
			e.used[name] = true
			return value
		}
		remedy := "correct it"
		switch _, isGiven := given[name]; {
		case name == "KUBE_VERSION":
			remedy = "give it by source.kustomize.kubeVersion"
		case isGiven:
			remedy = "give them by source.kustomize.apiVersions"
		default:
			if meant := spelling.Closest(name, slices.Sorted(maps.Keys(e.env))); meant != "" {
				remedy = "did you mean " + meant + "?"
			}
		}
		e.warnings = append(e.warnings, render.Warning{
			Type:    v1alpha1.ConditionUnsupportedWarning,
			Message: fmt.Sprintf("source.kustomize.commonAnnotations[%s]: variable %s is unknown, and left empty; %s", annotation, name, remedy),
		})
		return ""
	})
}

func (e *edit) envUsed() []string { return slices.Sorted(maps.Keys(e.used)) }

func (e *edit) components(k *types.Kustomization, o *v1alpha1.KustomizeSource) error {
	for _, c := range o.Components {
		if slices.Contains(k.Components, c) {
			continue
		}
		if o.IgnoreMissingComponents && !isRemote(c) && !isAbsolute(c) {
			_, _, err := e.tree.Resolve(path.Join(e.dir, c))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
		}
		k.Components = append(k.Components, c)
	}
	return nil
}
