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

const (
	sue = "SHA256:txVF8wMITH8YaLGZZQFvW2we//3GrfAPnVFKj8cnJFU"
	mal = "SHA256:PKVizCOf1LdzWucs2psBot1mqzDSQKNKuyKcRNUwFrY"
)

// anyRepo is the URL of a repository.
const anyRepo = "https://git.example/shop"

// check asks a project whether a commit with a signature is permitted.
func check(p *v1alpha1.AppProject, repo string, found signature, published []string) *project.Violation {
	signers, no := project.SignersOf(p, repo)
	if no != nil {
		return no
	}
	return signers.Check(found, published)
}

func TestSignatureKeys(t *testing.T) {
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
		"not signed":                     {keyIDs(t, ada), "", []string{ada}, []string{field + "commit 0123456 is what it is, and has to be signed with one of the keys " + ada + "; sign the commit with one of them"}},
		"signed with another key":        {keyIDs(t, ada), eve, []string{ada, eve}, []string{field, "; sign the commit"}},
		"no public key":                  {keyIDs(t, ada), "", nil, []string{field, "; add the public key of " + ada + " to ConfigMap argocd-gpg-keys-cm, or sign"}},
		"one public key of two":          {keyIDs(t, ada, eve), "", []string{strings.ToLower(ada)}, []string{"one of the keys " + ada + ", " + eve + "; add the public key of " + eve + " to"}},
		"a name that is no key's":        {keyIDs(t, ada), "", []string{"README"}, []string{"; add the public key of " + ada + " to ConfigMap argocd-gpg-keys-cm"}},
		"a short ID":                     {keyIDs(t, ada[8:]), signature(ada[8:]), nil, []string{field + `entry 1 is invalid: keyID "3AFDEB23" is not the ID`}},
		"an empty ID":                    {keyIDs(t, ada, ""), ada, []string{ada}, []string{field + `entry 2 is invalid: keyID "" is not`}},
		"an ID that is not hexadecimal":  {keyIDs(t, "ada@example.com.."), "", nil, []string{field + "entry 1 is invalid"}},
		"an entry that is not an object": {raw(t, ada), ada, []string{ada}, []string{field + "entry 1 is invalid"}},
		"an entry without its field":     {raw(t, map[string]string{"key": ada}), ada, []string{ada}, []string{field + "entry 1 is invalid"}},
		"an entry that is null":          {raw(t, nil), ada, []string{ada}, []string{field + "entry 1 is invalid"}},

		"signed with the ssh key":      {keyIDs(t, sue), sue, []string{sue}, nil},
		"an ssh key and a gpg key":     {keyIDs(t, ada, " "+sue), sue, []string{ada, sue}, nil},
		"signed with another ssh key":  {keyIDs(t, sue), mal, []string{sue, mal}, []string{field, "one of the keys " + sue + "; sign the commit"}},
		"no public key of ssh":         {keyIDs(t, sue), "", []string{ada}, []string{"; add the public key of " + sue + " to key allowed_signers of ConfigMap cyan-ssh-signers-cm, or sign"}},
		"no public keys of either":     {keyIDs(t, sue, ada), "", nil, []string{"; add the public key of " + ada + " to ConfigMap argocd-gpg-keys-cm, or add the public key of " + sue + " to key allowed_signers"}},
		"an ssh key in small letters":  {keyIDs(t, strings.ToLower(sue)), "", nil, []string{field + "entry 1 is invalid"}},
		"a fingerprint that is short":  {keyIDs(t, sue[:20]), "", nil, []string{field + `entry 1 is invalid: keyID "` + sue[:20] + `" is not the fingerprint of an ssh key`}},
		"a fingerprint of other bytes": {keyIDs(t, "SHA256:"+strings.Repeat("!", 43)), "", nil, []string{"is not the fingerprint"}},
	} {
		p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{SignatureKeys: c.keys}}
		judgeRefusal(t, rule, check(p, anyRepo, c.found, c.published), c.want)
		if got := project.AsksForSignatures(p); got != (len(c.keys) > 0) {
			t.Errorf("%s: asks for signatures %v, want %v", rule, got, len(c.keys) > 0)
		}
	}
}

func TestKeyIDs(t *testing.T) {
	policies := func(text string) *runtime.RawExtension {
		return &runtime.RawExtension{Raw: []byte(`{"git": {"policies": [` + text + `]}}`)}
	}
	for _, c := range []struct {
		rule  string
		spec  v1alpha1.AppProjectSpec
		want  []string
		wrong string
	}{
		{"none", v1alpha1.AppProjectSpec{}, nil, ""},
		{"keys, each once", v1alpha1.AppProjectSpec{SignatureKeys: keyIDs(t, sue, ada, strings.ToLower(ada))}, []string{ada, sue}, ""},
		{"those of policies, but where nothing is asked", v1alpha1.AppProjectSpec{SourceIntegrity: policies(`{"repos": ["a"], "gpg": {"mode": "head", "keys": ["` + eve + `"]}},
			{"repos": ["b"], "gpg": {"mode": "none", "keys": ["` + ada + `"]}}, {"repos": ["c"], "gpg": {"mode": "head", "keys": ["` + sue + `"]}}`)}, []string{eve, sue}, ""},
		{"a key that is none", v1alpha1.AppProjectSpec{SignatureKeys: keyIDs(t, "x")}, nil, "AppProject team: spec.signatureKeys: entry 1 is invalid"},
		{"policies that are none", v1alpha1.AppProjectSpec{SourceIntegrity: policies(``)}, nil, "AppProject team: spec.sourceIntegrity: git.policies is empty"},
	} {
		got, no := project.KeyIDs(&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: c.spec})
		if !slices.Equal(got, c.want) || (no == nil) != (c.wrong == "") || no != nil && !strings.HasPrefix(no.String(), c.wrong) {
			t.Errorf("%s: got %q, %v; want %q, %s", c.rule, got, no, c.want, c.wrong)
		}
	}
	if got, want := project.Unpublished([]string{ada, eve, sue}, []string{"README", strings.ToLower(ada), sue}), []string{eve}; !slices.Equal(got, want) {
		t.Errorf("unpublished: got %q, want %q", got, want)
	}
}

func judgeRefusal(t *testing.T, rule string, got *project.Violation, want []string) {
	t.Helper()
	if (got != nil) != (len(want) > 0) {
		t.Errorf("%s: got %v, want %q", rule, got, want)
		return
	}
	for _, part := range want {
		if !strings.Contains(got.String(), part) {
			t.Errorf("%s: got %q, want %q in it", rule, got, part)
		}
	}
}

func TestKindsOfSigners(t *testing.T) {
	for _, c := range []struct {
		rule             string
		ids              []string
		asked, gpg, sshs bool
	}{
		{"none", nil, false, false, false}, {"gpg", []string{ada}, true, true, false}, {"ssh", []string{sue}, true, false, true}, {"both", []string{ada, sue}, true, true, true},
	} {
		signers, no := project.SignersOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SignatureKeys: keyIDs(t, c.ids...)}}, anyRepo)
		gpg, ssh := signers.Kinds()
		if no != nil || signers.Asked() != c.asked || gpg != c.gpg || ssh != c.sshs {
			t.Errorf("%s: got %v, asked %v, gpg %v, ssh %v", c.rule, no, signers.Asked(), gpg, ssh)
		}
	}
}

// TestIntegrityOfSources: what a project with policies says of a commit of a repository.
func TestIntegrityOfSources(t *testing.T) {
	const field = "AppProject team: spec.sourceIntegrity: "
	head := func(repos, keys string) string {
		return `{"repos": ` + repos + `, "gpg": {"mode": "head", "keys": ` + keys + `}}`
	}
	const none = `{"repos": [{"url": "*"}], "gpg": {"mode": "none"}}`
	byAda := head(`[{"url": "https://git.example/*"}]`, `["`+ada+`"]`)
	for rule, c := range map[string]struct {
		policies, repo string
		found          signature
		want           []string
	}{
		"signed":                           {byAda, anyRepo, ada, nil},
		"not signed":                       {byAda, anyRepo, "", []string{field + "commit 0123456 is what it is, and has to be signed with one of the keys " + ada}},
		"a repository by another spelling": {byAda, "https://Git.Example:443/shop.git", "", []string{field}},
		"a repository of no policy":        {byAda, "https://elsewhere.example/shop", "", nil},
		"by the first that matches":        {none + "," + byAda, anyRepo, "", nil},
		"by none but the first":            {byAda + "," + none, anyRepo, "", []string{field}},
		"the second pattern":               {head(`[{"url": "https://a.example/x"}, {"url": "https://git.example/**"}]`, `["`+ada+`"]`), anyRepo, "", []string{field}},
		"patterns as they once were":       {head(`["https://git.example/*"]`, `["`+ada+`"]`), anyRepo, "", []string{field}},
		"an ssh key":                       {head(`[{"url": "*"}]`, `["`+sue+`"]`), anyRepo, sue, nil},
		"a key by its fingerprint":         {head(`[{"url": "*"}]`, `["0x00000000`+strings.ToLower(ada)+`"]`), anyRepo, ada, nil},
		"an ssh key, not signed":           {head(`[{"url": "*"}]`, `["`+sue+`"]`), anyRepo, "", []string{"one of the keys " + sue}},
		"no policy":                        {"", anyRepo, "", []string{field + "git.policies is empty, and asks for nothing; correct it"}},
		"no keys":                          {head(`[{"url": "*"}]`, `[]`), anyRepo, "", []string{field + "git.policies[0]: gpg.keys is empty"}},
		"a key that is none":               {head(`[{"url": "*"}]`, `["ada"]`), anyRepo, "", []string{field + `git.policies[0]: gpg.keys: "ada" is not the ID`}},
		"no repositories":                  {none + "," + head(`[]`, `["`+ada+`"]`), anyRepo, "", []string{field + "git.policies[1]: repos is empty"}},
		"an empty pattern":                 {head(`[{"url": ""}]`, `["`+ada+`"]`), anyRepo, "", []string{field + `git.policies[0]: repos has the invalid pattern ""`}},
		"a pattern that denies":            {head(`[{"url": "!*"}]`, `["`+ada+`"]`), anyRepo, "", []string{"invalid pattern \"!*\""}},
		"no method":                        {`{"repos": [{"url": "*"}]}`, anyRepo, "", []string{field + "git.policies[0]: gpg is missing"}},
		"every commit of the history":      {`{"repos": [{"url": "*"}], "gpg": {"mode": "strict", "keys": ["` + ada + `"]}}`, anyRepo, ada, []string{field + "git.policies[0]: gpg.mode strict is not served", "write head"}},
		"an unknown mode":                  {`{"repos": [{"url": "*"}], "gpg": {"mode": "all", "keys": ["` + ada + `"]}}`, anyRepo, ada, []string{field + `git.policies[0]: unknown gpg.mode "all"`}},
		"an unknown field":                 {`{"repos": [{"url": "*"}], "gpg": {"mode": "head", "keys": ["` + ada + `"]}, "sigstore": {}}`, anyRepo, ada, []string{field + "invalid: ", "sigstore"}},
		"an unknown field of a repository": {head(`[{"url": "*", "branch": "main"}]`, `["`+ada+`"]`), anyRepo, ada, []string{field + "invalid: ", "branch"}},
		"a repository that is none":        {byAda, "https://", ada, []string{field}},
	} {
		p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{SourceIntegrity: &runtime.RawExtension{Raw: []byte(`{"git": {"policies": [` + c.policies + `]}}`)}}}
		judgeRefusal(t, rule, check(p, c.repo, c.found, []string{ada, sue}), c.want)
		if !project.AsksForSignatures(p) {
			t.Errorf("%s: asks for no signatures", rule)
		}
	}
}
