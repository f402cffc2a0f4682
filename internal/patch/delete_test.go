package patch_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

// deleting is an API server with one Application, or none, that deletes as an API server does.
type deleting struct {
	client.Client
	uid     string
	deleted bool
}

func (d *deleting) Delete(_ context.Context, o client.Object, options ...client.DeleteOption) error {
	by := (&client.DeleteOptions{}).ApplyOptions(options)
	kind := v1alpha1.GroupVersion.WithResource("applications").GroupResource()
	switch {
	case d.uid == "":
		return apierrors.NewNotFound(kind, o.GetName())
	case by.Preconditions != nil && by.Preconditions.UID != nil && string(*by.Preconditions.UID) != d.uid:
		return apierrors.NewConflict(kind, o.GetName(), errors.New("the UID in the precondition does not match"))
	case by.GracePeriodSeconds == nil:
		return errors.New("the other options are lost")
	}
	d.deleted = true
	return nil
}

// TestDeleteSeen: what was read is deleted, and nothing else that has its name by then.
func TestDeleteSeen(t *testing.T) {
	for _, c := range []struct {
		name, read, stored string
		deleted, conflict  bool
	}{
		{"the one that was read", "one", "one", true, false},
		{"another by then", "one", "two", false, true},
		{"gone by then", "one", "", false, false},
		{"read through an API that tells no UID", "", "two", true, false},
	} {
		server, app := &deleting{uid: c.stored}, &v1alpha1.Application{}
		app.Name, app.UID = "shop", "one"
		if c.read == "" {
			app.UID = ""
		}
		err := patch.DeleteSeen(t.Context(), server, app, client.GracePeriodSeconds(0))
		if server.deleted != c.deleted || apierrors.IsConflict(err) != c.conflict || !c.conflict && err != nil {
			t.Errorf("%s: deleted %t with error %v; want %t, and a conflict %t", c.name, server.deleted, err, c.deleted, c.conflict)
		}
	}
}

// TestObjectOfAnother: a change is of the object that was read, and of no other that has its name by then.
func TestObjectOfAnother(t *testing.T) {
	s := serve(t, "")
	before := s.read()
	before.UID = "one"
	after := before.DeepCopy()
	after.Spec.Project = "other"
	stored := string(s.stored)
	for _, uid := range []string{"two", "one"} {
		s.stored = []byte(strings.Replace(stored, `"name":"a"`, `"name":"a","uid":"`+uid+`"`, 1))
		if err := patch.Object(t.Context(), s, before, after.DeepCopy()); apierrors.IsConflict(err) != (uid == "two") || uid == "one" && err != nil {
			t.Errorf("the UID is %s: got error %v", uid, err)
		}
		if got := s.read().Spec.Project; (got == "other") != (uid == "one") {
			t.Errorf("the UID is %s: the project is %q", uid, got)
		}
	}
}
