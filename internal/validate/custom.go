package validate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/crdserverscheme"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/lru"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/crds"
	"github.com/cyan-cd/cyan/internal/problem"
)

// custom is a kind that a CustomResourceDefinition defines. Its rules are compiled when an object needs them.
type custom struct {
	gvk        schema.GroupVersionKind
	namespaced bool
	// rules is nil when the definition is refused.
	rules func() (*customRules, error)
}

// customRules are a schema, ready for use.
type customRules struct {
	structural *structuralschema.Structural
	// known is the schema that unknown fields are looked for by.
	known    *structuralschema.Structural
	strategy rest.RESTCreateStrategy
}

// customKinds returns the served versions of a definition.
func customKinds(crd *apiextensionsv1.CustomResourceDefinition) map[schema.GroupVersionKind]*custom {
	kinds := map[schema.GroupVersionKind]*custom{}
	for _, v := range crd.Spec.Versions {
		if !v.Served {
			continue
		}
		gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind}
		c := &custom{gvk: gvk, namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped}
		c.rules = sync.OnceValues(func() (*customRules, error) { return cachedRules(gvk, c.namespaced, v) })
		kinds[gvk] = c
	}
	return kinds
}

// vendored returns the definitions of Cyan's own kinds, each read when it is first needed: the files are named
// group_plural.yaml.
var vendored = sync.OnceValue(func() map[string]func() map[schema.GroupVersionKind]*custom {
	names, err := fs.Glob(crds.Files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	files := map[string]func() map[schema.GroupVersionKind]*custom{}
	for _, name := range names {
		files[strings.TrimSuffix(name, ".yaml")] = sync.OnceValue(func() map[schema.GroupVersionKind]*custom { return readVendored(name) })
	}
	return files
})

func readVendored(name string) map[schema.GroupVersionKind]*custom {
	data, err := fs.ReadFile(crds.Files, name)
	if err != nil {
		panic(err) // embedded
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := sigsyaml.Unmarshal(data, crd); err != nil {
		panic(fmt.Sprintf("reading %s: %v", name, err)) // generated, and read by the tests
	}
	return customKinds(crd)
}

// vendoredKind is one of Cyan's own kinds, or nil.
func vendoredKind(gvk schema.GroupVersionKind) *custom {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	if read := vendored()[gvk.Group+"_"+plural.Resource]; read != nil {
		return read()[gvk]
	}
	return nil
}

// maxCompiled bounds the memory that compiled schemas take.
const maxCompiled = 128

// compiled keeps the rules of the schemas last used: compiling the expressions of a large one takes longer than
// everything else.
var compiled = lru.New(maxCompiled)

func cachedRules(gvk schema.GroupVersionKind, namespaced bool, version apiextensionsv1.CustomResourceDefinitionVersion) (*customRules, error) {
	data, err := json.Marshal(version)
	if err != nil {
		return nil, fmt.Errorf("encoding the schema of %s: %w", gvk.Kind, err)
	}
	key := fmt.Sprintf("%s %v %x", gvk, namespaced, sha256.Sum256(data))
	if rules, ok := compiled.Get(key); ok {
		return rules.(*customRules), nil
	}
	rules, err := compile(gvk, namespaced, version)
	if err != nil {
		return nil, err
	}
	compiled.Add(key, rules)
	return rules, nil
}

func compile(gvk schema.GroupVersionKind, namespaced bool, version apiextensionsv1.CustomResourceDefinitionVersion) (rules *customRules, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("compiling the schema of %s: %v", gvk, p)
		}
	}()
	if version.Schema == nil || version.Schema.OpenAPIV3Schema == nil {
		return &customRules{}, nil
	}
	props := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, props, nil); err != nil {
		return nil, fmt.Errorf("converting the schema of %s: %w", gvk, err)
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", gvk, err)
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", gvk, err)
	}
	var status *apiextensions.CustomResourceSubresourceStatus
	if version.Subresources != nil && version.Subresources.Status != nil {
		status = &apiextensions.CustomResourceSubresourceStatus{}
	}
	typer := crdserverscheme.NewUnstructuredObjectTyper()
	strategy := customresource.NewStrategy(typer, namespaced, gvk, validator, nil, structural, status, nil, version.SelectableFields)
	known := structural
	if isOwn(gvk) {
		known = onlyListed(structural)
	}
	return &customRules{structural: structural, known: known, strategy: strategy}, nil
}

// isOwn reports whether a kind is one of Cyan's own.
func isOwn(gvk schema.GroupVersionKind) bool {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	_, err := fs.Stat(crds.Files, gvk.Group+"_"+plural.Resource+".yaml")
	return err == nil
}

// onlyListed returns a schema in which an object that lists its fields has no others. The definitions of Cyan's own
// kinds keep fields that they do not list, so that nothing stored by another program is lost; in what people write,
// such a field is misspelt, or not honoured.
func onlyListed(s *structuralschema.Structural) *structuralschema.Structural {
	all := s.DeepCopy()
	(&structuralschema.Visitor{Structural: func(at *structuralschema.Structural) bool {
		listed := len(at.Properties) > 0
		at.XPreserveUnknownFields = at.XPreserveUnknownFields && !listed
		return listed
	}}).Visit(all)
	return all
}

// checkCustom takes a custom object through pruning, defaults and its schema.
func (s *subject) checkCustom(c *custom, namespace string) {
	defer s.recover()
	if c.rules == nil {
		s.add(RuleInvalidDefinition, "kind", "the CustomResourceDefinition of "+c.gvk.Kind+" among the objects is invalid", "correct the definition")
		return
	}
	rules, err := c.rules()
	if err != nil {
		s.add(RuleInvalidDefinition, "", "invalid schema in the CustomResourceDefinition: "+err.Error(), "correct the definition")
		return
	}
	metadata, ok := s.checkMetadataShape().(map[string]any)
	if !ok || rules.structural == nil {
		return
	}
	object := s.rendered.Object.DeepCopy()
	object.Object["metadata"] = runtime.DeepCopyJSON(metadata)
	s.checkUnknown(object, rules.known)
	object.SetGroupVersionKind(c.gvk)
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, rules.structural)
	if err := objectmeta.Coerce(nil, object.Object, rules.structural, false, false); err != nil {
		s.addAll(field.ErrorList{err}, false)
		return
	}
	defaulting.Default(object.Object, rules.structural)
	b := builtin{strategy: rules.strategy}
	_, errs := create(b, c.gvk, object, namespace)
	s.addAll(errs, false)
	s.checkRollout(c.gvk)
}

// checkUnknown finds fields that the schema does not have, and removes them.
func (s *subject) checkUnknown(object *unstructured.Unstructured, structural *structuralschema.Structural) {
	unknown := pruning.PruneWithOptions(object.Object, structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		if s.full() {
			break
		}
		parent, key, siblings := siblingsOf(structural, path)
		s.add(RuleUnknownField, path, fmt.Sprintf("%s has no field %q", display(parent, s), key), didYouMean(key, siblings, "remove it"))
	}
}

// siblingsOf finds the fields that a schema has where path has an unknown one.
func siblingsOf(structural *structuralschema.Structural, path string) (parent, key string, siblings []string) {
	at, steps := structural, splitPath(path)
	for i, step := range steps {
		if i == len(steps)-1 {
			key = step
			break
		}
		parent = joinStep(parent, step)
		at = schemaBelow(at, step)
		if at == nil {
			return parent, steps[len(steps)-1], nil
		}
	}
	if at != nil {
		siblings = slices.Sorted(maps.Keys(at.Properties))
	}
	return parent, key, siblings
}

func schemaBelow(at *structuralschema.Structural, step string) *structuralschema.Structural {
	if property, ok := at.Properties[step]; ok {
		return &property
	}
	if at.Items != nil {
		return at.Items
	}
	if at.AdditionalProperties != nil {
		return at.AdditionalProperties.Structural
	}
	return nil
}

var deployments = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}

// checkRollout checks the pods of a Rollout by the rules for those of a Deployment: a schema does not have them.
func (s *subject) checkRollout(gvk schema.GroupVersionKind) {
	if gvk.Group != "argoproj.io" || gvk.Kind != "Rollout" {
		return
	}
	spec, _ := s.rendered.Object.Object["spec"].(map[string]any)
	if _, has := spec["template"]; !has {
		return
	}
	same := map[string]any{}
	for _, name := range []string{"replicas", "selector", "template", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"} {
		if value, has := spec[name]; has {
			same[name] = value
		}
	}
	workload := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(map[string]any{"metadata": s.rendered.Object.Object["metadata"], "spec": same})}
	workload.SetGroupVersionKind(deployments)
	as := &subject{rendered: s.rendered}
	as.rendered.Object = workload
	as.checkBuiltin(builtins()[deployments.GroupKind()], deployments, "default")
	for _, f := range as.findings {
		if s.full() {
			break
		}
		repeated := slices.ContainsFunc(s.findings, func(have *problem.Error) bool { return have.Field == f.Field })
		if !repeated {
			f.Object = ObjectName(s.rendered.Object)
			s.findings = append(s.findings, f)
		}
	}
}
