package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Whatever a call answers fits the document that people's programs are made of: no list is null, and each field is of
// its type.
func TestAnswersFitTheDocument(t *testing.T) {
	document := build().OpenAPI()
	operations := map[string]*huma.Operation{}
	for _, path := range document.Paths {
		for _, operation := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if operation != nil {
				operations[operation.OperationID] = operation
			}
		}
	}
	checked := 0
	var w *world
	for _, c := range calls {
		for _, as := range []string{"admin", "nobody"} {
			if w == nil || c.method != http.MethodGet {
				w = newWorld(t)
			}
			ctx, leave := context.WithTimeout(t.Context(), time.Minute)
			r := httptest.NewRequestWithContext(ctx, c.method, strings.ReplaceAll(c.path, "PROJECT", "shop"), strings.NewReader(strings.ReplaceAll(c.body, "PROJECT", "shop")))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+w.tokens[as])
			answer := w.serve(r, leave)
			leave()
			described := operations[c.id].Responses[strconv.Itoa(answer.Code)]
			if described == nil {
				described = operations[c.id].Responses["default"]
			}
			var value any
			if described == nil || described.Content["application/json"] == nil || strings.Contains(c.path, "/stream/") || json.Unmarshal(answer.Body.Bytes(), &value) != nil {
				continue
			}
			found := &huma.ValidateResult{}
			huma.Validate(document.Components.Schemas, described.Content["application/json"].Schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, value, found)
			// Nothing in this world was created at a time.
			wrong := slices.DeleteFunc(found.Errors, func(err error) bool {
				return strings.Contains(err.Error(), "date-time") && strings.Contains(err.Error(), ": )")
			})
			if len(wrong) > 0 {
				t.Errorf("%s as %s: %d %v: %s", c.id, as, answer.Code, wrong, answer.Body)
			}
			checked++
		}
	}
	if checked < len(calls) {
		t.Errorf("%d answers were checked, of %d calls", checked, len(calls))
	}
}
