package v1alpha1

import "k8s.io/apimachinery/pkg/util/json"

// UnmarshalJSON implements json.Unmarshaler. A pod template with a value that is none, such as a quantity in words,
// passes the API server, and must not keep a list of Rollouts from being read: what can't be read is left out, and
// Unreadable is why.
func (s *RolloutSpec) UnmarshalJSON(data []byte) error {
	type fields RolloutSpec
	read := *s.DeepCopy()
	err := json.Unmarshal(data, (*fields)(&read))
	if err == nil {
		read.Unreadable = ""
		*s = read
		return nil
	}
	*s = RolloutSpec{Unreadable: err.Error()}
	rest := map[string]any{}
	if json.Unmarshal(data, &rest) != nil {
		return nil
	}
	delete(rest, "template")
	if data, err = json.Marshal(rest); err != nil {
		return nil
	}
	read = RolloutSpec{}
	if json.Unmarshal(data, (*fields)(&read)) == nil {
		read.Unreadable = s.Unreadable
		*s = read
	}
	return nil
}
