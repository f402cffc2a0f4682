package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/repository"
)

// The fields of a project by which commits have to be signed.
const (
	signatureKeysField   = "signatureKeys"
	sourceIntegrityField = "sourceIntegrity"
)

// integrity is spec.sourceIntegrity.
type integrity struct {
	Git struct {
		Policies []policy `json:"policies"`
	} `json:"git"`
}

// policy is how the commits of some repositories have to be signed. The first that is of a repository counts.
type policy struct {
	Repos []policyRepo `json:"repos"`
	GPG   *struct {
		Mode string   `json:"mode"`
		Keys []string `json:"keys"`
	} `json:"gpg"`
}

// policyRepo is a pattern of URLs; it is written as {url: PATTERN}, and was once written as the pattern alone.
type policyRepo struct{ url string }

// UnmarshalJSON reads either spelling.
func (r *policyRepo) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &r.url) == nil {
		return nil
	}
	var written struct {
		URL string `json:"url"`
	}
	err := decodeStrictly(data, &written)
	r.url = written.URL
	return err
}

// decodeStrictly reads JSON in which every field is known: one that is passed over could be what protects.
func decodeStrictly(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// The modes of a policy.
const (
	modeNone   = "none"
	modeHead   = "head"
	modeStrict = "strict"
)

// policies reads spec.sourceIntegrity. What is not served of it is an error, since passing it over would let in what it
// keeps out.
func policies(project *v1alpha1.AppProject) ([]policy, error) {
	written := project.Spec.SourceIntegrity
	if written == nil {
		return nil, nil
	}
	var read integrity
	if err := decodeStrictly(written.Raw, &read); err != nil {
		return nil, fmt.Errorf("invalid: %w", err)
	}
	if len(project.Spec.SignatureKeys) > 0 {
		return nil, errors.New("written beside spec.signatureKeys, and only one of them can hold")
	}
	all := read.Git.Policies
	if len(all) == 0 {
		return nil, errors.New("git.policies is empty, and asks for nothing")
	}
	for i, p := range all {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("git.policies[%d]: %w", i, err)
		}
	}
	return all, nil
}

// check returns what is wrong with a policy, and makes its key IDs comparable.
func (p policy) check() error {
	if p.GPG == nil {
		return errors.New("gpg is missing")
	}
	if len(p.Repos) == 0 {
		return errors.New("repos is empty")
	}
	somewhere, _ := repository.Parse("https://git.example/any")
	for _, r := range p.Repos {
		if _, err := repository.Match(r.url, somewhere); err != nil {
			return fmt.Errorf("repos has the invalid pattern %q: %w", r.url, err)
		}
	}
	switch p.GPG.Mode {
	case modeNone:
		return nil
	case modeHead:
	case modeStrict:
		return errors.New("gpg.mode strict is not served: the commit or annotated tag that is synced is checked, and none before it; write head")
	default:
		return fmt.Errorf("unknown gpg.mode %q; write head or none", p.GPG.Mode)
	}
	if len(p.GPG.Keys) == 0 {
		return errors.New("gpg.keys is empty")
	}
	for i, written := range p.GPG.Keys {
		id, err := ParseKeyID(written)
		if err != nil {
			return fmt.Errorf("gpg.keys: %w", err)
		}
		p.GPG.Keys[i] = id
	}
	return nil
}

// policyKeys returns the IDs of the keys that the policy of a repository asks for; none where it asks for none, or none
// is of the repository.
func policyKeys(project *v1alpha1.AppProject, repoURL string) ([]string, error) {
	all, err := policies(project)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	u, err := repository.Parse(repoURL)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		for _, r := range p.Repos {
			if matched, _ := repository.Match(r.url, u); !matched {
				continue
			}
			if p.GPG.Mode == modeNone {
				return nil, nil
			}
			return p.GPG.Keys, nil
		}
	}
	return nil, nil
}
