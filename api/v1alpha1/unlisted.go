package v1alpha1

import (
	"slices"
	"strings"

	"sigs.k8s.io/json"
)

// UnmarshalJSON reads a spec, and notes the fields that it does not list.
func (s *ApplicationSpec) UnmarshalJSON(data []byte) error {
	type plain ApplicationSpec
	*s = ApplicationSpec{}
	unlisted, err := decode(data, (*plain)(s))
	s.Unlisted = unlisted
	return err
}

// UnmarshalJSON reads a spec, and notes the fields that it does not list.
func (s *AppProjectSpec) UnmarshalJSON(data []byte) error {
	type plain AppProjectSpec
	*s = AppProjectSpec{}
	unlisted, err := decode(data, (*plain)(s))
	s.Unlisted = unlisted
	return err
}

// decode reads JSON into a value, and returns the paths of the fields that the value does not have, such as
// source.tagPrefix and sources[0].tagPrefix.
func decode(data []byte, into any) (unlisted []string, err error) {
	strict, err := json.UnmarshalStrict(data, into, json.DisallowUnknownFields)
	for _, e := range strict {
		if path, ok := strings.CutPrefix(e.Error(), "unknown field "); ok {
			unlisted = append(unlisted, strings.Trim(path, `"`))
		}
	}
	slices.Sort(unlisted)
	return unlisted, err
}
