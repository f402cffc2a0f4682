package application

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// signers are the public keys of those who may sign commits, as ConfigMaps argocd-gpg-keys-cm and cyan-ssh-signers-cm
// have them.
type signers struct {
	// ids are the names that the keys have there.
	ids  []string
	keys source.SignerKeys
}

func newSigners(gpg map[string]string, ssh []settings.SSHSigner) signers {
	s := signers{ids: slices.Sorted(maps.Keys(gpg))}
	for _, id := range s.ids {
		s.keys.GPG = append(s.keys.GPG, gpg[id])
	}
	lines := make([]string, len(ssh))
	for i, key := range ssh {
		s.ids, lines[i] = append(s.ids, key.KeyID), key.Line
	}
	s.keys.SSH = strings.Join(lines, "\n")
	return s
}

// asked returns the keys that a signature is checked against: of a kind that a project does not name, none are needed,
// nor the program that checks them.
func (s signers) asked(by project.Signers) source.SignerKeys {
	keys := s.keys
	gpg, ssh := by.Kinds()
	if !gpg {
		keys.GPG = nil
	}
	if !ssh {
		keys.SSH = ""
	}
	return keys
}

// digestOf names keys.
func digestOf(keys source.SignerKeys) string {
	sum := sha256.Sum256([]byte(strings.Join(keys.GPG, "\x00") + "\x00\x00" + keys.SSH))
	return hex.EncodeToString(sum[:])
}

// The times for which a verdict on a signature counts: a key may expire, and a tag be signed anew.
const (
	goodVerdictFor  = 10 * time.Minute
	otherVerdictFor = 30 * time.Second
)

// maxVerdicts bounds the verdicts that are kept.
const maxVerdicts = 4096

// verdictOf is all that a verdict on a signature depends on.
type verdictOf struct{ repository, revision, sha, keys string }

type verdict struct {
	signature source.Signature
	until     time.Time
}

// verdicts are those on signatures that were reached not long ago. The zero value is ready for use.
type verdicts struct {
	mu sync.Mutex
	of map[verdictOf]verdict
}

func (v *verdicts) get(of verdictOf, now time.Time) (source.Signature, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.of[of]
	return known.signature, ok && now.Before(known.until)
}

func (v *verdicts) put(of verdictOf, signature source.Signature, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil || len(v.of) >= maxVerdicts {
		v.of = map[verdictOf]verdict{}
	}
	until := now.Add(otherVerdictFor)
	if signature.State == source.SignatureGood {
		until = now.Add(goodVerdictFor)
	}
	v.of[of] = verdict{signature, until}
}

// forget drops a verdict: what can't be checked any more is not believed.
func (v *verdicts) forget(of verdictOf) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.of, of)
}
