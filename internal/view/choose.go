package view

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Choice is which rows are asked for. An empty list fits all, and one of several values is enough.
type Choice struct {
	// Search are words, each of which the name has in it, the namespace is, or a label has as KEY=VALUE.
	Search string
	// Labels are KEY or KEY=VALUE, and a row needs all of them.
	Labels                                                 []string
	Projects, Clusters, Namespaces, Syncs, Healths, Owners []string
	// Attention chooses those that need somebody.
	Attention bool
	// Sort is name, lastSync, created or health, the worst first.
	Sort       string
	Descending bool
	// Limit is the most rows of a page; all when 0.
	Limit int
	// Continue is the token of the page before; empty for the first page.
	Continue string
}

// Fits reports whether a row is among those that are asked for.
func (c Choice) Fits(r *Row) bool {
	for _, f := range []struct {
		wanted []string
		value  string
	}{
		{c.Projects, r.Project}, {c.Clusters, r.Cluster}, {c.Namespaces, r.Destination}, {c.Syncs, string(r.Sync)}, {c.Healths, string(r.Health)}, {c.Owners, r.Owner},
	} {
		if len(f.wanted) > 0 && !slices.Contains(f.wanted, f.value) {
			return false
		}
	}
	return (!c.Attention || r.Attention != nil) && hasLabels(r, c.Labels) && hasWords(r, strings.Fields(strings.ToLower(c.Search)))
}

func hasLabels(r *Row, wanted []string) bool {
	for _, w := range wanted {
		key, value, valued := strings.Cut(w, "=")
		if have, ok := r.allLabels()[key]; !ok || valued && have != value {
			return false
		}
	}
	return true
}

func hasWords(r *Row, words []string) bool {
	for _, w := range words {
		if key, value, ok := strings.Cut(w, "="); ok && key != "" {
			if !hasLabelLike(r, key, value) {
				return false
			}
		} else if !strings.Contains(strings.ToLower(r.Name), w) && strings.ToLower(r.Namespace) != w {
			return false
		}
	}
	return true
}

// hasLabelLike reports whether a row has a label whose value begins so, in whatever letters both are written.
func hasLabelLike(r *Row, key, value string) bool {
	for has, of := range r.allLabels() {
		if strings.EqualFold(has, key) && strings.HasPrefix(strings.ToLower(of), value) {
			return true
		}
	}
	return false
}

// worst are the healths, the worst first.
var worst = []v1alpha1.HealthStatusCode{
	v1alpha1.HealthDegraded, v1alpha1.HealthMissing, v1alpha1.HealthUnknown, v1alpha1.HealthProgressing, v1alpha1.HealthSuspended, v1alpha1.HealthHealthy,
}

// orders are what rows can be sorted by.
var orders = map[string]func(*Row) string{
	"name":     func(*Row) string { return "" },
	"lastSync": func(r *Row) string { return r.LastSync },
	"created":  func(r *Row) string { return r.Created },
	"health":   func(r *Row) string { return fmt.Sprint(slices.Index(worst, r.Health)) },
}

// place is where a row stands in an order, which Of names.
type place struct{ Of, By, Name, Namespace string }

// order names the order of a choice.
func (c Choice) order() string {
	if c.Descending {
		return cmp.Or(c.Sort, "name") + " descending"
	}
	return cmp.Or(c.Sort, "name")
}

func (c Choice) compare(a, b *place) int {
	order := cmp.Or(cmp.Compare(a.By, b.By), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	if c.Descending {
		return -order
	}
	return order
}

// placed is a row among others, with its place.
type placed struct {
	place
	at int
}

// Page returns the rows that fit, in order, of which there are total: those of one page, and the token of the next,
// which stays good while rows come and go.
func (c Choice) Page(rows []Row) (page []Row, total int, next string, err error) {
	by := orders[cmp.Or(c.Sort, "name")]
	if by == nil {
		return nil, 0, "", &problem.Error{Kind: problem.Usage, Object: "sort", Cause: fmt.Sprintf("unknown order %q", c.Sort), Remedy: "use name, lastSync, created or health"}
	}
	after, err := c.after()
	if err != nil {
		return nil, 0, "", err
	}
	var fitting []placed
	for i := range rows {
		if !c.Fits(&rows[i]) {
			continue
		}
		total++
		one := placed{place{c.order(), by(&rows[i]), rows[i].Name, rows[i].Namespace}, i}
		if after == nil || c.compare(&one.place, after) > 0 {
			fitting = append(fitting, one)
		}
	}
	slices.SortFunc(fitting, func(a, b placed) int { return c.compare(&a.place, &b.place) })
	if c.Limit > 0 && len(fitting) > c.Limit {
		fitting = fitting[:c.Limit]
		next = tokenOf(fitting[c.Limit-1].place)
	}
	page = make([]Row, len(fitting))
	for i := range fitting {
		page[i] = rows[fitting[i].at]
	}
	return page, total, next, nil
}

func tokenOf(p place) string {
	text, _ := json.Marshal(p) //nolint:errchkjson // four strings
	return base64.RawURLEncoding.EncodeToString(text)
}

// after returns the place of the last row of the page before; nil for the first page.
func (c Choice) after() (*place, error) {
	if c.Continue == "" {
		return nil, nil
	}
	p := &place{}
	text, err := base64.RawURLEncoding.DecodeString(c.Continue)
	if err == nil {
		err = json.Unmarshal(text, p)
	}
	switch {
	case err != nil:
		return nil, &problem.Error{Kind: problem.Usage, Object: "continue", Cause: "not a token of a page", Remedy: "take the one that the page before has"}
	case p.Of != c.order():
		return nil, &problem.Error{Kind: problem.Usage, Object: "continue", Cause: "of another order than is asked for", Remedy: "ask for the order of the page before, or begin with the first page"}
	}
	return p, nil
}

// rowField is a field of a row. One that is optional is left out when it is empty.
type rowField struct {
	place    int
	optional bool
}

// rowFields are the fields of a row by their name in JSON.
var rowFields = func() map[string]rowField {
	fields := map[string]rowField{}
	for t, i := reflect.TypeFor[Row](), 0; i < t.NumField(); i++ {
		if name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			fields[name] = rowField{i, options == "omitempty"}
		}
	}
	return fields
}()

// Only has rows show some fields alone, besides namespace and name; all for none.
func Only(rows []Row, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	only := map[string]bool{"namespace": true, "name": true}
	for _, f := range fields {
		if _, known := rowFields[f]; !known {
			return &problem.Error{Kind: problem.Usage, Object: "fields", Cause: fmt.Sprintf("unknown field %q", f), Remedy: "use " + strings.Join(slices.Sorted(maps.Keys(rowFields)), ", ")}
		}
		only[f] = true
	}
	for i := range rows {
		rows[i].only = only
	}
	return nil
}

// MarshalJSON returns the fields that are shown.
func (r Row) MarshalJSON() ([]byte, error) {
	type whole Row
	if r.only == nil {
		return json.Marshal(whole(r))
	}
	v, shown := reflect.ValueOf(r), make(map[string]any, len(r.only))
	for name := range r.only {
		if value := v.Field(rowFields[name].place); !rowFields[name].optional || !value.IsZero() {
			shown[name] = value.Interface()
		}
	}
	return json.Marshal(shown)
}
