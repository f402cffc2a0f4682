package view

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var seed = flag.Uint64("seed", rand.Uint64(), "seed of the random lives of details")

// tracked returns what is known of a detail after each of some.
func tracked(t *testing.T, all ...Detail) Tracked {
	t.Helper()
	known := Tracked{}
	for _, d := range all {
		var err error
		if known, err = Track(known, d); err != nil {
			t.Fatal(err)
		}
	}
	return known
}

// withNodes is a detail with nodes of these IDs; what stands behind a = is their message.
func withNodes(written string) Detail {
	d := Detail{}
	for each := range strings.FieldsSeq(written) {
		id, message, _ := strings.Cut(each, "=")
		d.Nodes = append(d.Nodes, Node{ID: id, Message: message}.complete())
	}
	return d
}

// written is an update in short: nodes, <ID where one has come to another place, and -ID where one is gone.
func (u Update) written() string {
	var all []string
	for _, n := range u.Nodes {
		text := n.ID
		if n.Message != "" {
			text += "=" + n.Message
		}
		if n.After != nil {
			text += "<" + *n.After
		}
		all = append(all, text)
	}
	for _, id := range u.Gone {
		all = append(all, "-"+id)
	}
	for name, text := range u.Parts {
		all = append(all, name+":"+string(text))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// What has changed of the nodes since the version before.
func TestNodesThatHaveChanged(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"nothing", "a b c", "a b c", ""},
		{"one", "a b c", "a b=x c", "b=x"},
		{"one is new", "a c", "a b c", "b<a"},
		{"the first is new", "b", "a b", "a<"},
		{"all are new", "", "a b", "a< b<a"},
		{"some are new together", "a d", "a b c d", "b<a c<b"},
		{"one is gone", "a b c", "a c", "-b"},
		{"all are gone", "a b", "", "-a -b"},
		{"one has moved up", "a b c d", "d a b c", "d<"},
		{"one has moved down", "a b c d", "b c d a", "a<d"},
		{"one has moved and changed", "a b c", "b c a=x", "a=x<c"},
		{"two have changed places", "a b", "b a", "b<"},
		{"one in place of another", "a b c", "a x c", "-b x<a"},
		{"all in the other direction", "a b c", "c b a", "b<c c<"},
	} {
		before := tracked(t, withNodes(c.before))
		after, err := Track(before, withNodes(c.after))
		if err != nil {
			t.Fatal(err)
		}
		if got := after.Since(before.Version).written(); got != c.want {
			t.Errorf("%s: %s → %s: got %q, want %q", c.name, c.before, c.after, got, c.want)
		}
		if same := after.Version == before.Version; same != (c.want == "") {
			t.Errorf("%s: %s → %s: the version goes from %d to %d", c.name, c.before, c.after, before.Version, after.Version)
		}
	}
}

// What has changed of the other parts, and what of them is there no more.
func TestPartsThatHaveChanged(t *testing.T) {
	plain := Detail{Manifest: "one"}
	for _, c := range []struct {
		name   string
		before Detail
		after  Detail
		want   string
	}{
		{"nothing", plain, plain, ""},
		{"another text", plain, Detail{Manifest: "two"}, `manifest:"two"`},
		{"one more", plain, Detail{Manifest: "one", Trouble: "away"}, `trouble:"away"`},
		{"one less", Detail{Manifest: "one", Trouble: "away", Hidden: 1}, plain, "hidden:null trouble:null"},
		{"what has changed in the row", plain, Detail{Manifest: "one", Row: Row{Name: "x"}}, "row:" + partText(t, Row{Name: "x"})},
	} {
		before := tracked(t, c.before)
		after, err := Track(before, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := after.Since(before.Version).written(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func partText(t *testing.T, of any) string {
	t.Helper()
	text, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What has changed since versions before the last one.
func TestSinceAnyVersion(t *testing.T) {
	left := Detail{Trouble: "away"}
	known := tracked(t, withNodes("a b"), withNodes("a b=x"), withNodes("a b=x"), withNodes("a b=x c"), withNodes("a c"), left, Detail{})
	if known.Version != 6 {
		t.Fatalf("got version %d", known.Version)
	}
	rest := " canSync:false conditions:null history:null links:null manifest:\"\" row:" + string(known.Part("row")) + " urls:null windows:null"
	for version, want := range map[int64]string{
		1: "-a -b -c trouble:null", 2: "-a -b -c trouble:null", 3: "-a -b -c trouble:null", 4: "-a -c trouble:null", 5: "trouble:null", 6: "",
		0: strings.TrimSpace(rest), 7: strings.TrimSpace(rest), -1: strings.TrimSpace(rest),
	} {
		u := known.Since(version)
		if got := u.written(); got != want {
			t.Errorf("since %d: got %q, want %q", version, got, want)
		}
		if whole := version < 1 || version > 6; whole != (u.Since == 0) {
			t.Errorf("since %d: got since %d", version, u.Since)
		}
	}
	// What has come in a version is known to who has that one, and everything has no places: it is in order.
	grown := tracked(t, withNodes("a"), withNodes("a b"), withNodes("a=x b"))
	if got := grown.Since(2).written(); got != "a=x" {
		t.Errorf("one that came in version 2, since then: got %q", got)
	}
	for _, n := range grown.Since(0).Nodes {
		if n.After != nil {
			t.Errorf("everything: %s is placed behind %q", n.ID, *n.After)
		}
	}
	// One that comes back is not gone.
	back := tracked(t, withNodes("a b"), withNodes("a"), withNodes("a b"))
	if got := back.Since(1).written(); got != "b<a" {
		t.Errorf("one that comes back: got %q", got)
	}
	if string(known.Part("trouble")) != "" || string(known.Part("canSync")) != "false" {
		t.Errorf("got parts %q and %q", known.Part("trouble"), known.Part("canSync"))
	}
}

// What is remembered of nodes that are gone is bounded: who has an older version gets everything.
func TestNodesThatAreGoneAreBounded(t *testing.T) {
	many := func(from, to int) Detail {
		d := Detail{}
		for i := from; i < to; i++ {
			d.Nodes = append(d.Nodes, Node{ID: fmt.Sprint(i)}.complete())
		}
		return d
	}
	const more = 10
	known := tracked(t, many(0, mostGone+more), many(more, mostGone+more), many(more+1, mostGone+more), Detail{})
	if got := len(known.gone); got != mostGone {
		t.Errorf("%d nodes are remembered, want %d", got, mostGone)
	}
	for version, whole := range map[int64]bool{1: true, 2: false, 3: false, 4: false} {
		if u := known.Since(version); (u.Since == 0) != whole {
			t.Errorf("since %d: got since %d", version, u.Since)
		}
	}
	later, err := Track(known, Detail{Hidden: 1})
	if err != nil {
		t.Fatal(err)
	}
	if one, two := later.Since(1), later.Since(2); one.Since != 0 || two.Since != 2 {
		t.Errorf("in the next version: got since %d and %d", one.Since, two.Since)
	}
	if u := tracked(t, many(0, mostGone), Detail{}).Since(1); u.Since != 1 || len(u.Gone) != mostGone {
		t.Errorf("as many as are remembered: got since %d and %d nodes that are gone", u.Since, len(u.Gone))
	}
}

// merged is what a page makes of what it has and an update: the same as ui/src/api/detail.ts.
func merged(t *testing.T, has string, u Update) string {
	t.Helper()
	var page map[string]json.RawMessage
	if err := json.Unmarshal([]byte(has), &page); err != nil {
		t.Fatal(err)
	}
	var nodes []Node
	if u.Since == 0 {
		page = map[string]json.RawMessage{}
	} else if err := json.Unmarshal(page["nodes"], &nodes); err != nil {
		t.Fatal(err)
	}
	for name, part := range u.Parts {
		if page[name] = part; string(part) == "null" && u.Since > 0 {
			delete(page, name)
		}
	}
	changed, behind := map[string]Node{}, map[string]Node{}
	for _, n := range u.Nodes {
		switch {
		case u.Since == 0:
			nodes = append(nodes, n.Node)
		case n.After != nil:
			behind[*n.After] = n.Node
			u.Gone = append(u.Gone, n.ID)
		default:
			changed[n.ID] = n.Node
		}
	}
	all := []Node{}
	add := func(id string) {
		for n, ok := behind[id]; ok; n, ok = behind[n.ID] {
			all = append(all, n)
		}
	}
	add("")
	for _, n := range nodes {
		if slices.Contains(u.Gone, n.ID) {
			continue
		}
		if new, ok := changed[n.ID]; ok {
			n = new
		}
		all = append(all, n)
		add(n.ID)
	}
	page["nodes"] = json.RawMessage(partText(t, all))
	mergeResults(t, page, has, u)
	return partText(t, page)
}

// mergeResults merges the results of an operation into those that the page has.
func mergeResults(t *testing.T, page map[string]json.RawMessage, has string, u Update) {
	t.Helper()
	var before Detail
	if err := json.Unmarshal([]byte(has), &before); err != nil {
		t.Fatal(err)
	}
	var now *WholeOperation
	if err := json.Unmarshal(page["operation"], &now); len(page["operation"]) > 0 && err != nil {
		t.Fatal(err)
	}
	if now == nil || u.Since == 0 {
		return
	}
	now.Results = before.results()
	if u.Results != nil {
		now.Results = slices.Clone(now.Results)
		for len(now.Results) < u.Results.Count {
			now.Results = append(now.Results, Result{})
		}
		now.Results = now.Results[:u.Results.Count]
		for at, r := range u.Results.Changed {
			now.Results[at] = r
		}
	}
	now.Results = nonNil(now.Results)
	page["operation"] = json.RawMessage(partText(t, now))
}

// Of an operation on thousands of objects, a change tells of those that it is about.
func TestResultsThatHaveChanged(t *testing.T) {
	operation := func(phases ...string) Detail {
		d := Detail{Operation: &WholeOperation{Results: []Result{}}}
		for i, phase := range phases {
			d.Operation.Results = append(d.Operation.Results, Result{Name: fmt.Sprint(i), Phase: phase})
		}
		return d
	}
	for _, c := range []struct {
		name string
		then []Detail
		want string
	}{
		{"one", []Detail{operation("a", "a", "a"), operation("a", "b", "a")}, `{"count":3,"changed":{"1":{"group":"","kind":"","name":"1","phase":"b"}}}`},
		{"one more", []Detail{operation("a"), operation("a", "b")}, `{"count":2,"changed":{"1":{"group":"","kind":"","name":"1","phase":"b"}}}`},
		{"one less", []Detail{operation("a", "b"), operation("a")}, `{"count":1,"changed":{}}`},
		{"what is not of the results", []Detail{operation("a"), func() Detail { d := operation("a"); d.Operation.Message = "m"; return d }()}, "null"},
		{"no operation any more", []Detail{operation("a"), {}}, "null"},
	} {
		u := tracked(t, c.then...).Since(1)
		if got := partText(t, u.Results); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if part := string(u.Parts["operation"]); strings.Contains(part, "phase\":\"b") {
			t.Errorf("%s: the part has the results as well: %s", c.name, part)
		}
	}
	if whole := tracked(t, operation("a", "b")).Since(0); whole.Results != nil || !strings.Contains(string(whole.Parts["operation"]), `"name":"1"`) {
		t.Errorf("everything: %s, %v", whole.Parts["operation"], whole.Results)
	}
	many, one := operation(slices.Repeat([]string{"Running"}, mostResults)...), operation(slices.Repeat([]string{"Running"}, mostResults)...)
	one.Operation.Results[500].Phase = "Succeeded"
	u := tracked(t, many, one).Since(1)
	t.Logf("of %d results, a change of one has %d bytes, and all have %d", mostResults, len(partText(t, u)), len(partText(t, one.Operation)))
	if size := len(partText(t, u)); size > 1024 {
		t.Errorf("a change of one has %d bytes", size)
	}
}

// Whatever becomes of a detail: what a page had at any version, and any later one up to now, is the whole once what has
// changed since the former is merged into it.
func TestMergingMakesTheWhole(t *testing.T) {
	lives, changes := 40, 25
	if testing.Short() {
		lives, changes = 5, 12
	}
	random := rand.New(rand.NewPCG(*seed, 0)) //nolint:gosec // a test
	for range lives {
		known := Tracked{}
		var pages []string
		for range changes {
			d := randomDetail(random, known.Detail)
			next, err := Track(known, d)
			if err != nil {
				t.Fatal(err)
			}
			d = next.Detail
			d.Nodes = nonNil(d.Nodes)
			if known = next; known.Version > int64(len(pages)) {
				pages = append(pages, partText(t, json.RawMessage(partText(t, asPage(t, d)))))
			}
			now := pages[len(pages)-1]
			for version := range len(pages) + 1 {
				u := known.Since(int64(version))
				for later := max(version, 1); later <= len(pages); later++ {
					if got := merged(t, pages[later-1], u); got != now {
						t.Fatalf("-seed %d: what has changed since %d, merged into %d:\n got %s\nwant %s", *seed, version, later, got, now)
					}
				}
			}
		}
	}
}

func asPage(t *testing.T, d Detail) (page map[string]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal([]byte(partText(t, d)), &page); err != nil {
		t.Fatal(err)
	}
	return page
}

// randomOperation is what becomes of an operation.
func randomOperation(random *rand.Rand, o *WholeOperation) *WholeOperation {
	if o == nil || random.IntN(5) == 0 {
		o = &WholeOperation{Results: []Result{}}
	}
	next := *o
	next.Results = slices.Clone(o.Results)
	for range random.IntN(3) {
		next.Results = append(next.Results, Result{Name: fmt.Sprint(random.IntN(3))})
	}
	if n := len(next.Results); n > 0 {
		next.Results[random.IntN(n)].Phase = fmt.Sprint(random.IntN(3))
		next.Results = next.Results[:n-random.IntN(2)]
	}
	next.Message = fmt.Sprint(random.IntN(2))
	if random.IntN(6) == 0 {
		return nil
	}
	return &next
}

// randomDetail is what becomes of a detail.
func randomDetail(random *rand.Rand, d Detail) Detail {
	d.Nodes = slices.Clone(d.Nodes)
	for range random.IntN(4) {
		n := len(d.Nodes)
		switch what := random.IntN(8); {
		case what < 2 && n < 12:
			if id := fmt.Sprint(random.IntN(20)); !slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.ID == id }) {
				d.Nodes = slices.Insert(d.Nodes, random.IntN(n+1), Node{ID: id}.complete())
			}
		case what == 2 && n > 0:
			at := random.IntN(n)
			d.Nodes = slices.Delete(d.Nodes, at, at+1)
		case what == 3 && n > 0:
			d.Nodes[random.IntN(n)].Message = fmt.Sprint(random.IntN(3))
		case what == 4 && n > 0:
			a, b := random.IntN(n), random.IntN(n)
			d.Nodes[a], d.Nodes[b] = d.Nodes[b], d.Nodes[a]
		case what == 5:
			d.Hidden = random.IntN(3)
		case what == 6 && random.IntN(2) == 0:
			d.Operation = randomOperation(random, d.Operation)
		case what == 6:
			d.Trouble = strings.Repeat("x", random.IntN(2))
		default:
			d.Manifest = fmt.Sprint(random.IntN(3))
		}
	}
	d.Conditions, d.History, d.Windows, d.Links, d.URLs = []Condition{}, []Deployment{}, []Window{}, []Link{}, []string{}
	return d
}
