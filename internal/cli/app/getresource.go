package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newGetResource(a *kit.Control) *cobra.Command {
	var flags objectFlags
	var reveal kit.Reveal
	var out kit.Format
	var fields []string
	var managed bool
	cmd := &cobra.Command{
		Use: "get-resource NAME", Short: "Show an object of an Application as it is in the cluster",
		Example: `  cyan app get-resource shop --kind Deployment --resource-name web -o yaml
  cyan app get-resource shop --kind Pod --filter-fields status.podIP`,
		Args: kit.Exactly("the Application's name"), ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			app, at, err := flags.ofApp(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			objects, err := flags.find(cmd.Context(), a, at, app)
			if problem.KindOf(err) == problem.Absent && a.Program == kit.NameArgoCD {
				// Its scripts take nothing for an answer.
				a.Note("note: %s", problem.Of(err).Error())
				err = nil
			}
			if err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			written, err := settingsOf(cmd.Context(), a, c)
			if err != nil {
				return err
			}
			if objects, err = reveal.Visible(a.Env, objects, written.MaskedAnnotations); err != nil {
				return err
			}
			for i, o := range objects {
				if !managed {
					o.SetManagedFields(nil)
				}
				if len(fields) > 0 {
					objects[i] = onlyFields(o, fields)
				}
			}
			if out.Machine() {
				return dumpObjects(a, objects, out.Value)
			}
			rows := [][]string{{"RESOURCE FIELDS", "VALUES"}}
			for _, o := range objects {
				rows = append(rows, fieldRows("", o.Object)...)
			}
			return a.Table(rows, 0)
		},
	}
	flags.bind(cmd, true)
	flags.bindProject(cmd)
	reveal.Bind(cmd)
	cmd.Flags().StringSliceVar(&fields, "filter-fields", nil, "only these fields, such as status.podIP")
	cmd.Flags().BoolVar(&managed, "show-managed-fields", false, "with the bookkeeping of field managers")
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide)
	return cmd
}

// dumpObjects prints what was made visible, which is not masked again.
func dumpObjects(a *kit.Control, objects []*unstructured.Unstructured, as string) error {
	if len(objects) == 1 {
		return a.Dump(objects[0].Object, as)
	}
	items := make([]any, len(objects))
	for i, o := range objects {
		items[i] = o.Object
	}
	return a.Dump(map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{}, "items": items}, as)
}

// onlyFields returns an object with these fields alone, and its name.
func onlyFields(o *unstructured.Unstructured, fields []string) *unstructured.Unstructured {
	few := &unstructured.Unstructured{Object: map[string]any{}}
	few.SetAPIVersion(o.GetAPIVersion())
	few.SetKind(o.GetKind())
	few.SetName(o.GetName())
	for _, f := range fields {
		path := strings.Split(strings.TrimPrefix(f, "."), ".")
		if value, ok, err := unstructured.NestedFieldCopy(o.Object, path...); ok && err == nil {
			_ = unstructured.SetNestedField(few.Object, value, path...)
		}
	}
	return few
}

// fieldRows are the values of an object, each by its path.
func fieldRows(path string, value any) [][]string {
	var rows [][]string
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			rows = append(rows, fieldRows(strings.TrimPrefix(path+"."+key, "."), v[key])...)
		}
	case []any:
		for i, e := range v {
			rows = append(rows, fieldRows(fmt.Sprintf("%s[%d]", path, i), e)...)
		}
	default:
		rows = append(rows, []string{path, fmt.Sprint(v)})
	}
	return rows
}
