package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// mostEvents bounds the events that are sent.
const mostEvents = 500

// eventList is a list of core/v1.
type eventList struct{ corev1.EventList }

// Schema is that of an object of Kubernetes.
func (eventList) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "an EventList of v1", AdditionalProperties: true}
}

// MarshalJSON writes an empty list as one.
func (l eventList) MarshalJSON() ([]byte, error) {
	if l.Items == nil {
		l.Items = []corev1.Event{}
	}
	return json.Marshal(l.EventList)
}

type eventsAnswer struct{ Body eventList }

type eventsInput struct {
	ApplicationName
	UID       string `query:"resourceUID" maxLength:"64"`
	Object    string `query:"resourceName" maxLength:"253"`
	Namespace string `query:"resourceNamespace" maxLength:"63"`
}

// events are the calls that show events.
type events struct{ looked }

func (s events) register() {
	register(s.service, huma.Operation{OperationID: "listResourceEvents", Method: http.MethodGet, Path: "/api/v1/applications/{name}/events", Summary: "The events of an Application, or of an object that it has", Tags: []string{"applications"}}, s.list)
}

func (s events) list(ctx context.Context, c *caller, in *eventsInput) (*eventsAnswer, error) {
	app, err := s.find(ctx, c, in.ApplicationName, get)
	if err != nil {
		return nil, err
	}
	if in.UID == "" && in.Object == "" && in.Namespace == "" {
		return s.ofApplication(ctx, app)
	}
	within, err := s.reach(ctx, app)
	if err != nil {
		return nil, err
	}
	nodes, _, err := s.nodes(ctx, app)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		key := plan.Key{Group: n.Group, Kind: n.Kind, Namespace: n.Namespace, Name: n.Name}
		if n.Name != in.Object || n.Namespace != in.Namespace || in.UID != "" && n.UID != "" && n.UID != in.UID || !within.bounds.Hold(key) {
			continue
		}
		of := fields.Set{"involvedObject.name": n.Name, "involvedObject.namespace": n.Namespace, "involvedObject.kind": n.Kind}
		if n.UID != "" {
			of["involvedObject.uid"] = n.UID
		}
		return s.eventsOf(ctx, within, n.Namespace, of)
	}
	return nil, &problem.Error{Kind: problem.Usage, Object: in.Object, Cause: "not found as part of application " + app.Name, Remedy: "see its resource-tree"}
}

func (s looked) eventsOf(ctx context.Context, from client.Reader, namespace string, of fields.Set) (*eventsAnswer, error) {
	out := &eventsAnswer{}
	err := from.List(ctx, &out.Body.EventList, client.InNamespace(namespace), client.MatchingFieldsSelector{Selector: of.AsSelector()}, client.Limit(mostEvents))
	out.Body.TypeMeta = metav1.TypeMeta{}
	for i := range out.Body.Items {
		out.Body.Items[i].ManagedFields = nil
	}
	return out, err
}

// ofApplication returns the events of the Application itself.
func (s events) ofApplication(ctx context.Context, app *v1alpha1.Application) (*eventsAnswer, error) {
	return s.eventsOf(ctx, s.Writer, app.Namespace, fields.Set{"involvedObject.name": app.Name, "involvedObject.namespace": app.Namespace, "involvedObject.kind": v1alpha1.ApplicationKind})
}
