package image

import "testing"

// Plain HTTP is spoken to those registries that are named, and to no others.
func TestRegistriesThatAreInsecure(t *testing.T) {
	r := Registries{InsecureHosts: []string{"r.example:5000"}}
	for ref, want := range map[string]bool{"r.example:5000/web": true, "r.example:5000/team/web:v1": true, "r.example/web": false, "r.example:5000": false, "other:5000/web": false, "web": false} {
		if got := r.insecure(ref); got != want {
			t.Errorf("%s: got %t, want %t", ref, got, want)
		}
	}
	if !(Registries{Insecure: true}).insecure("web") {
		t.Error("one that all may be is not")
	}
}
