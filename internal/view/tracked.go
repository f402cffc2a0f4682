package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
)

// mostGone bounds the nodes that are remembered to be gone: who has an older version gets everything.
const mostGone = 1000

// Tracked is a detail with the version in which each part of it, and each node, came to be as it is. So what has
// changed since any version is known without keeping that one.
type Tracked struct {
	Detail Detail
	// Version is that of the detail: 0 where there is none yet.
	Version int64

	// first is the oldest version since which all that has changed is known; 0 for all.
	first int64
	parts map[string]trackedPart
	// nodes are in the order of those of the detail.
	nodes []trackedNode
	gone  []goneNode
	// results are in the order of those of the operation, and resultsChanged is the version in which any came to be as it
	// is, or their number did.
	results        []trackedResult
	resultsChanged int64
}

// trackedResult is what a sync has done to an object: of thousands, each change of the operation changes a few.
type trackedResult struct {
	sum     [16]byte
	changed int64
}

// trackedPart is a part of a detail besides its nodes; its text is nil where it is not there any more.
type trackedPart struct {
	text    json.RawMessage
	changed int64
}

type trackedNode struct {
	sum [16]byte
	// changed is the version in which the node came to be as it is, and placed the one in which it came to where it is.
	changed, placed int64
}

type goneNode struct {
	id string
	at int64
}

// Update is what has changed of a detail since a version, or all of it.
type Update struct {
	// Since is the version that this is to be merged into, or a later one; 0: this is everything.
	Since int64
	// Parts are those that have changed, by their name; null for one that is not there any more.
	Parts map[string]json.RawMessage
	// Nodes are those that have changed, or have come to another place, in the order of the detail.
	Nodes []PlacedNode
	// Gone are the IDs of the nodes that are not there any more.
	Gone []string
	// Results are those of the operation that have changed, by their place, and how many there are; nil where none has,
	// and where this is everything: then they are in the part operation, which has none otherwise.
	Results *ChangedResults
}

// ChangedResults are results of an operation that have changed, by their place among all of them.
type ChangedResults struct {
	Count   int            `json:"count"`
	Changed map[int]Result `json:"changed"`
}

// PlacedNode is a node with the ID of the one that it comes behind: "" for the first; nil where it stays where it is.
type PlacedNode struct {
	Node
	After *string `json:"after,omitempty"`
}

// Track returns the next version of a detail; the same one where nothing has changed.
func Track(before Tracked, d Detail) (Tracked, error) {
	t := Tracked{Detail: d, Version: before.Version + 1, first: before.first, nodes: make([]trackedNode, len(d.Nodes))}
	texts, err := partsOf(d)
	if err != nil {
		return before, err
	}
	partsChanged := t.trackParts(before.parts, texts)
	nodesChanged, err := t.trackNodes(before)
	if err != nil {
		return before, err
	}
	resultsChanged, err := t.trackResults(before)
	if err != nil {
		return before, err
	}
	if !partsChanged && !nodesChanged && !resultsChanged {
		return before, nil
	}
	return t, nil
}

// partsOf returns the text of each part of a detail, but its nodes and the results of its operation.
func partsOf(d Detail) (map[string]json.RawMessage, error) {
	d.Nodes = nil
	if d.Operation != nil {
		without := *d.Operation
		without.Results = []Result{}
		d.Operation = &without
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var parts map[string]json.RawMessage
	err = json.Unmarshal(text, &parts)
	delete(parts, "nodes")
	return parts, err
}

func (t *Tracked) trackParts(before map[string]trackedPart, texts map[string]json.RawMessage) (changed bool) {
	t.parts = make(map[string]trackedPart, len(texts))
	for name, text := range texts {
		part := before[name]
		if !bytes.Equal(part.text, text) {
			part, changed = trackedPart{text, t.Version}, true
		}
		t.parts[name] = part
	}
	for name, part := range before {
		if _, is := texts[name]; is {
			continue
		}
		if part.text != nil {
			part, changed = trackedPart{nil, t.Version}, true
		}
		t.parts[name] = part
	}
	return changed
}

func (t *Tracked) trackNodes(before Tracked) (changed bool, err error) {
	was := make(map[string]int, len(before.nodes))
	for at, n := range before.Detail.Nodes {
		was[n.ID] = at
	}
	places := make([]int, len(t.nodes))
	for i, n := range t.Detail.Nodes {
		text, err := json.Marshal(n)
		if err != nil {
			return false, err
		}
		sum := sha256.Sum256(text)
		t.nodes[i] = trackedNode{[16]byte(sum[:16]), t.Version, t.Version}
		at, known := was[n.ID]
		if !known {
			places[i] = noPlace
			continue
		}
		places[i] = at
		if b := before.nodes[at]; b.sum == t.nodes[i].sum {
			t.nodes[i].changed = b.changed
		}
		delete(was, n.ID)
	}
	for i, stays := range staying(places) {
		if stays {
			t.nodes[i].placed = before.nodes[places[i]].placed
		}
		changed = changed || t.nodes[i].changed == t.Version || t.nodes[i].placed == t.Version
	}
	t.trackGone(before, was)
	return changed || len(was) > 0, nil
}

// trackResults compares the results of the operation by their places: those of another operation are all others.
func (t *Tracked) trackResults(before Tracked) (changed bool, err error) {
	results := t.Detail.results()
	t.results, t.resultsChanged = make([]trackedResult, len(results)), before.resultsChanged
	changed = len(results) != len(before.results)
	for i, r := range results {
		text, err := json.Marshal(r)
		if err != nil {
			return false, err
		}
		sum := sha256.Sum256(text)
		t.results[i] = trackedResult{[16]byte(sum[:16]), t.Version}
		if i < len(before.results) && before.results[i].sum == t.results[i].sum {
			t.results[i].changed = before.results[i].changed
		} else {
			changed = true
		}
	}
	if changed {
		t.resultsChanged = t.Version
	}
	return changed, nil
}

func (d Detail) results() []Result {
	if d.Operation == nil {
		return nil
	}
	return d.Operation.Results
}

// trackGone remembers the nodes that are gone by now.
func (t *Tracked) trackGone(before Tracked, now map[string]int) {
	t.gone = slices.Clone(before.gone)
	if len(t.gone) > 0 {
		is := make(map[string]bool, len(t.Detail.Nodes))
		for _, n := range t.Detail.Nodes {
			is[n.ID] = true
		}
		t.gone = slices.DeleteFunc(t.gone, func(g goneNode) bool { return is[g.id] })
	}
	for _, n := range before.Detail.Nodes {
		if _, gone := now[n.ID]; gone {
			t.gone = append(t.gone, goneNode{n.ID, t.Version})
		}
	}
	if more := len(t.gone) - mostGone; more > 0 {
		t.first = t.gone[more-1].at
		t.gone = t.gone[more:]
	}
}

// noPlace is the place before of a node that is new.
const noPlace = -1

// staying reports, for the places that nodes had before, which of them are in an order that they had before: as many as
// can be.
func staying(places []int) []bool {
	// ends has, for each length, where the run of that length ends that ends lowest, and before has what comes before each
	// in its run.
	var ends []int
	before := make([]int, len(places))
	for i, place := range places {
		if place == noPlace {
			continue
		}
		n, _ := slices.BinarySearchFunc(ends, place, func(end, place int) int { return places[end] - place })
		before[i] = noPlace
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	stay := make([]bool, len(places))
	if len(ends) == 0 {
		return stay
	}
	for i := ends[len(ends)-1]; i != noPlace; i = before[i] {
		stay[i] = true
	}
	return stay
}

// Since returns what has changed since a version; everything where that is not known.
func (t Tracked) Since(version int64) Update {
	if version < t.first || version > t.Version {
		version = 0
	}
	u := Update{Since: version, Parts: t.partsSince(version), Nodes: t.nodesSince(version), Results: t.resultsSince(version)}
	if whole, err := json.Marshal(t.Detail.Operation); version == 0 && t.Detail.Operation != nil && err == nil {
		u.Parts["operation"] = whole
	}
	for _, g := range t.gone {
		if version > 0 && g.at > version {
			u.Gone = append(u.Gone, g.id)
		}
	}
	return u
}

func (t Tracked) partsSince(version int64) map[string]json.RawMessage {
	parts := map[string]json.RawMessage{}
	for name, part := range t.parts {
		switch {
		case part.changed <= version:
		case part.text != nil:
			parts[name] = part.text
		case version > 0:
			parts[name] = json.RawMessage("null")
		}
	}
	return parts
}

func (t Tracked) resultsSince(version int64) *ChangedResults {
	if version == 0 || t.resultsChanged <= version || t.Detail.Operation == nil {
		return nil
	}
	changed := &ChangedResults{Count: len(t.results), Changed: map[int]Result{}}
	for i, r := range t.results {
		if r.changed > version {
			changed.Changed[i] = t.Detail.Operation.Results[i]
		}
	}
	return changed
}

func (t Tracked) nodesSince(version int64) []PlacedNode {
	nodes := []PlacedNode{}
	for i, n := range t.nodes {
		placed := PlacedNode{Node: t.Detail.Nodes[i]}
		if version > 0 && n.placed > version {
			placed.After = new(string)
			if i > 0 {
				*placed.After = t.Detail.Nodes[i-1].ID
			}
		}
		if n.changed > version || placed.After != nil {
			nodes = append(nodes, placed)
		}
	}
	return nodes
}

// Part returns the text of a part of the detail; nil where it is not there.
func (t Tracked) Part(name string) json.RawMessage { return t.parts[name].text }
