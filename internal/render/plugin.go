package render

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
)

// pluginFiles are the fields by which a generator or transformer that is built into kustomize names files.
type pluginFiles struct {
	Path                string   `json:"path"`
	Paths               []string `json:"paths"`
	TargetFilePath      string   `json:"targetFilePath"`
	types.KvPairSources `json:",inline"`
	Replacements        []struct {
		Path string `json:"path"`
	} `json:"replacements"`
	Patch   string `json:"patch"`
	Patches string `json:"patches"`
	JSONOp  string `json:"jsonOp"`
}

// plugin checks an entry of generators, transformers or validators: the configuration of a plugin, as text, as a file, or as a directory whose kustomization gives it.
func (in *inspection) plugin(p place, entry string, above []string) error {
	if isRemote(entry) {
		return p.refuse(fmt.Sprintf("%q is fetched from elsewhere, and nothing outside the repository is read", strings.TrimSpace(entry)), "copy it into the repository and name the copy")
	}
	if strings.Contains(entry, "\n") {
		return in.pluginText(p, []byte(entry))
	}
	resolved, mode, err := in.find(p, entry)
	if err != nil {
		return err
	}
	if mode.IsDir() {
		return in.pluginDirectory(p, entry, above)
	}
	if err := in.resourceFile(p, entry, resolved); err != nil {
		return err
	}
	data, err := in.view.readFile(resolved)
	if err != nil {
		return err
	}
	return in.pluginText(p, data)
}

// pluginText reads configurations as kustomize does, so that both see the same.
func (in *inspection) pluginText(p place, data []byte) error {
	docs, err := in.view.parseDocuments(p.file, data)
	if err != nil {
		return err
	}
	if len(docs) == 0 {
		return p.refuse("is empty", "remove the entry")
	}
	configs, err := resources(data)
	if err != nil {
		return p.refuse("is no configuration of a plugin: "+err.Error(), "give apiVersion, kind and metadata.name")
	}
	return in.pluginConfigs(p, configs)
}

func resources(data []byte) ([]*resource.Resource, error) {
	kustomizing.Lock()
	defer kustomizing.Unlock()
	return provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes(data)
}

// pluginDirectory builds a directory of configurations, because its patches can change what they read.
func (in *inspection) pluginDirectory(p place, entry string, above []string) error {
	if _, err := in.base(p, entry, above, true); err != nil {
		return err
	}
	resolved, _, err := in.find(p, entry)
	if err != nil {
		return err
	}
	objects, err := build(&kustomizeFS{view: in.view, overlay: in.modern}, resolved, in.customSchema)
	if err != nil {
		return err
	}
	return in.pluginConfigs(p, objects.Resources())
}

func (in *inspection) pluginConfigs(p place, configs []*resource.Resource) error {
	for _, c := range configs {
		kind := c.GetKind()
		if gvk := c.GetGvk(); gvk.Group != "" || gvk.Version != konfig.BuiltinPluginApiVersion {
			return p.refuse(fmt.Sprintf("asks for the plugin %s %s, and nothing from a repository is executed", c.GetApiVersion(), kind), "use what is built into kustomize, or commit what the plugin makes")
		}
		if strings.HasPrefix(kind, "HelmChart") {
			return p.refuse(fmt.Sprintf("asks for Helm (%s), and charts are not served", kind), "render the chart to plain manifests and list those under resources")
		}
		if err := in.pluginConfig(place{p.dir, p.file, p.field + " " + kind}, c); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) pluginConfig(p place, c *resource.Resource) error {
	data, err := c.AsYAML()
	if err != nil {
		return p.refuse("cannot be read: "+err.Error(), "correct it")
	}
	var f pluginFiles
	if err := sigsyaml.Unmarshal(data, &f); err != nil {
		return p.refuse("cannot be read: "+err.Error(), "correct it")
	}
	for _, text := range []string{f.Patch, f.Patches, f.JSONOp} {
		if err := in.view.checkExpansion(p.file, []byte(text)); err != nil {
			return err
		}
	}
	names := []string{f.Path, f.TargetFilePath}
	for _, r := range f.Replacements {
		names = append(names, r.Path)
	}
	for _, name := range names {
		if name != "" {
			if err := in.parsed(p, name); err != nil {
				return err
			}
		}
	}
	for _, text := range f.Paths {
		if err := in.pathOrText(p, text); err != nil {
			return err
		}
	}
	return in.sources(p, f.KvPairSources)
}
