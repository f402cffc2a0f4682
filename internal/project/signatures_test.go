package project_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
)

// signature is a good one of a key; of none when it is empty.
type signature string

func (s signature) SignedBy(ids []string) bool { return s != "" && slices.Contains(ids, string(s)) }
func (s signature) String() string             { return "commit 0123456 is what it is" }

const (
	ada = "4AEE18F83AFDEB23"
	eve = "0123456789ABCDEF"
)

func keyIDs(t *testing.T, ids ...string) []runtime.RawExtension {
	t.Helper()
	var all []runtime.RawExtension
	for _, id := range ids {
		all = append(all, raw(t, map[string]string{"keyID": id})...)
	}
	return all
}

func TestCheckSignature(t *testing.T) {
	const field = "AppProject team: spec.signatureKeys: "
	for rule, c := range map[string]struct {
		keys      []runtime.RawExtension
		found     signature
		published []string
		// want is all of the refusal's parts; none for a leave.
		want []string
	}{
		"no keys are asked for":          {nil, "", nil, nil},
		"signed with the key":            {keyIDs(t, ada), ada, []string{ada}, nil},
		"signed with the second key":     {keyIDs(t, eve, ada), ada, []string{ada, eve}, nil},
		"named by its fingerprint":       {keyIDs(t, "D56C4FCA57A46444"+"00000000"+ada), ada, []string{ada}, nil},
		"in small letters":               {keyIDs(t, "0x"+strings.ToLower(ada)), ada, []string{ada}, nil},
		"not signed":                     {keyIDs(t, ada), "", []string{ada}, []string{field + "commit 0123456 is what it is, and has to be signed with one of the gpg keys " + ada + "; sign the commit with one of them"}},
		"signed with another key":        {keyIDs(t, ada), eve, []string{ada, eve}, []string{field, "; sign the commit"}},
		"no public key":                  {keyIDs(t, ada), "", nil, []string{field, "; add the public key of " + ada + " to ConfigMap argocd-gpg-keys-cm, or sign"}},
		"one public key of two":          {keyIDs(t, ada, eve), "", []string{strings.ToLower(ada)}, []string{"one of the gpg keys " + ada + ", " + eve + "; add the public key of " + eve + " to"}},
		"a short ID":                     {keyIDs(t, ada[8:]), signature(ada[8:]), nil, []string{field + `entry 1 is invalid: keyID "3AFDEB23" is not the ID`}},
		"an empty ID":                    {keyIDs(t, ada, ""), ada, []string{ada}, []string{field + `entry 2 is invalid: keyID "" is not`}},
		"an ID that is not hexadecimal":  {keyIDs(t, "ada@example.com.."), "", nil, []string{field + "entry 1 is invalid"}},
		"an entry that is not an object": {raw(t, ada), ada, []string{ada}, []string{field + "entry 1 is invalid"}},
		"an entry without its field":     {raw(t, map[string]string{"key": ada}), ada, []string{ada}, []string{field + "entry 1 is invalid"}},
		"an entry that is null":          {raw(t, nil), ada, []string{ada}, []string{field + "entry 1 is invalid"}},
	} {
		p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{SignatureKeys: c.keys}}
		got := project.CheckSignature(p, c.found, c.published)
		if (got != nil) != (len(c.want) > 0) {
			t.Errorf("%s: got %v, want %q", rule, got, c.want)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(got.String(), part) {
				t.Errorf("%s: got %q, want %q in it", rule, got, part)
			}
		}
	}
}
