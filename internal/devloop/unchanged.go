package devloop

import (
	"context"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
)

// withLive returns the images to deploy in place: that which an object has already, where the one that was built is
// the same but for its labels. So a loop that begins replaces nothing until something is saved.
func withLive(ctx context.Context, l *loop, objects []*unstructured.Unstructured, refs map[string]string) map[string]string {
	if l.held == nil {
		return refs
	}
	chosen := maps.Clone(refs)
	var running map[string]string
	for name, ref := range refs {
		if _, known := l.sameAs[ref]; !known {
			if running == nil {
				running = liveImages(ctx, l.reader, objects)
			}
			same := false
			if there := desired.RefOf(running, name); there != "" && there != ref {
				same, _ = l.Registries.HaveSameContent(ctx, ref, there)
				if same {
					l.sameAs[ref] = there
				}
			}
			if !same {
				l.sameAs[ref] = ref
			}
		}
		chosen[name] = l.sameAs[ref]
	}
	return chosen
}

// liveImages are the images that the live ones of objects run, by name.
func liveImages(ctx context.Context, reader *live.Reader, objects []*unstructured.Unstructured) map[string]string {
	all := map[string]string{}
	for _, object := range objects {
		if len(desired.Uses(object)) == 0 {
			continue
		}
		ref := apply.RefOf(object)
		seen, err := reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
		if err != nil || seen == nil {
			continue
		}
		maps.Copy(all, desired.Images(seen))
	}
	return all
}
