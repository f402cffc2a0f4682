package view

import (
	"bytes"
	"encoding/json"
	"slices"
)

// RolloutChange is what makes of one view of a Rollout the next one. Lists that grow long are given in pieces.
type RolloutChange struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Parts are the fields of the view that are others now; null for one that is not there any more. Lanes have no pods
	// there: those they had stay, but for what Pods has.
	Parts map[string]json.RawMessage `json:"parts"`
	// Events are the pieces of the events; nil where they are as before.
	Events []Piece[Event] `json:"events,omitempty"`
	// Pods are the pieces of the pods of lanes, by the ReplicaSet; lanes whose pods are as before are not among them.
	Pods map[string][]Piece[Pod] `json:"pods,omitempty"`
}

// Piece is a part of a list: Count elements of the list before, from a place on, or else a new element.
type Piece[T any] struct {
	From  int `json:"from,omitempty"`
	Count int `json:"count,omitempty"`
	Item  *T  `json:"item,omitempty"`
}

// ChangeOfRollout returns what has changed between two views of a Rollout; false where nothing has.
func ChangeOfRollout(before, after RolloutView) (change RolloutChange, changed bool, err error) {
	change = RolloutChange{Namespace: after.Namespace, Name: after.Name, Parts: map[string]json.RawMessage{}}
	was, err := partsOfRollout(before)
	if err != nil {
		return change, false, err
	}
	is, err := partsOfRollout(after)
	if err != nil {
		return change, false, err
	}
	for name, text := range is {
		if !bytes.Equal(was[name], text) {
			change.Parts[name] = text
		}
	}
	for name := range was {
		if is[name] == nil {
			change.Parts[name] = json.RawMessage("null")
		}
	}
	change.Events = pieces(before.Events, after.Events)
	pods := map[string][]Pod{}
	for _, lane := range before.Lanes {
		pods[lane.ReplicaSet] = lane.Pods
	}
	for _, lane := range after.Lanes {
		if in := pieces(pods[lane.ReplicaSet], lane.Pods); in != nil {
			if change.Pods == nil {
				change.Pods = map[string][]Piece[Pod]{}
			}
			change.Pods[lane.ReplicaSet] = in
		}
	}
	return change, len(change.Parts) > 0 || change.Events != nil || change.Pods != nil, nil
}

// partsOfRollout returns the text of each field of a view, but its events and the pods of its lanes.
func partsOfRollout(v RolloutView) (map[string]json.RawMessage, error) {
	lanes := make([]Lane, len(v.Lanes))
	for i, lane := range v.Lanes {
		lane.Pods = []Pod{}
		lanes[i] = lane
	}
	v.Lanes, v.Events = lanes, nil
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var parts map[string]json.RawMessage
	err = json.Unmarshal(text, &parts)
	delete(parts, "events")
	return parts, err
}

// pieces returns what makes of one list the next: nil where it is the same.
func pieces[T comparable](before, after []T) []Piece[T] {
	if slices.Equal(before, after) {
		return nil
	}
	at := make(map[T]int, len(before))
	for i, element := range before {
		at[element] = i
	}
	all := make([]Piece[T], 0, 1)
	for _, element := range after {
		last := len(all) - 1
		if last >= 0 && all[last].Item == nil {
			if next := all[last].From + all[last].Count; next < len(before) && before[next] == element {
				all[last].Count++
				continue
			}
		}
		if i, had := at[element]; had {
			all = append(all, Piece[T]{From: i, Count: 1})
		} else {
			all = append(all, Piece[T]{Item: &element})
		}
	}
	return all
}
