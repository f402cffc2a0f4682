package app

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
)

func newUnset(a *kit.Control) *cobra.Command {
	var images, replicas, options, values, parameters []string
	var prefix, suffix, namespace, components, ref bool
	var which spec.Which
	cmd := &cobra.Command{
		Use:   "unset NAME",
		Short: "Take options of an Application's source away",
		Example: `  cyan app unset shop --kustomize-image shop
  cyan app unset shop --namesuffix --sync-option CreateNamespace`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(_ client.Client, app *v1alpha1.Application) error {
				src, err := which.Chosen(app)
				if err != nil {
					return err
				}
				if src != nil && src.Kustomize != nil {
					unsetKustomize(src.Kustomize, images, replicas, map[*string]bool{&src.Kustomize.NamePrefix: prefix, &src.Kustomize.NameSuffix: suffix, &src.Kustomize.Namespace: namespace})
					src.Kustomize.IgnoreMissingComponents = src.Kustomize.IgnoreMissingComponents && !components
					if equality.Semantic.DeepEqual(*src.Kustomize, v1alpha1.KustomizeSource{}) {
						src.Kustomize = nil
					}
				}
				if src != nil && ref {
					src.Ref = ""
				}
				if p := app.Spec.SyncPolicy; p != nil {
					for _, option := range options {
						name, _, _ := strings.Cut(option, "=")
						p.SyncOptions = slices.DeleteFunc(p.SyncOptions, func(s string) bool { return strings.HasPrefix(s, name+"=") })
					}
				}
				return unsetHelm(src, values, parameters)
			})
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&images, "kustomize-image", nil, "name of an image")
	f.StringArrayVar(&replicas, "kustomize-replica", nil, "name of a workload")
	f.StringArrayVar(&options, "sync-option", nil, "name of a sync option")
	f.StringArrayVar(&values, "values", nil, "values file of a chart")
	f.StringArrayVarP(&parameters, "parameter", "p", nil, "parameter of a chart")
	f.BoolVar(&prefix, "nameprefix", false, "the prefix of names")
	f.BoolVar(&suffix, "namesuffix", false, "the suffix of names")
	f.BoolVar(&components, "ignore-missing-components", false, "ignoreMissingComponents, so that missing components are errors again")
	f.BoolVar(&ref, "ref", false, "the name by which other sources refer to it")
	which.Bind(cmd)
	f.BoolVar(&namespace, "kustomize-namespace", false, "the namespace of every object")
	return cmd
}

func unsetKustomize(k *v1alpha1.KustomizeSource, images, replicas []string, texts map[*string]bool) {
	k.Images = slices.DeleteFunc(k.Images, func(entry string) bool {
		return slices.Contains(images, spec.ImageName(entry)) || slices.Contains(images, entry)
	})
	k.Replicas = slices.DeleteFunc(k.Replicas, func(r v1alpha1.KustomizeReplica) bool { return slices.Contains(replicas, r.Name) })
	for text, empty := range texts {
		if empty {
			*text = ""
		}
	}
}

func unsetHelm(src *v1alpha1.ApplicationSource, values, parameters []string) error {
	if len(values) == 0 && len(parameters) == 0 || src == nil || src.Helm == nil {
		return nil
	}
	return spec.EditHelm(src, func(h map[string]any) {
		if files, ok := h["valueFiles"].([]any); ok {
			h["valueFiles"] = slices.DeleteFunc(files, func(f any) bool { name, _ := f.(string); return slices.Contains(values, name) })
		}
		if all, ok := h["parameters"].([]any); ok {
			h["parameters"] = slices.DeleteFunc(all, func(p any) bool {
				m, _ := p.(map[string]any)
				name, _ := m["name"].(string)
				return slices.Contains(parameters, name)
			})
		}
	})
}
