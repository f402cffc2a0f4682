package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/view"
)

// gone is an Application that a reader does not see any more.
type gone struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// tell puts what a reader learns of a change.
func (r *reader) tell(ctx context.Context, c changed) error {
	switch c.kind {
	case ofCluster:
		r.out.put("cluster", r.Feed.Cluster())
		return nil
	case ofRollout:
		return r.tellRollout(ctx, c)
	}
	return r.tellApplication(ctx, c)
}

func (r *reader) tellApplication(ctx context.Context, c changed) error {
	if !r.topics.rows && !slices.Contains(r.topics.subjects, c.subject) {
		return nil
	}
	app := &v1alpha1.Application{}
	err := r.Reader.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: c.name}, app, client.UnsafeDisableDeepCopy)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return err
	case err == nil && r.rights.shows(r.named(app).Object()):
		return r.putAll(ctx, app)
	case r.wasShown(c):
		r.putGone(c.subject)
	}
	return nil
}

// putGone puts that the reader does not see an Application any more.
func (r *reader) putGone(of subject) {
	r.seen.end(of)
	r.out.put("gone", gone{of.namespace, of.name})
}

// wasShown reports whether the reader could see an Application before it changed. Of others he learns nothing.
func (r *reader) wasShown(c changed) bool {
	for _, project := range c.projects {
		was := access.Application{Project: project, Name: c.name}
		if c.namespace != r.Namespace {
			was.Namespace = c.namespace
		}
		if object := was.Object(); r.rights.shows(object) || r.before.shows(object) {
			return true
		}
	}
	return false
}

// putAll puts an Application as a row, and as its page shows it, whichever the reader has asked for.
func (r *reader) putAll(ctx context.Context, app *v1alpha1.Application) error {
	if of := (subject{ofApplication, app.Namespace, app.Name}); slices.Contains(r.topics.subjects, of) {
		news, err := r.seen.open(of).news(ctx, app, r.rights.on(r.named(app).Object()))
		if err != nil {
			return err
		}
		if news != nil {
			r.out.putText("application", news)
		}
	}
	return r.putRow(ctx, app)
}

func (r *reader) putRow(ctx context.Context, app *v1alpha1.Application) error {
	if !r.topics.rows {
		return nil
	}
	text, err := r.memo.row(ctx, r.viewed, app, time.Now())
	if err != nil {
		return err
	}
	rights, err := json.Marshal(r.rights.on(r.named(app).Object()))
	if err == nil {
		r.out.putText("row", bytes.Join([][]byte{text, rights, []byte("}")}, nil))
	}
	return err
}

// tellRollout puts what a reader learns of a Rollout: itself, and the row of its Application.
func (r *reader) tellRollout(ctx context.Context, c changed) error {
	named := slices.Contains(r.topics.subjects, c.subject)
	if !r.topics.rows && len(r.topics.subjects) == 0 {
		return nil
	}
	ro := &v1alpha1.Rollout{}
	if err := r.Reader.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: c.name}, ro, client.UnsafeDisableDeepCopy); err != nil {
		r.shown.end(c.subject, &r.out)
		return client.IgnoreNotFound(err)
	}
	app, err := r.applicationOf(ctx, ro)
	if err != nil {
		return err
	}
	if named {
		if err := r.putRollout(ctx, ro, app); err != nil {
			return err
		}
	}
	if app == nil || !r.rights.shows(r.named(app).Object()) {
		return nil
	}
	return r.putAll(ctx, app)
}

func (r *reader) putRollout(ctx context.Context, ro *v1alpha1.Rollout, app *v1alpha1.Application) error {
	if !r.who.rights.Decide(r.namedRollout(ro, app).On(access.Get)).Allowed {
		r.shown.end(subject{ofRollout, ro.Namespace, ro.Name}, &r.out)
		return nil
	}
	v, err := r.describe(ctx, &surroundings{reader: r.Reader}, ro, app, r.who.rights)
	if err != nil {
		return err
	}
	return r.shown.put(v, &r.out)
}

// shownRollouts are the Rollouts that a reader was shown, as they were then.
type shownRollouts map[subject]view.RolloutView

// put puts a Rollout: all of it at first, and from then on what has changed since.
func (s shownRollouts) put(v view.RolloutView, out *outlet) error {
	of := subject{ofRollout, v.Namespace, v.Name}
	before, was := s[of]
	s[of] = v
	if !was {
		out.put("rollout", v)
		return nil
	}
	change, changed, err := view.ChangeOfRollout(before, v)
	if err == nil && changed {
		out.put("rollout", change)
	}
	return err
}

// end puts that the reader does not see a Rollout any more that he was shown. Of others he learns nothing.
func (s shownRollouts) end(of subject, out *outlet) {
	if _, was := s[of]; was {
		delete(s, of)
		out.put("rolloutGone", gone{of.namespace, of.name})
	}
}

// applicationOf returns the Application that a Rollout belongs to: that of its mark, where its status has the Rollout
// too. Nil when it belongs to none: a mark alone is written by whoever may write the Rollout.
func (s viewed) applicationOf(ctx context.Context, ro *v1alpha1.Rollout) (*v1alpha1.Application, error) {
	instance, err := s.instanceOf(ctx, ro)
	if err != nil || instance == "" {
		return nil, err
	}
	app := &v1alpha1.Application{}
	if err := s.Reader.Get(ctx, plan.ApplicationOf(instance, s.Namespace), app, client.UnsafeDisableDeepCopy); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	has := func(k plan.Key) bool { return k.Namespace == ro.Namespace && k.Name == ro.Name }
	if !view.IsHome(app.Spec.Destination) || !slices.ContainsFunc(view.RolloutsOf(app), has) {
		return nil, nil
	}
	return app, nil
}

// instanceOf returns the instance that the mark of a Rollout names; "" where it has none.
func (s viewed) instanceOf(ctx context.Context, ro *v1alpha1.Rollout) (string, error) {
	if instance, _, ok := plan.ParseTrackingID(ro.Annotations[v1alpha1.TrackingIDAnnotation]); ok {
		return instance, nil
	}
	if len(ro.Labels) == 0 {
		return "", nil
	}
	written, err := looked(s).configOf(ctx, settings.ConfigName)
	return ro.Labels[cmp.Or(written["application.instanceLabelKey"], v1alpha1.InstanceLabel)], err
}

// compare puts what a change of the reader's rights changes of what he sees.
func (r *reader) compare(ctx context.Context) error {
	var all v1alpha1.ApplicationList
	if err := r.Reader.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range all.Items {
		app := &all.Items[i]
		object := r.named(app).Object()
		was, is := r.before.on(object), r.rights.on(object)
		switch {
		case r.rights.shows(object) && !slices.Equal(was, is):
			if err := r.putAll(ctx, app); err != nil {
				return err
			}
		case r.before.shows(object) && !r.rights.shows(object):
			if of := (subject{ofApplication, app.Namespace, app.Name}); r.topics.rows || slices.Contains(r.topics.subjects, of) {
				r.putGone(of)
			}
		}
	}
	// What may be asked of a Rollout is part of it.
	return r.show(ctx, slices.DeleteFunc(slices.Clone(r.topics.subjects), func(of subject) bool { return of.kind != ofRollout }))
}

// putOverview puts how everything is, and notes whether that shows all that the reader is told of by now.
func (r *reader) putOverview(ctx context.Context, last uint64) error {
	o, err := r.overviews.current(ctx, r.viewed, r.who)
	if err == nil {
		r.out.putText("overview", o.text)
		r.overview, r.awaits = o.made, o.at < last
	}
	return err
}

// mostMemos bounds the rows that are kept as text.
const mostMemos = 20000

// rowMemo keeps the text of rows for all readers, up to the rights.
type rowMemo struct{ texts *lru.Cache }

type rowText struct {
	of   string
	at   time.Time
	text []byte
}

func newRowMemo() *rowMemo { return &rowMemo{lru.New(mostMemos)} }

// row returns the JSON of a row up to the list of its rights.
func (m *rowMemo) row(ctx context.Context, s viewed, app *v1alpha1.Application, now time.Time) ([]byte, error) {
	rollouts, err := s.rolloutsOf(ctx, app)
	if err != nil {
		return nil, err
	}
	versions := make([]string, 0, 1+len(rollouts))
	versions = append(versions, app.ResourceVersion)
	for _, ro := range rollouts {
		versions = append(versions, ro.ResourceVersion)
	}
	of, key := strings.Join(versions, ","), keyOf(app)
	if kept, ok := m.texts.Get(key); ok {
		// What needs somebody depends on the time as well.
		if k, ok := kept.(rowText); ok && k.of == of && now.Sub(k.at) < time.Minute {
			return k.text, nil
		}
	}
	text, err := json.Marshal(view.RowOf(app, rollouts, now))
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSuffix(text, []byte("[]}"))
	m.texts.Add(key, rowText{of, now, text})
	return text, nil
}

func keyOf(o metav1.Object) string {
	return string(o.GetUID()) + "/" + o.GetNamespace() + "/" + o.GetName()
}
