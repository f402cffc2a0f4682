package handover

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/problem"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// lease is one that ann has taken at noon.
func lease(change ...func(*coordinationv1.Lease)) *coordinationv1.Lease {
	l, err := Take(nil, "argocd", "shop", "ann", 0, noon)
	if err != nil {
		panic(err)
	}
	l.UID = "u"
	for _, c := range change {
		c(l)
	}
	return l
}

func seconds(n int32) func(*coordinationv1.Lease) {
	return func(l *coordinationv1.Lease) { l.Spec.LeaseDurationSeconds = &n }
}

// TestOf: what a Lease means, by what was seen of it and never by its holder's clock.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		name      string
		lease     *coordinationv1.Lease
		unchanged time.Duration
		holder    string
	}{
		{"taken", lease(), 0, "ann"},
		{"renewed in time", lease(), Duration - 1, "ann"},
		{"not renewed in time", lease(), Duration, ""},
		{"of a clock that is ahead", lease(func(l *coordinationv1.Lease) { l.Spec.RenewTime = &metav1.MicroTime{Time: noon.Add(1000 * time.Hour)} }), Duration, ""},
		{"of a clock that is behind", lease(func(l *coordinationv1.Lease) { l.Spec.RenewTime = &metav1.MicroTime{} }), 0, "ann"},
		{"shorter", lease(seconds(10)), 10 * time.Second, ""},
		{"shorter, in time", lease(seconds(10)), 10*time.Second - 1, "ann"},
		{"never longer than it may be", lease(seconds(1_000_000)), Duration, ""},
		{"no duration", lease(func(l *coordinationv1.Lease) { l.Spec.LeaseDurationSeconds = nil }), Duration - 1, "ann"},
		{"a duration of nothing", lease(seconds(0)), Duration - 1, "ann"},
		{"a duration below nothing", lease(seconds(-1)), Duration - 1, "ann"},
		{"released", Release(lease(), ""), 0, ""},
		{"no holder", lease(func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = nil }), 0, ""},
		{"being deleted", lease(func(l *coordinationv1.Lease) { l.DeletionTimestamp = &metav1.Time{Time: noon} }), 0, ""},
	} {
		got := Of(c.lease, c.unchanged)
		if got.Holder != c.holder || got.Held() != (c.holder != "") || got.Ended() == got.Held() || !got.Since.Equal(noon) {
			t.Errorf("%s: got %+v, held %v, ended %v; want the holder %q since noon", c.name, got, got.Held(), got.Ended(), c.holder)
		}
	}
	if none := Of(nil, 0); none != nil || none.Held() || none.Ended() {
		t.Errorf("no Lease: got %+v, want nothing", none)
	}
	if got := Of(lease(func(l *coordinationv1.Lease) { l.Spec.AcquireTime = nil }), 0).Since; !got.IsZero() {
		t.Errorf("no time: got %s", got)
	}
	if a, b := Of(lease(), 0).ID, Of(lease(func(l *coordinationv1.Lease) { l.UID = "v" }), 0).ID; a == b {
		t.Errorf("another Lease: got the same ID %q", a)
	}
	if a, b := Of(lease(), 0).ID, Of(Renew(lease(), noon.Add(time.Microsecond)), 0).ID; a == b {
		t.Errorf("another time: got the same ID %q", a)
	}
	const want = "handed over to ann since 2026-03-01T12:00:00Z; `cyan app reclaim shop` takes it back"
	if got := Of(lease(), 0).Message("shop"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestTold: what a message tells is read back as it was, and no other message is taken for one.
func TestTold(t *testing.T) {
	for _, holder := range []string{"ann", "ann@laptop", "", "x since 2026-01-01T00:00:00Z; y", "a; b", " since "} {
		h := HandOver{Holder: holder, Since: noon}
		if got, told := Told(h.Message("shop"), "shop"); !told || got.Holder != holder || !got.Since.Equal(noon) {
			t.Errorf("%q: got %+v, %v", holder, got, told)
		}
	}
	for _, message := range []string{
		"", "handed over to ann", "to be handed over to ann when the operation that runs has ended", "the hand-over has ended: what git wants is applied, and what else was done is undone",
		"handed over to ann since noon; `cyan app reclaim shop` takes it back", "handed over to ann since 2026-03-01T12:00:00Z", (&HandOver{Holder: "ann", Since: noon}).Message("other"),
	} {
		if got, told := Told(message, "shop"); told {
			t.Errorf("%q: got %+v, want nothing", message, got)
		}
	}
}

// TestLeases: an Application has one Lease, whose name fits, and no other Lease is taken for it.
func TestLeases(t *testing.T) {
	long, other := strings.Repeat("a", 253), strings.Repeat("a", 252)+"b"
	for _, app := range []string{"shop", strings.Repeat("a", 244), strings.Repeat("a", 245), long} {
		name := LeaseName(app)
		if len(name) > 253 || !strings.HasPrefix(name, "handover.a") && name != "handover.shop" {
			t.Errorf("%d letters: got %q of %d", len(app), name, len(name))
		}
		l, err := Take(nil, "argocd", app, "ann", 0, noon)
		if err != nil || ApplicationOf(l) != app {
			t.Errorf("%s: got the Lease of %q, %v", app, ApplicationOf(l), err)
		}
	}
	if most := strings.Repeat("a", 244); LeaseName(most) != "handover."+most {
		t.Errorf("as long as a name may be: got %q", LeaseName(most))
	}
	if LeaseName(long) == LeaseName(other) {
		t.Error("two long names have one Lease")
	}
	for name, change := range map[string]func(*coordinationv1.Lease){
		"without the label":      func(l *coordinationv1.Lease) { l.Labels = nil },
		"without the annotation": func(l *coordinationv1.Lease) { l.Annotations = nil },
		"that claims another":    func(l *coordinationv1.Lease) { l.Annotations[ApplicationAnnotation] = "cart" },
	} {
		if got := ApplicationOf(lease(change)); got != "" {
			t.Errorf("a Lease %s: got %q, want none", name, got)
		}
	}
}

// TestTake: one holder has an Application's objects, and a second one learns who it is.
func TestTake(t *testing.T) {
	mine, err := Take(nil, "argocd", "shop", "ann", 0, noon)
	if err != nil || mine.Namespace != "argocd" || *mine.Spec.HolderIdentity != "ann" || *mine.Spec.LeaseDurationSeconds != 60 || !mine.Spec.AcquireTime.Equal(&metav1.MicroTime{Time: noon}) || !mine.Spec.RenewTime.Equal(mine.Spec.AcquireTime) {
		t.Errorf("got %+v, %v", mine, err)
	}
	again, err := Take(lease(), "argocd", "shop", "ann", 0, noon.Add(time.Minute))
	if err != nil || again.UID != "u" || !again.Spec.AcquireTime.Equal(&metav1.MicroTime{Time: noon}) || !again.Spec.RenewTime.Equal(&metav1.MicroTime{Time: noon.Add(time.Minute)}) {
		t.Errorf("again: got %+v, %v; want what I have, renewed", again, err)
	}
	for _, c := range []struct {
		name      string
		lease     *coordinationv1.Lease
		unchanged time.Duration
		kind      problem.Kind
		want      string
	}{
		{"another has it", lease(), 0, problem.Refused, "Application \"shop\": handed over to ann since 2026-03-01T12:00:00Z; ask there, or take it back with `cyan app reclaim shop`"},
		{"another had it", lease(), Duration, problem.Unreachable, `Application "shop": what was handed over before is being undone; wait until it is`},
		{"released", Release(lease(), ""), 0, problem.Unreachable, `Application "shop": what was handed over before is being undone; wait until it is`},
	} {
		if got, err := Take(c.lease, "argocd", "shop", "ben", c.unchanged, noon); err == nil || err.Error() != c.want || problem.KindOf(err) != c.kind || got != nil {
			t.Errorf("%s: got %v, %v; want %q", c.name, got, err, c.want)
		}
	}
}

// TestRelease: a Lease that is released has no holder, and tells who took it back; the one that was given is as before.
func TestRelease(t *testing.T) {
	before := lease()
	before.Annotations = nil
	if got := Release(before, "eve"); *got.Spec.HolderIdentity != "" || got.Annotations[ReclaimedAnnotation] != "eve" || *before.Spec.HolderIdentity != "ann" || before.Annotations != nil {
		t.Errorf("got %+v of %+v", got, before)
	}
	if got := Release(lease(), ""); got.Annotations[ReclaimedAnnotation] != "" {
		t.Errorf("got %v; want nobody to have taken it back", got.Annotations)
	}
}

// TestObjects: a Lease lists each object once, and no more than is bound.
func TestObjects(t *testing.T) {
	web := Object{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	role := Object{Version: "v1", Kind: "Namespace", Name: "shop"}
	if web.String() != "Deployment shop/web" || role.String() != "Namespace shop" || web.GroupVersionKind() != (schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}) {
		t.Errorf("got %s, %s, %s", web, role, web.GroupVersionKind())
	}
	before := lease(func(l *coordinationv1.Lease) { l.Annotations = nil })
	listing, err := WithObjects(before, web, web)
	if err != nil || before.Annotations != nil {
		t.Fatalf("got %v; the Lease that was given has %v", err, before.Annotations)
	}
	if listing, err = WithObjects(listing, role, web); err != nil {
		t.Fatal(err)
	}
	if got, err := Objects(listing); err != nil || !slices.Equal(got, []Object{web, role}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := Objects(lease()); err != nil || got != nil {
		t.Errorf("none: got %v, %v", got, err)
	}
	var many []Object
	for i := range 501 {
		many = append(many, Object{Version: "v1", Kind: "ConfigMap", Name: fmt.Sprint(i)})
	}
	if _, err := WithObjects(before, many[:500]...); err != nil {
		t.Errorf("500 objects: got %v", err)
	}
	for name, text := range map[string]string{
		"annotation cyan.dev/handover-objects: invalid":                     "{",
		"annotation cyan.dev/handover-objects: larger than 131072 bytes":    `[{"version":"v1","kind":"A","name":"` + strings.Repeat("a", 1<<17) + `"}]`,
		"annotation cyan.dev/handover-objects: an object has no version":    `[{"kind":"A","name":"a"}]`,
		"cyan.dev/handover-objects: an object has no version, kind or name": `[{"version":"v1","kind":"A"}]`,
		"an object has no version, kind or name; delete the Lease":          `[{"version":"v1","name":"a"}]`,
	} {
		l := lease(func(l *coordinationv1.Lease) { l.Annotations[ObjectsAnnotation] = text })
		got, err := Objects(l)
		if err == nil || got != nil || !strings.Contains(err.Error(), name) || !strings.HasPrefix(err.Error(), "Lease argocd/handover.shop") || problem.KindOf(err) != problem.Usage {
			t.Errorf("%.40s: got %v, %v; want %q of the Lease", text, got, err, name)
		}
		if got, err := WithObjects(l, web); err == nil || got != nil {
			t.Errorf("%.40s: got %v, and no error, of a list that can't be read", text, got)
		}
	}
	if got, err := WithObjects(before, many...); err == nil || got != nil || !strings.Contains(err.Error(), "lists more than 500 objects") {
		t.Errorf("501 objects: got %v, %v", got, err)
	}
	if exact := `[{"version":"v1","kind":"A","name":"` + strings.Repeat("a", 1<<17-39) + `"}]`; len(exact) != 1<<17 {
		t.Fatalf("%d bytes", len(exact))
	} else if _, err := Objects(lease(func(l *coordinationv1.Lease) { l.Annotations[ObjectsAnnotation] = exact })); err != nil {
		t.Errorf("as many bytes as may be: got %v", err)
	}
}

func FuzzObjects(f *testing.F) {
	f.Add(`[{"group":"apps","version":"v1","kind":"Deployment","namespace":"shop","name":"web"}]`)
	f.Add("{")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Objects(lease(func(l *coordinationv1.Lease) { l.Annotations[ObjectsAnnotation] = text }))
		if err != nil && all != nil || len(all) > mostObjects {
			t.Errorf("got %d objects, %v", len(all), err)
		}
	})
}
