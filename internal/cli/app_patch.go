package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

func newAppPatch(a *apps) *cobra.Command {
	var patch, kind string
	cmd := &cobra.Command{
		Use:   "patch NAME --patch PATCH",
		Short: "Change any field of an Application by a patch",
		Example: `  cyan app patch shop --type merge --patch '{"spec":{"source":{"targetRevision":"v2"}}}'
  cyan app patch shop --patch '[{"op":"replace","path":"/spec/source/path","value":"k8s"}]'`,
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, ok := map[string]types.PatchType{"json": types.JSONPatchType, "merge": types.MergePatchType}[kind]
			if !ok {
				return &Trouble{Problem: fmt.Sprintf("there is no patch type %q", kind), Remedy: "give --type json or merge", Code: codeUsage}
			}
			data, err := yaml.YAMLToJSON([]byte(patch))
			if err != nil || patch == "" {
				return &Trouble{Problem: "--patch holds no JSON", Code: codeUsage, cause: err}
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			app, err := a.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if err := c.Patch(cmd.Context(), app, client.RawPatch(as, data)); err != nil {
				return a.explain(err, "changing Application "+args[0])
			}
			return a.say(fmt.Sprintf("application '%s' patched", app.Name))
		},
	}
	cmd.Flags().StringVar(&patch, "patch", "", "the patch, as JSON or YAML")
	cmd.Flags().StringVar(&kind, "type", "json", "json (RFC 6902) or merge (RFC 7386)")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"json", "merge"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func newAppEdit(a *apps) *cobra.Command {
	return &cobra.Command{
		Use:               "edit NAME",
		Short:             "Change an Application's spec in $EDITOR",
		Example:           "  EDITOR=vi cyan app edit shop",
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd.Context(), args[0], func(_ client.Client, app *v1alpha1.Application) error {
				before, err := yaml.Marshal(app.Spec)
				if err != nil {
					return err
				}
				after, err := a.editText(cmd, before)
				if err != nil {
					return err
				}
				spec := v1alpha1.ApplicationSpec{}
				if err := yaml.UnmarshalStrict(after, &spec); err != nil {
					return &Trouble{Problem: "reading what was edited: " + err.Error(), Remedy: "nothing was changed", Code: codeUsage, cause: err}
				}
				app.Spec = spec
				return nil
			})
		},
	}
}

// editText gives a text to the person's editor.
func (e *env) editText(cmd *cobra.Command, text []byte) (edited []byte, err error) {
	editor := strings.Fields(orWords(os.Getenv("KUBE_EDITOR"), orWords(os.Getenv("EDITOR"), "vi")))
	file, err := os.CreateTemp("", "cyan-*.yaml")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	if _, err := file.Write(text); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	run := exec.CommandContext(cmd.Context(), editor[0], append(editor[1:], file.Name())...)
	run.Stdin, run.Stdout, run.Stderr = e.In, e.Out, e.Err
	if err := run.Run(); err != nil {
		return nil, &Trouble{Problem: fmt.Sprintf("running the editor %s: %v", editor[0], err), Remedy: "set $EDITOR; nothing was changed", Code: codeGeneric, cause: err}
	}
	return os.ReadFile(file.Name())
}

func newAppUnset(a *apps) *cobra.Command {
	var images, replicas, options, values, parameters []string
	var prefix, suffix, namespace bool
	cmd := &cobra.Command{
		Use:   "unset NAME",
		Short: "Take options of an Application's source away",
		Example: `  cyan app unset shop --kustomize-image shop
  cyan app unset shop --namesuffix --sync-option CreateNamespace`,
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd.Context(), args[0], func(_ client.Client, app *v1alpha1.Application) error {
				unsetKustomize(app, images, replicas, prefix, suffix, namespace)
				if p := app.Spec.SyncPolicy; p != nil {
					for _, option := range options {
						name, _, _ := strings.Cut(option, "=")
						p.SyncOptions = slices.DeleteFunc(p.SyncOptions, func(s string) bool { return strings.HasPrefix(s, name+"=") })
					}
				}
				return unsetHelm(app, values, parameters)
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
	f.BoolVar(&namespace, "kustomize-namespace", false, "the namespace of every object")
	return cmd
}

func unsetKustomize(app *v1alpha1.Application, images, replicas []string, prefix, suffix, namespace bool) {
	if app.Spec.Source == nil || app.Spec.Source.Kustomize == nil {
		return
	}
	k := app.Spec.Source.Kustomize
	k.Images = slices.DeleteFunc(k.Images, func(entry string) bool {
		return slices.Contains(images, imageName(entry)) || slices.Contains(images, entry)
	})
	k.Replicas = slices.DeleteFunc(k.Replicas, func(r v1alpha1.KustomizeReplica) bool { return slices.Contains(replicas, r.Name) })
	if prefix {
		k.NamePrefix = ""
	}
	if suffix {
		k.NameSuffix = ""
	}
	if namespace {
		k.Namespace = ""
	}
}

func unsetHelm(app *v1alpha1.Application, values, parameters []string) error {
	if len(values) == 0 && len(parameters) == 0 || app.Spec.Source == nil || app.Spec.Source.Helm == nil {
		return nil
	}
	return editHelm(app, func(h map[string]any) {
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
