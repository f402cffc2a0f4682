package apply

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// ApplyAs applies an object server-side as another field manager than Cyan's, which gets the fields whoever had them.
// Nothing is deleted: what can't be changed is an error. live is the object as last read, or nil when there is none.
func (c *Client) ApplyAs(ctx context.Context, manager string, desired, live *unstructured.Unstructured, trial Trial) (Outcome, error) {
	ref := RefOf(desired)
	resource, err := c.resource(ref)
	if err != nil {
		return Outcome{}, err
	}
	clean, how := forApply(desired), How{Trial: trial}
	if live != nil {
		// With a UID nothing is created where the object is gone, and one that came since stays as it is.
		clean.SetUID(live.GetUID())
	}
	body, err := json.Marshal(clean)
	if err != nil {
		return Outcome{}, fmt.Errorf("applying %s as %s: %w", ref, manager, err)
	}
	force := true
	after, err := resource.Patch(ctx, ref.Name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: manager, Force: &force, DryRun: dryRun(how), FieldValidation: how.validation()})
	if err != nil {
		return Outcome{}, explain(ref, err, desired, live)
	}
	return Outcome{Change: changeOf(live, after), Object: after}, nil
}
