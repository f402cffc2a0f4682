package app

import (
	"bytes"
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/secret"
)

func newPatch(a *kit.Control) *cobra.Command {
	var patch, kind string
	cmd := &cobra.Command{
		Use:   "patch NAME --patch PATCH",
		Short: "Change any field of an Application by a patch",
		Example: `  cyan app patch shop --type merge --patch '{"spec":{"source":{"targetRevision":"v2"}}}'
  cyan app patch shop --patch '[{"op":"replace","path":"/spec/source/path","value":"k8s"}]'`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, ok := map[string]types.PatchType{"json": types.JSONPatchType, "merge": types.MergePatchType}[kind]
			if !ok {
				return kit.Usage("--type", fmt.Sprintf("unknown type %q", kind), "give json or merge")
			}
			data, err := yaml.YAMLToJSON([]byte(patch))
			if err != nil || patch == "" {
				return kit.Usage("--patch", "neither JSON nor YAML", "write a patch of the type "+kind)
			}
			if err := checkPatch(as, data, "--type"); err != nil {
				return err
			}
			c, err := a.ConnectServed()
			if err != nil {
				return err
			}
			app, err := get(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			before := app.DeepCopy()
			if err := c.Patch(cmd.Context(), app, client.RawPatch(as, data)); err != nil {
				return a.Explain(whyNotPatched(err, as, data, before), "changing Application "+args[0])
			}
			warn(a, before, app)
			return a.Say(fmt.Sprintf("application '%s' patched", app.Name))
		},
	}
	cmd.Flags().StringVar(&patch, "patch", "", "the patch, as JSON or YAML")
	cmd.Flags().StringVar(&kind, "type", "json", "json (RFC 6902) or merge (RFC 7386)")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"json", "merge"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// refusedPatch is why an object is not patched. An API server repeats the object that it does not take, so that what it
// says of a Secret is left out.
func refusedPatch(err error, as types.PatchType, data []byte, live *unstructured.Unstructured) error {
	why := whyNotPatched(err, as, data, live)
	switch {
	case problem.Of(why) != nil || !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err):
		return why
	case secret.Is(live):
		return &problem.Error{
			Kind: problem.Refused, Object: nameOf(live), Cause: "the patch makes no valid Secret of it; what the API server says may have values, and is left out",
			Remedy: "see that data is of text in base64", Err: err,
		}
	}
	return &problem.Error{Kind: problem.Refused, Object: problem.Invalid(live.GetKind(), live.GetName()), Cause: problem.Refusal(err), Remedy: "correct the patch", Err: err}
}

// whyNotPatched is why a JSON patch does not apply to an object: the API server does not tell which of its operations.
func whyNotPatched(err error, as types.PatchType, data []byte, object any) error {
	if as != types.JSONPatchType || !apierrors.IsInvalid(err) {
		return err
	}
	operations, bad := jsonpatch.DecodePatch(data)
	if bad == nil {
		var text []byte
		if text, bad = json.Marshal(object); bad == nil {
			_, bad = operations.Apply(text)
		}
	}
	if bad == nil {
		return err
	}
	return &problem.Error{Kind: problem.Usage, Object: "--patch", Cause: bad.Error(), Err: err}
}

// checkPatch refuses what has not the form of its type, which flag gives: the API server's words for that are about its
// own decoder.
func checkPatch(as types.PatchType, data []byte, flag string) error {
	data = bytes.TrimSpace(data)
	list, object := bytes.HasPrefix(data, []byte("[")), bytes.HasPrefix(data, []byte("{"))
	switch {
	case as == types.JSONPatchType && object:
		return kit.Usage("--patch", "an object, where a JSON patch is a list of operations", "give "+flag+" merge to merge it in")
	case as == types.JSONPatchType && !list:
		return kit.Usage("--patch", "not a list of operations", `write it as [{"op":"replace","path":"/spec/…","value":…}]`)
	case as != types.JSONPatchType && list:
		return kit.Usage("--patch", "a list, where what is merged in is an object", "give "+flag+" json for a list of operations")
	case as != types.JSONPatchType && !object:
		return kit.Usage("--patch", "not an object", `write it as {"spec":{…}}`)
	}
	return nil
}
