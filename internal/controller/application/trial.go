package application

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
)

// trialsAtOnce bounds the dry runs of one Application.
const trialsAtOnce = 8

// trials remembers dry runs: the answer for the same desired object on the same live one is the same.
type trials struct {
	mu   sync.Mutex
	seen map[types.NamespacedName]map[live.Key]trial
}

// trial is what the server says an object would become.
type trial struct {
	// desired names what was applied, and on what the live object as far as it matters; "" when there was none.
	desired, on string
	// result is the object as it would be, or nil with err.
	result *unstructured.Unstructured
	err    error
}

func newTrials() *trials { return &trials{seen: map[types.NamespacedName]map[live.Key]trial{}} }

// attempt is one object to try.
type attempt struct {
	key           live.Key
	desired, live *unstructured.Unstructured
	how           apply.How
}

// run tries all attempts, those known already from memory. An unreachable cluster ends it.
func (t *trials) run(ctx context.Context, app types.NamespacedName, client *apply.Client, attempts []attempt) (map[live.Key]trial, error) {
	t.mu.Lock()
	before := maps.Clone(t.seen[app])
	t.mu.Unlock()
	now := make(map[live.Key]trial, len(attempts))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(trialsAtOnce)
	for _, a := range attempts {
		group.Go(func() error {
			done, err := a.run(ctx, client, before[a.key])
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			now[a.key] = done
			return nil
		})
	}
	err := group.Wait()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[app] = now
	return now, nil
}

func (a attempt) run(ctx context.Context, client *apply.Client, before trial) (trial, error) {
	hash := hashOf(a.desired, a.how)
	on := substance(a.live)
	if before.desired == hash && before.on == on && before.err == nil && on != "" {
		return before, nil
	}
	how := a.how
	how.Trial = apply.DryRun
	outcome, err := client.Apply(ctx, a.desired, a.live, how)
	if err != nil && apply.IsUnreachable(err) {
		return trial{}, err
	}
	return trial{hash, on, outcome.Object, err}, nil
}

func hashOf(desired *unstructured.Unstructured, how apply.How) string {
	text, err := json.Marshal([]any{desired.Object, how})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// substance names a live object without its status and what goes with every write, so that a workload that reports its progress is not tried again for that.
func substance(live *unstructured.Unstructured) string {
	if live == nil {
		return ""
	}
	plain := map[string]any{}
	for name, value := range live.Object {
		if name != "status" && name != "metadata" {
			plain[name] = value
		}
	}
	text, err := json.Marshal([]any{
		plain, live.GetUID(), live.GetLabels(), live.GetAnnotations(), live.GetFinalizers(), live.GetOwnerReferences(), live.GetDeletionTimestamp() != nil, apply.Inherited(live),
	})
	if err != nil {
		return live.GetResourceVersion()
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// applied notes what a real write gave: what the server would answer to the same again.
func (t *trials) applied(app types.NamespacedName, key live.Key, desired *unstructured.Unstructured, how apply.How, result *unstructured.Unstructured) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[app] == nil {
		t.seen[app] = map[live.Key]trial{}
	}
	t.seen[app][key] = trial{desired: hashOf(desired, how), on: substance(result), result: result}
}

func (t *trials) forget(app types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, app)
}
