package kustomize

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/render"
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

// plugin checks an entry of generators, transformers or validators: the configuration of a plugin, as text, as a
// file, or as a directory whose kustomization makes it. It returns the configurations.
func (in *inspection) plugin(p place, entry string, above []string) ([]pluginConfig, error) {
	if isRemote(entry) {
		return nil, p.refuse(fmt.Sprintf("%q is fetched from elsewhere, and nothing outside the repository is read", strings.TrimSpace(entry)), "copy it into the repository and name the copy")
	}
	if strings.Contains(entry, "\n") {
		return in.pluginText(p, []byte(entry))
	}
	resolved, mode, err := in.files.find(p, entry)
	if err != nil {
		return nil, err
	}
	if mode.IsDir() {
		return in.pluginDirectory(p, entry, above)
	}
	if _, err := in.resourceFile(p, entry, resolved); err != nil {
		return nil, err
	}
	data, err := in.tree.ReadFile(resolved)
	if err != nil {
		return nil, err
	}
	return in.pluginText(p, data)
}

// pluginText reads configurations as kustomize does, so that both see the same.
func (in *inspection) pluginText(p place, data []byte) ([]pluginConfig, error) {
	docs, err := in.tree.Documents(p.file, data)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, p.refuse("is empty", "remove the entry")
	}
	if err := encodable(p.file, docs, false); err != nil {
		return nil, err
	}
	configs, err := configsInText(in.tree.Budget(), data)
	if err != nil {
		return nil, p.refuse("is not the configuration of a plugin: "+err.Error(), "give apiVersion, kind and metadata.name")
	}
	return configs, in.files.pluginConfigs(p, configs)
}

// pluginDirectory builds a directory of configurations, because its patches can change what they read.
func (in *inspection) pluginDirectory(p place, entry string, above []string) ([]pluginConfig, error) {
	directory, err := in.base(p, entry, above, true)
	if err != nil {
		return nil, err
	}
	if err := (estimator{in.facts}).spend(directory.dir); err != nil {
		return nil, err
	}
	var configs []pluginConfig
	err = builder{in.facts}.build(directory.dir, in.modern, func(built resmap.ResMap) error {
		configs, err = configsOf(built.Resources())
		return err
	})
	if err != nil {
		return nil, err
	}
	return configs, in.files.pluginConfigs(p, configs)
}

// pluginConfig is the configuration of one plugin.
type pluginConfig struct {
	apiVersion, kind string
	// builtIn is whether the plugin is a part of kustomize.
	builtIn bool
	text    []byte
}

// configsInText reads configurations as kustomize does.
func configsInText(budget *render.Budget, data []byte) ([]pluginConfig, error) {
	defer schemas.holdBuiltIn(budget)()
	resources, err := provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes(data)
	if err != nil {
		return nil, err
	}
	return configsOf(resources)
}

func configsOf(resources []*resource.Resource) ([]pluginConfig, error) {
	configs := make([]pluginConfig, 0, len(resources))
	for _, r := range resources {
		text, err := r.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", r.GetKind(), err)
		}
		gvk := r.GetGvk()
		configs = append(configs, pluginConfig{
			apiVersion: r.GetApiVersion(), kind: r.GetKind(), text: text,
			builtIn: gvk.Group == "" && gvk.Version == konfig.BuiltinPluginApiVersion,
		})
	}
	return configs, nil
}

func (l localFiles) pluginConfigs(p place, configs []pluginConfig) error {
	for _, c := range configs {
		if !c.builtIn {
			return p.refuse(
				fmt.Sprintf("asks for the plugin %s %s, and nothing from a repository is executed", c.apiVersion, c.kind),
				"use what is built into kustomize, or commit what the plugin makes")
		}
		if strings.HasPrefix(c.kind, "HelmChart") {
			return p.refuse(
				fmt.Sprintf("asks for Helm (%s), and charts are not served", c.kind),
				"render the chart to plain manifests and list those under resources")
		}
		if err := l.pluginConfig(place{p.dir, p.file, p.field + " " + c.kind}, c.text); err != nil {
			return err
		}
	}
	return nil
}

// pluginConfig checks the files that the configuration of one plugin names.
func (l localFiles) pluginConfig(p place, text []byte) error {
	var f pluginFiles
	if err := sigsyaml.Unmarshal(text, &f); err != nil {
		return p.refuse("cannot be read: "+err.Error(), "correct it")
	}
	for _, text := range []string{f.Patch, f.Patches, f.JSONOp} {
		if err := l.tree.CheckExpansion(p.file, []byte(text)); err != nil {
			return err
		}
	}
	names := []string{f.Path, f.TargetFilePath}
	for _, r := range f.Replacements {
		names = append(names, r.Path)
	}
	for _, name := range names {
		if name != "" {
			if err := l.parsed(p, name); err != nil {
				return err
			}
		}
	}
	for _, text := range f.Paths {
		if err := l.pathOrText(p, text); err != nil {
			return err
		}
	}
	return l.sources(p, f.KvPairSources)
}
